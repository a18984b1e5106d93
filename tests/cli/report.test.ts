import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ReplaySummary } from '../../cli/replayOptions.ts'
import type { ReportSummary } from '../../cli/reportRun.ts'
import { duckRows } from '../../connectors/parquet/duck.ts'
import { lakeFingerprint } from '../../connectors/parquet/fingerprint.ts'
import { runHere } from '../kit/inProcess.ts'
import { killAfter } from '../kit/killing.ts'
import { marketLake } from '../kit/marketLake.ts'

const work = mkdtempSync(join(tmpdir(), 'report-'))
const inWork = (name: string): string => join(work, name)
let lake: string
beforeAll(async () => {
  lake = await marketLake({ days: 2, strikes: 2, rate: 0.2 })
}, 60_000)
afterAll(() => {
  rmSync(work, { recursive: true, force: true })
  rmSync(dirname(lake), { recursive: true, force: true })
})

const strategy = (...more: string[]): string[] => [
  ...['replay', '--topology', 'atm-volume-burst', '--lake', lake],
  ...['--param', 'rollingBurst.floor=1', '--param', 'trend.filter=off', '--quiet'],
  ...more,
]

async function ran<T>(args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await runHere([...args, '--json'])
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as T
}

/** What the page of a report holds. */
function dataOf(html: string): {
  trades: unknown[][]
  columns: string[]
  identity: [string, string][]
  missing: string[]
  lines: { instrument: string; at: number[] }[]
  checks: { holds: boolean }[]
  distances: number[]
} {
  const [, json] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(readFileSync(html, 'utf8')) as RegExpExecArray
  return JSON.parse(json)
}

describe('replay --report', () => {
  const page = inWork('first.html')
  let summary: ReplaySummary & { report: ReportSummary }
  beforeAll(async () => {
    summary = await ran(strategy('--out', inWork('run'), '--report', page))
  }, 60_000)

  it('has the trades of the run and their sum', async () => {
    const rows = await duckRows<{ n: bigint; pnl: number }>(`SELECT count(*) AS n, sum(pnl) AS pnl FROM '${inWork('run')}/trades/*/*.parquet'`)
    expect(rows[0].n).toBeGreaterThan(3n)
    expect(summary.report).toMatchObject({ trades: Number(rows[0].n), days: 2, failedChecks: [], missing: [], html: page })
    expect(summary.report.pnl).toBeCloseTo(rows[0].pnl, 6)
    const { trades, columns, checks, distances } = dataOf(page)
    expect(trades.reduce((sum, row) => sum + (row[columns.indexOf('pnl')] as number), 0)).toBeCloseTo(rows[0].pnl, 6)
    expect(checks.every(({ holds }) => holds)).toBe(true)
    expect(distances.every((distance) => Math.abs(distance) <= 1)).toBe(true)
  })

  it('says which lake, code, topology and parameters it is of', () => {
    const told = Object.fromEntries(dataOf(page).identity)
    expect(told).toMatchObject({
      run: summary.run,
      topology: 'atm-volume-burst@1',
      'lake fingerprint': `${lakeFingerprint(lake)} when this page was made`,
    })
    expect(told['code']).toMatch(/^tickloom \d/)
  })

  it('draws the contract and its spot on every day it was traded', () => {
    const { lines, trades, columns } = dataOf(page)
    for (const row of trades) expect(lines.map(({ instrument }) => instrument)).toContain(row[columns.indexOf('instrument')])
    expect(lines.filter(({ instrument }) => instrument === 'NIFTY')).toHaveLength(2)
    expect(lines.every(({ at }) => at.length > 20 && at.length < 3000)).toBe(true)
  })

  const sameAs = (html: string) => {
    const [a, b] = [dataOf(page), dataOf(html)]
    expect(b.trades).toEqual(a.trades)
    expect({ ...b, identity: 0 }).toEqual({ ...a, identity: 0 })
  }

  it('is the same from the folder afterwards, by two workers into a temporary folder, and from a database', async () => {
    await ran(['report', '--out', inWork('run'), '--html', inWork('again.html')])
    sameAs(inWork('again.html'))
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('tickloom-report-'))
    const { out } = await ran<ReplaySummary>(strategy('--workers', '2', '--report', inWork('workers.html')))
    sameAs(inWork('workers.html'))
    expect(out).toBeUndefined()
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('tickloom-report-'))).toEqual(before)
    await ran(strategy('--clickhouse', inWork('db'), '--out', inWork('both'), '--run', 'A'))
    await ran(['report', '--clickhouse', inWork('db'), '--run', 'A', '--html', inWork('db.html')])
    sameAs(inWork('db.html'))
  }, 60_000)

  it('is the same after a kill and --resume', async () => {
    const args = strategy('--out', inWork('killed'), '--report', inWork('killed.html'), '--epoch', '10m')
    for (let after = 1200; await killAfter(after, args); after += 700) {
      if (existsSync(join(inWork('killed'), 'checkpoints'))) break
    }
    await ran([...args, '--resume'])
    const [a, b] = [dataOf(page), dataOf(inWork('killed.html'))]
    expect([b.trades, b.lines]).toEqual([a.trades, a.lines])
  }, 60_000)

  it('without a single trade says so, of a folder too', async () => {
    const { report } = await ran<{ report: ReportSummary }>([
      ...strategy('--out', inWork('none'), '--report', inWork('none.html')),
      '--param',
      'rollingBurst.floor=1e12',
    ])
    expect(report).toMatchObject({ trades: 0, days: 2, pnl: 0, failedChecks: [] })
    expect(await ran(['report', '--out', inWork('none'), '--html', inWork('none.html')])).toMatchObject({ trades: 0, days: 2 })
  })

  it.each([
    [['--topology', 'volume-burst', '--report', 'x.html'], /volume-burst has seconds, bursts, signals, late/],
    [['--topology', 'atm-volume-burst', '--outputs', 'signals', '--report', 'x.html'], /--outputs has signals/],
    [['--topology', 'atm-volume-burst', '--report', join(import.meta.filename, 'x.html')], /OUTPUT_UNWRITABLE/],
  ])('refuses %j before a row is read', async (args, why) => {
    const { code, stderr } = await runHere(['replay', '--lake', lake, '--quiet', ...args])
    expect(stderr).toMatch(why)
    expect(code).toBeGreaterThan(0)
  })
})

describe("report of a strategy of one's own", () => {
  it('with the least that will do names what is missing', async () => {
    const file = inWork('mine.ts')
    writeFileSync(
      file,
      `import { topology, rowObjects } from 'tickloom'
import { map } from 'rxjs'
import { z } from 'zod'
export default topology({
  name: 'mine', version: 3, memory: 'day', params: z.object({ every: z.number().default(2000) }),
  inputs: { ticks: { ts: 'time', instrument: 'instrument', price: 'f64' } },
  outputs: { trades: { ts: 'time', instrument: 'instrument', pnl: 'f64' } },
  wire({ ticks }, at, p) {
    const step = at('mine')
    const out = step.scratch({ ts: 'time', instrument: 'instrument', pnl: 'f64' })
    const seen = step.cells('seen', { version: 1, cells: { n: 0 } })
    return { trades: ticks.pipe(step.map((batch) => {
      out.clear()
      for (let i = 0; i < batch.n; i++) if (++seen.n % p.every === 0) {
        out.reserve(out.n + 1)
        const n = out.n++
        out.col.ts[n] = batch.col.ts[i]; out.col.instrument[n] = batch.col.instrument[i]; out.col.pnl[n] = seen.n % 3 - 1
      }
      return out.view(batch.watermark)
    })) }
  },
})`
        .replace(', rowObjects', '')
        .replace("import { map } from 'rxjs'\n", ''),
    )
    const { report } = await ran<{ report: ReportSummary }>([
      'replay',
      '--topology',
      file,
      '--lake',
      lake,
      '--out',
      inWork('mine'),
      '--report',
      inWork('mine.html'),
      '--quiet',
    ])
    expect(report.trades).toBeGreaterThan(10)
    expect(report.failedChecks).toEqual([])
    const { missing } = dataOf(inWork('mine.html'))
    for (const what of [
      /trades have no position, .*fees/,
      /no output "equity"/,
      /no output "fills"/,
      /no output "orders"/,
      /no output "signals"/,
      /no output has prices/,
    ])
      expect(missing.join('\n')).toMatch(what)
    // The folder says which file it was.
    expect(await ran(['report', '--out', inWork('mine'), '--html', inWork('mine2.html')])).toMatchObject({
      trades: report.trades,
      topology: 'mine@3',
    })
    expect(dataOf(inWork('mine2.html')).missing).toEqual(missing)
  })

  it.each([
    [['--html', 'x.html'], /a run in a folder, --out, or of one in a database/],
    [['--html', 'x.html', '--out', '.'], /has no run.json/],
    [['--html', 'x.html', '--clickhouse', 'nowhere', '--run', 'A'], /no embedded database in nowhere/],
  ])('refuses %j', async (args, why) => {
    const { code, stderr } = await runHere(['report', ...args])
    expect([code, stderr]).toEqual([2, expect.stringMatching(why)])
  })
})
