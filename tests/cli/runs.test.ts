import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ReplaySummary } from '../../cli/replayOptions.ts'
import type { Comparison } from '../../cli/runsCompare.ts'
import type { ListedRun } from '../../cli/runsList.ts'
import { openClickHouse } from '../../connectors/clickhouse/client.ts'
import { committerOf } from '../../connectors/clickhouse/committer.ts'
import { closeEmbeddedEngine, embeddedEngine } from '../../connectors/clickhouse/engine.ts'
import { duckRows } from '../../connectors/parquet/duck.ts'
import { clickhouseFront } from '../kit/clickhouseFront.ts'
import { runHere } from '../kit/inProcess.ts'
import { marketLake } from '../kit/marketLake.ts'

const work = mkdtempSync(join(tmpdir(), 'runs-'))
const inWork = (name: string): string => join(work, name)
const db = inWork('db')
let lake: string
let summary: ReplaySummary

async function ran<T>(args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await runHere([...args, '--json'])
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as T
}

const replayInto = (run: string, topology: string, ...more: string[]): string[] => [
  ...['replay', '--topology', topology, '--lake', lake, '--quiet'],
  ...['--clickhouse', db, '--out', inWork(run), '--run', run, ...more],
]
const strategy = (run: string, ...more: string[]): string[] =>
  replayInto(run, 'atm-volume-burst', '--param', 'rollingBurst.floor=1', '--param', 'trend.filter=off', ...more)

/** Fails at noon of the second day, unless it is told that it is mended. */
const BROKEN = `import { topology } from 'tickloom'
import { map } from 'rxjs'
import { z } from 'zod'
const row = { ts: 'time', instrument: 'instrument', price: 'f64' }
const noon = Date.UTC(2025, 0, 7, 6, 30) * 1000
export default topology({
  name: 'broken', version: 1, memory: 'day', params: z.object({}), inputs: { ticks: row }, outputs: { ticked: row },
  wire: ({ ticks }) => ({ ticked: ticks.pipe(map((batch) => { if (batch.watermark > noon && process.env.MENDED === undefined) throw new Error('as meant'); return batch })) }),
})`

beforeAll(async () => {
  lake = await marketLake({ days: 2, strikes: 2, rate: 0.2 })
  summary = await ran(strategy('A'))
  await ran(strategy('B', '--param', 'stop=0.05'))
  writeFileSync(inWork('broken.ts'), BROKEN)
  const { code, stderr } = await runHere(replayInto('F', inWork('broken.ts')))
  expect([code, stderr]).toEqual([1, expect.stringContaining('as meant')])
}, 90_000)
afterAll(() => {
  closeEmbeddedEngine()
  rmSync(work, { recursive: true, force: true })
  rmSync(dirname(lake), { recursive: true, force: true })
})

describe('runs', () => {
  it('lists what is there, the newest first, with what it came to', async () => {
    const { runs } = await ran<{ runs: ListedRun[] }>(['runs', '--clickhouse', db])
    expect(runs.map(({ run, status }) => [run, status])).toEqual([
      ['F', 'failed'],
      ['B', 'done'],
      ['A', 'done'],
    ])
    const [trades] = await duckRows<{ n: number; pnl: number; won: number }>(
      `SELECT count(*)::INT AS n, sum(pnl) AS pnl, count(*) FILTER (pnl > 0)::INT AS won FROM '${inWork('A')}/trades/*/*.parquet'`,
    )
    const [A] = runs.filter(({ run }) => run === 'A')
    const rowsOut = Object.values(summary.outputs).reduce((sum, n) => sum + n, 0)
    expect(A).toMatchObject({ topology: 'atm-volume-burst', version: 1, differs: { stop: 0.15 }, trades: trades.n, rowsIn: summary.rowsIn, rowsOut })
    expect(A.pnl).toBeCloseTo(trades.pnl, 6)
    expect(A.winRate).toBeCloseTo(trades.won / trades.n, 9)
    expect(A.drawdown).toBeGreaterThan(0)
  })

  it('says of a run that failed when it ended, and no number that nobody counted', async () => {
    const { runs } = await ran<{ runs: ListedRun[] }>(['runs', '--clickhouse', db, '--topology', 'broken'])
    expect(runs).toEqual([expect.objectContaining({ run: 'F', status: 'failed', finished: expect.stringMatching(/^20/) })])
    for (const name of ['rowsIn', 'rowsOut', 'trades', 'pnl']) expect(runs[0]).not.toHaveProperty(name)
  })

  it('a run that failed and was resumed is done', async () => {
    expect(await runHere(replayInto('F', inWork('broken.ts'), '--resume'), { MENDED: 'yes' })).toMatchObject({ code: 0, stderr: '' })
    const { runs } = await ran<{ runs: ListedRun[] }>(['runs', '--clickhouse', db, '--topology', 'broken'])
    expect(runs.map(({ status }) => status)).toEqual(['done'])
  })

  it('shows a table, of as many as are wanted', async () => {
    const { stdout } = await runHere(['runs', '--clickhouse', db, '--topology', 'atm-volume-burst', '--last', '1'])
    expect(stdout).toMatch(/│ B +│.*│ done +│/)
    expect(stdout).not.toMatch(/│ A +│/)
  })

  it('compares two: parameters that differ, figures side by side, days, trades', async () => {
    const found = await ran<Comparison>(['runs', 'compare', 'A', 'B', '--clickhouse', db])
    expect(found).toMatchObject({ runs: ['A', 'B'], status: ['done', 'done'], differs: { stop: [0.15, 0.05] } })
    expect(Object.keys(found.differs)).toEqual(['stop'])
    expect(Object.keys(found.days)).toEqual(['2025-01-06', '2025-01-07'])
    const pnl = found.metrics['Trades: net PnL'] as [number, number]
    for (const i of [0, 1]) expect(Object.values(found.days).reduce((sum, day) => sum + (day[i] ?? 0), 0)).toBeCloseTo(pnl[i], 6)
    const [inA, inB] = found.metrics['Trades: trades'] as [number, number]
    expect(found.same + found.changed.length + found.onlyA.length).toBe(inA)
    expect(found.same + found.changed.length + found.onlyB.length).toBe(inB)
    expect(found.changed.length).toBeGreaterThan(0)
    const { stdout } = await runHere(['runs', 'compare', 'A', 'B', '--clickhouse', db])
    expect(stdout).toMatch(/│ stop +│ 0\.15 +│ 0\.05 +│/)
    expect(stdout).toMatch(new RegExp(`│ Trades: trades +│ ${inA} +│ ${inB} +│`))
  })

  it('finds no difference between a run and itself', async () => {
    const found = await ran<Comparison>(['runs', 'compare', 'A', 'A', '--clickhouse', db])
    expect([found.differs, found.changed, found.onlyA, found.onlyB]).toEqual([{}, [], [], []])
    expect(found.same).toBe(found.metrics['Trades: trades'][0])
  })

  it.each([
    [['compare', 'A', 'Q'], /has no run Q; `tickloom runs` lists them/],
    [['compare', 'A'], /wants the names of two runs/],
    [['campare'], /there is no "runs campare"/],
    [['--database', 'other'], /has no runs in database other/],
    [['compare', 'A', 'B', '--database', 'other'], /has no runs in database other/],
  ])('refuses %j', async (args, why) => {
    const { code, stderr } = await runHere(['runs', ...args, '--clickhouse', db])
    expect([code, stderr]).toEqual([2, expect.stringMatching(why)])
  })

  it('has nothing to list in a database without runs, and refuses a folder without a database', async () => {
    const empty = openClickHouse(inWork('empty'))
    await committerOf(empty, { database: 'tickloom' }).prepare({})
    await empty.close()
    expect(await runHere(['runs', '--clickhouse', inWork('empty')])).toEqual({ code: 0, stdout: 'no runs\n', stderr: '' })
    expect(await ran(['runs', '--clickhouse', inWork('empty')])).toEqual({ runs: [] })
    mkdirSync(inWork('folder'))
    const { code, stderr } = await runHere(['runs', '--clickhouse', inWork('folder')])
    expect([code, stderr]).toEqual([2, expect.stringContaining('there is no embedded database in')])
  })

  it('says the same of a server', async () => {
    const commands = [['runs'], ['runs', 'compare', 'A', 'B']]
    const told = async (target: string) => [await ran([...commands[0], '--clickhouse', target]), await ran([...commands[1], '--clickhouse', target])]
    const embedded = await told(db)
    embeddedEngine(db)
    const front = await clickhouseFront()
    try {
      expect(await told(front.url)).toEqual(embedded)
      const { code, stderr } = await runHere(['runs', '--clickhouse', front.url, '--database', 'other'])
      expect([code, stderr]).toEqual([2, expect.stringContaining('has no runs in database other')])
    } finally {
      await front.close()
      closeEmbeddedEngine()
    }
  })
})
