import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { probeFolder, writeTextAtomically } from '../connectors/parquet/atomic.ts'
import { lakeFingerprint } from '../connectors/parquet/fingerprint.ts'
import { TickloomError } from '../core/errors.ts'
import { listParameters } from '../core/parameters.ts'
import type { Topology } from '../core/topology.ts'
import { fromTicks } from '../topologies/seconds/fromTicks.ts'
import { loadTopology } from './loadTopology.ts'
import { wantedOutputs } from './outputs.ts'
import type { ReplayOptions, ReplaySummary } from './replayOptions.ts'
import { reportOf } from './reportData.ts'
import { RunsDatabase, runInDatabase } from './reportDatabase.ts'
import { runInFolder } from './reportFolder.ts'
import { reportPage } from './reportPage.ts'
import { readPrices } from './reportPrices.ts'
import { readRunRows, requireTrades } from './reportRows.ts'
import type { RunTables } from './reportTables.ts'

/** Where the rows of a finished run are. */
export type RunPlace = { readonly out: string } | { readonly clickhouse: string; readonly database?: string; readonly run: string }

/** What a report came to, for whoever asked for it. */
export interface ReportSummary {
  readonly html: string
  readonly bytes: number
  readonly run: string
  readonly topology: string
  readonly days: number
  readonly trades: number
  readonly pnl: number
  readonly drawdown: number
  readonly sharpe: number
  /** Sums that do not agree; there should be none. */
  readonly failedChecks: readonly string[]
  readonly missing: readonly string[]
}

/** Makes the report of a finished run. `topology`: the one it ran, where the run does not say how to load it. */
export async function makeReport(place: RunPlace, html: string, named?: string): Promise<ReportSummary> {
  const file = resolve(html)
  probeFolder(dirname(file))
  if ('out' in place) {
    const tables = await runInFolder(place.out)
    try {
      return await written(tables, file, named)
    } finally {
      await tables.close()
    }
  }
  const db = new RunsDatabase(place.clickhouse, place.database)
  try {
    return await written(await runInDatabase(db, place.run), file, named)
  } finally {
    await db.close()
  }
}

/**
 * Replays, and makes the report of it. Without a place for the rows they are in a temporary folder, which is gone
 * afterwards. That the topology has trades and the page can be written is known before the first row is read.
 */
export async function replayWithReport(
  options: ReplayOptions,
  html: string,
  replay: (options: ReplayOptions) => Promise<ReplaySummary>,
): Promise<{ readonly summary: ReplaySummary; readonly report: ReportSummary }> {
  const topology = await loadTopology(options.topology)
  const wanted = wantedOutputs(topology, options.outputs, '--outputs')
  requireTrades(
    Object.fromEntries(wanted.map((name) => [name, topology.outputs[name]])),
    options.outputs === undefined ? topology.name : '--outputs',
    '--report',
  )
  probeFolder(dirname(resolve(html)))
  const { out, clickhouse, database } = options
  if (out === undefined && clickhouse !== undefined) {
    const summary = await replay(options)
    return { summary, report: await makeReport({ clickhouse, database, run: summary.run }, html, options.topology) }
  }
  const temporary = out === undefined ? mkdtempSync(join(tmpdir(), 'tickloom-report-')) : undefined
  try {
    const { out: folder, ...summary } = await replay({ ...options, out: out ?? temporary })
    const report = await makeReport({ out: (out ?? temporary) as string }, html, options.topology)
    return { summary: temporary === undefined ? { ...summary, out: folder } : summary, report }
  } finally {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true })
  }
}

async function written(tables: RunTables, file: string, named: string | undefined): Promise<ReportSummary> {
  const { identity } = tables
  const topology = await topologyOf(tables, named)
  if (topology !== undefined) requireTrades(topology.outputs, identity.topology, 'report')
  else if (!tables.outputs.has('trades') && tables.asked?.includes('trades') !== true)
    throw new TickloomError(
      'OPTION_INVALID',
      `run ${identity.run} has no trades; it has rows of ${[...tables.outputs.keys()].join(', ') || 'nothing'}. If its topology has trades and none came about, name it with --topology`,
      { option: 'report' },
    )
  if (tables.asked !== undefined && !tables.asked.includes('trades'))
    throw new TickloomError('OPTION_INVALID', `run ${identity.run} was made with --outputs ${tables.asked.join(',')}, so without trades`, {
      option: 'report',
    })
  const rows = await readRunRows(tables)
  const report = reportOf(rows, tables.partitions)
  const prices = await readPrices(tables, rows.trades, report.zone)
  const parameters = topology === undefined ? undefined : listParameters(fromTicks(topology).params)
  const fingerprint = fingerprintOf(tables)
  const page = reportPage({ identity, rows, report, prices, fingerprint, parameters, made: new Date() })
  return {
    html: file,
    bytes: await writeTextAtomically(file, page),
    run: identity.run,
    topology: identity.topology,
    days: report.days.length,
    trades: report.totals.trades,
    pnl: report.totals.pnl,
    drawdown: report.drawdown.depth,
    sharpe: report.daily.sharpe,
    failedChecks: report.checks.filter(({ holds }) => !holds).map(({ what, told }) => `${what}: ${told}`),
    missing: report.missing,
  }
}

/**
 * The topology of the run: as it was named, else as the run names it. Undefined where that one cannot be loaded any more,
 * or is another version by now, since then it says nothing of this run.
 */
async function topologyOf({ identity }: RunTables, named: string | undefined): Promise<Topology | undefined> {
  try {
    const topology = await loadTopology(named ?? identity.file ?? identity.topology.split('@')[0])
    if (`${topology.name}@${topology.version}` === identity.topology) return topology
    if (named === undefined) return undefined
    throw new TickloomError(
      'OPTION_INVALID',
      `run ${identity.run} is of ${identity.topology}, and ${named} is ${topology.name}@${topology.version}`,
      { option: '--topology' },
    )
  } catch (thrown) {
    const lost = thrown instanceof TickloomError && (thrown.code === 'TOPOLOGY_NOT_FOUND' || thrown.code === 'TOPOLOGY_INVALID')
    if (named === undefined && lost) return undefined
    throw thrown
  }
}

/** Of the files that the run read, as they are now. */
function fingerprintOf({ identity: { lake, from, to, symbols } }: RunTables): string | undefined {
  try {
    return lakeFingerprint(lake, { from, to, symbols })
  } catch (thrown) {
    if (thrown instanceof TickloomError && ['LAKE_MISSING', 'LAKE_EMPTY', 'LAKE_MANIFEST', 'FILE_CORRUPT'].includes(thrown.code)) return undefined
    throw thrown
  }
}
