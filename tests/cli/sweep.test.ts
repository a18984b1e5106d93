import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ReplaySummary } from '../../cli/replayOptions.ts'
import type { SweepSummary } from '../../cli/sweepOptions.ts'
import { lakeFingerprint } from '../../connectors/parquet/fingerprint.ts'
import { frozenTree } from '../kit/frozenTree.ts'
import { endingItself } from '../kit/killing.ts'
import { marketLake } from '../kit/marketLake.ts'

const work = mkdtempSync(join(tmpdir(), 'sweep-'))
const tree = frozenTree()
const tickloom = tree.run
let lake: string
beforeAll(async () => {
  lake = await marketLake({ days: 3, strikes: 4, rate: 0.3 })
}, 60_000)
afterAll(() => {
  tree.remove()
  rmSync(work, { recursive: true, force: true })
  rmSync(dirname(lake), { recursive: true, force: true })
})

const grid = ['--param', 'signal.multiplier=1.2..1.6:0.2', '--param', 'signal.floor=1,50', '--param', 'rollingBurst.baseline=300,600']
const sweepArgs = (out: string, ...more: string[]) => [
  'sweep',
  '--topology',
  'volume-burst',
  '--lake',
  lake,
  ...grid,
  '--workers',
  '2',
  '--out',
  out,
  ...more,
]

async function sweep(out: string, ...more: string[]): Promise<SweepSummary> {
  const { code, stdout, stderr } = await tickloom([...sweepArgs(out, '--json', ...more)])
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as SweepSummary
}

const linesOf = (out: string): string[] =>
  readFileSync(join(out, 'results.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')

describe('tickloom sweep', () => {
  let summary: SweepSummary
  const out = join(work, 'whole')
  beforeAll(async () => {
    summary = await sweep(out, '--clickhouse', join(work, 'db'), '--train', '1d', '--test', '1d')
  }, 120_000)

  it('counts for a set what a replay of that set counts', async () => {
    const args = ['--param', 'signal.multiplier=1.4', '--param', 'signal.floor=50', '--param', 'rollingBurst.baseline=600']
    const { stdout } = await tickloom(['replay', '--topology', 'volume-burst', '--lake', lake, ...args, '--json'])
    const { signals } = (JSON.parse(stdout) as ReplaySummary).outputs
    expect(signals).toBeGreaterThan(0)
    expect(summary.sets.find(({ values }) => values.join() === '1.4,50,600')?.totals).toEqual({ days: 3, signals })
  })

  it('ranks all sets of the grid, best first', () => {
    expect(summary).toMatchObject({ parameters: ['signal.multiplier', 'signal.floor', 'rollingBurst.baseline'], computed: 36, resumed: 0 })
    expect(summary.sets.map(({ set }) => set).sort((a, b) => a - b)).toEqual([...Array(12).keys()])
    const signals = summary.sets.map(({ totals }) => totals['signals'])
    expect(signals).toEqual([...signals].sort((a, b) => b - a))
  })

  it('walks forward over the days of the lake', () => {
    expect(summary.walk?.windows.map(({ train, test }) => [train.from, test.from])).toEqual([
      ['2025-01-06', '2025-01-07'],
      ['2025-01-07', '2025-01-08'],
    ])
    expect(summary.walk?.metrics['days']).toBe(2)
  })

  it('leaves a row a set and day in Parquet and in ClickHouse', async () => {
    const query = async (from: string, ...where: string[]) => {
      const { stdout, stderr, code } = await tickloom(['sql', `SELECT count() AS n, sum(signals) AS s FROM ${from}`, ...where, '--format', 'json'])
      if (code !== 0) throw new Error(stderr)
      const { n, s } = JSON.parse(stdout) as { n: number; s: number }
      return [Number(n), Number(s)]
    }
    const all = [36, summary.sets.reduce((sum, { totals }) => sum + totals['signals'], 0)]
    expect(await query(`file('${join(out, 'sweeps.parquet')}')`, '--clickhouse', join(work, 'db'))).toEqual(all)
    expect(await query('sweeps FINAL', '--clickhouse', join(work, 'db'))).toEqual(all)
  })

  it('has nothing to do when it is called again, and says what it said', async () => {
    const again = await sweep(out, '--train', '1d', '--test', '1d')
    expect(again).toMatchObject({ computed: 0, resumed: 36, sets: summary.sets, walk: summary.walk })
  })

  it('refuses a folder that holds another sweep', async () => {
    const { code, stderr } = await tickloom([...sweepArgs(out), '--param', 'signal.cooldown=0,5'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('RUN_MISMATCH')])
  })

  it.each([
    [['--param', 'signal.flor=1'], /no parameter "signal.flor"/],
    [['--param', 'rollingBurst.window=900'], /with rollingBurst.window=900: .*window and baseline/],
    [['--by', 'pnl'], /--by pnl is no metric of volume-burst; there are signals/],
    [['--train', '3d', '--test', '1d'], /leaves no day to test on/],
    [['--train', '3d'], /--train needs --test/],
    [['--html', 'a.html', '--x', 'signal.floor'], /--x signal.floor is not swept/],
  ])('refuses %j before it begins', async (args, why) => {
    const { code, stderr } = await tickloom(['sweep', '--topology', 'volume-burst', '--lake', lake, '--out', join(work, 'none'), ...args])
    expect(stderr).toMatch(why)
    expect([code, existsSync(join(work, 'none'))]).toEqual([expect.any(Number), false])
  })

  it('goes on after kill -9 where it stood: finished jobs are not run again, and the answer is the same', async () => {
    const killed = join(work, 'killed')
    const fine = ['--sets-a-job', '1']
    const results = join(killed, 'results.jsonl')
    const afterThree = endingItself('sweep', results, (text) => text.split('\n').length > 3, 'SIGKILL', true)
    const child = tree.start(sweepArgs(killed, ...fine, '--quiet'), afterThree)
    expect(await new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)))).toBe('SIGKILL')
    const finished = linesOf(killed).length
    expect(finished).toBeGreaterThan(0)
    expect(finished).toBeLessThan(36)
    writeFileSync(join(killed, 'results.jsonl'), '{"job":"half a li', { flag: 'a' })
    const resumed = await sweep(killed, ...fine)
    expect(resumed).toMatchObject({ resumed: finished, computed: 36 - finished, sets: summary.sets })
    const jobs = linesOf(killed).map((line) => (JSON.parse(line) as { job: string }).job)
    expect(new Set(jobs).size).toBe(36)
    expect(jobs).toHaveLength(36)
  }, 120_000)
})

describe('a topology whose shared part forgets a parameter', () => {
  it('is found out by running one set alone', async () => {
    const file = join(work, 'forgets.ts')
    writeFileSync(
      file,
      `import { perSecond, nseCalendar, rollingBurst, Second, sharedBy, Signal, signal, topology } from 'tickloom'
import { z } from 'zod'
export default topology({
  name: 'forgets', version: 1, memory: 'day',
  params: z.object({ window: z.number().default(30), floor: z.number().default(1) }),
  inputs: { seconds: Second }, outputs: { signals: Signal },
  wire({ seconds }, at, p) {
    const bursts = sharedBy(at, 'bursts', null, (at) => seconds.pipe(rollingBurst(at('rollingBurst'), { window: p.window, baseline: 300 })))
    return { signals: bursts.pipe(signal(at('signal'), { multiplier: 1.2, floor: p.floor, cooldown: 0 })) }
  },
})`,
    )
    const args = ['sweep', '--topology', file, '--lake', lake, '--to', '2025-01-06', '--workers', '1', '--out', join(work, 'forgets')]
    const { code, stderr } = await tickloom([...args, '--param', 'window=10,60'])
    expect([code, stderr]).toEqual([2, expect.stringMatching(/set 1 on 2025-01-06 came to other signals when run alone.*TOPOLOGY_INVALID/s)])
    const fine = await tickloom([...args.slice(0, -1), join(work, 'remembers'), '--param', 'floor=1,60', '--json'])
    expect(fine.code).toBe(0)
  }, 60_000)
})

describe('the fingerprint of a lake', () => {
  it('is that of its copy elsewhere, whenever its files were touched, and another when a file is', async () => {
    const copy = join(work, 'copy')
    await cp(lake, copy, { recursive: true })
    const file = join(copy, 'touched')
    expect(lakeFingerprint(copy)).toBe(lakeFingerprint(lake))
    await new Promise((resolve) => execFile('find', [copy, '-name', '*.parquet', '-exec', 'touch', '{}', '+'], resolve))
    expect(lakeFingerprint(copy)).toBe(lakeFingerprint(lake))
    expect(lakeFingerprint(lake, { to: '2025-01-07' })).not.toBe(lakeFingerprint(lake))
    writeFileSync(file, '')
    utimesSync(file, 0, 0)
    expect(lakeFingerprint(copy)).toBe(lakeFingerprint(lake))
  })

  it('says which file is no Parquet', async () => {
    const broken = join(work, 'broken')
    await cp(lake, broken, { recursive: true })
    const [first] = readFileSync(join(broken, 'meta/packed_manifest.csv'), 'utf8')
      .split('\n')[1]
      .match(/[^,]*\.parquet/) as string[]
    writeFileSync(join(broken, first), 'not')
    expect(() => lakeFingerprint(broken)).toThrow(/does not end as Parquet does/)
  })
})
