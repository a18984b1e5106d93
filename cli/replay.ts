import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Params } from '../core/parameters.ts'
import type { Topology } from '../core/topology.ts'
import { exposeMetrics, RunMetrics, writeMetrics } from '../runtime/metrics.ts'
import { showProgress } from '../runtime/progress.ts'
import { onShutdown } from '../runtime/shutdown.ts'
import { type CommonFlags, count, date, durationOption, list, repeated, type Strikes, strikes, timeRange, verb, wrongFlag } from './flags.ts'
import { byteSize, cacheOf } from './replayCache.ts'
import { identityOf, runName } from './replayIdentity.ts'
import type { ReplayOptions, ReplaySummary } from './replayOptions.ts'
import { reportLines } from './report.ts'
import type { ReportSummary } from './reportRun.ts'
import { planTables, summaryTables } from './tables.ts'

/** The flags as commander gives them. */
export interface ReplayFlags extends CommonFlags {
  readonly topology: string
  readonly lake: string
  readonly from?: string
  readonly to?: string
  readonly time?: { from: string; to: string }
  readonly symbols?: string[]
  readonly strikes?: Strikes
  readonly param: string[]
  readonly preset?: string
  readonly out?: string
  readonly outputs?: string[]
  readonly clickhouse?: string
  readonly database?: string
  readonly run?: string
  readonly workers: number
  readonly resume?: boolean
  readonly epoch: number
  readonly reader?: ReplayOptions['reader']
  readonly cache?: string
  readonly cacheSize: number
  readonly prune?: boolean
  readonly explain?: boolean
  readonly dryRun?: boolean
  readonly quiet?: boolean
  readonly metrics?: string
  readonly report?: string
}

/** `tickloom replay`: history through a topology. */
export function replayVerb(): Command {
  return verb('replay', 'Run a topology over a lake of ticks.', [
    'tickloom replay --topology volume-burst --lake ./lake --out ./runs/first',
    'tickloom replay --topology volume-burst --lake ./lake --from 2025-01-06 --to 2025-01-10 --symbols NIFTY --strikes 23000..25000 --out ./runs/week',
    'tickloom replay --topology volume-burst --lake ./lake --preset j1 --param signal.floor=900 --clickhouse ./runs/db --run floor-900',
    'tickloom replay --topology ./my-strategy.ts --lake ./lake --out ./runs/mine --workers 2',
    'tickloom replay --topology volume-burst --lake ./lake --out ./runs/first --resume',
    'tickloom replay --topology volume-burst --lake ./lake --cache ./cache --workers 2',
    'tickloom replay --topology seconds-burst --lake ./lake --cache ./cache --param seconds.lateness=2',
    'tickloom replay --topology atm-volume-burst --lake ./lake --report report.html',
    'tickloom replay --topology volume-burst --lake ./lake --dry-run',
  ])
    .requiredOption('--topology <name|file>', 'a folder of topologies/, or a file that exports a topology')
    .requiredOption('--lake <dir>', 'folder of the lake')
    .option('--from <date>', 'first trading day, YYYY-MM-DD', date)
    .option('--to <date>', 'last trading day, YYYY-MM-DD', date)
    .option('--time <from..to>', 'part of the day, wall clock of the market, such as 09:15..10:00', timeRange)
    .option('--symbols <list>', 'underlyings, such as NIFTY,BANKNIFTY', list)
    .option('--strikes <list|range>', 'strikes, 24000,24100 or 23000..25000', strikes)
    .option('--param <name=value>', 'set a parameter (repeatable)', repeated, [])
    .option('--preset <name>', 'a named set of parameters of the topology')
    .option('--out <dir>', 'write the outputs as Parquet into this folder, with the checkpoints of the run')
    .option('--outputs <list>', 'write these outputs only', list)
    .option('--clickhouse <dir|url>', 'write the outputs into an embedded database, or a server')
    .option('--database <name>', 'database of the tables')
    .option('--run <id>', 'name of the run; by default made of everything that decides the answer')
    .option('--workers <n>', 'processes to spread the days over', count, 1)
    .option('--resume', 'go on from the last epoch of an interrupted run')
    .addOption(durationOption('--epoch <length>', 'event time between two checkpoints', '1h'))
    .addOption(new Option('--reader <engine>', 'what reads Parquet').choices(['auto', 'direct', 'native', 'duckdb']))
    .option('--cache <dir|off>', 'keep decoded days in this folder and replay them from there; by default TICKLOOM_CACHE, else off')
    .option('--cache-size <size>', 'the most that folder may hold, such as 500MB or 20GB', byteSize, byteSize('20GB'))
    .option('--no-prune', 'read every contract, also of a topology that says beforehand which ones it makes anything of')
    .option('--report <file>', 'make a page of the trades, fills and equity of the run')
    .option('--explain', 'say first what is going to be read')
    .option('--dry-run', 'say what would be read, check everything, write nothing')
    .option('--quiet', 'print nothing but failures')
    .option('--metrics <file|port>', 'serve Prometheus metrics on a port of this machine, or write them to a file at the end', metricsTarget)
    .action(async (flags: ReplayFlags) => {
      const options = optionsOf(flags)
      if (flags.explain || flags.dryRun) await explain(options, flags)
      if (!flags.dryRun) answer(flags.report === undefined ? await watched(options, flags) : await reported(options, flags, flags.report), flags)
    })
}

/** The flags checked against each other, as the replay takes them. Throws OPTION_INVALID. */
export function optionsOf(flags: ReplayFlags): ReplayOptions {
  if (flags.from !== undefined && flags.to !== undefined && flags.from > flags.to)
    throw wrongFlag('--to', `--to ${flags.to} lies before --from ${flags.from}`)
  if (flags.resume && flags.out === undefined && flags.clickhouse === undefined)
    throw wrongFlag('--resume', 'there is nothing to resume without --out or --clickhouse')
  if (flags.database !== undefined && flags.clickhouse === undefined) throw wrongFlag('--database', '--database needs --clickhouse')
  const { topology, lake, from, to, symbols, param, preset, out, outputs, clickhouse, database, run, workers, epoch, reader } = flags
  return {
    topology,
    lake,
    from,
    to,
    timeFrom: flags.time?.from,
    timeTo: flags.time?.to,
    symbols,
    strikes: flags.strikes,
    params: param,
    preset,
    out,
    outputs,
    clickhouse,
    database,
    run,
    workers,
    resume: flags.resume ?? false,
    epoch,
    reader,
    cache: cacheOf(flags.cache, flags.cacheSize),
    prune: flags.prune,
  }
}

/** Replays with progress, metrics and Ctrl-C attended to. */
export async function watched(
  options: ReplayOptions,
  { quiet, json, metrics: target }: Pick<ReplayFlags, 'quiet' | 'json' | 'metrics'>,
): Promise<ReplaySummary> {
  const { replay } = await import('./replayRun.ts')
  const metrics = new RunMetrics(await nameOf(options))
  const shutdown = onShutdown()
  const progress = showProgress({ quiet: quiet === true || json === true })
  const port = target !== undefined && /^\d+$/.test(target) ? Number(target) : undefined
  try {
    const served = port === undefined ? undefined : await exposeMetrics(metrics, port)
    if (served && !quiet && !json) process.stderr.write(`metrics at ${served.url}\n`)
    try {
      return await replay(options, {
        signal: shutdown.signal,
        onProgress(rowsIn, rowsInAll, eventTime) {
          progress.at(rowsIn, rowsInAll, eventTime)
          metrics.progress(rowsIn, eventTime)
        },
        onEpoch: (epoch) => metrics.partition(epoch),
        onPartition: (summary) => metrics.partition(summary),
      })
    } finally {
      progress.stop()
      await served?.close()
      // Also of a run that failed: that is when somebody looks.
      if (target !== undefined && port === undefined) await writeMetrics(metrics, target)
    }
  } finally {
    shutdown.release()
  }
}

/** The same, and a page of it afterwards; what the page came to is in the summary. */
async function reported(options: ReplayOptions, flags: ReplayFlags, html: string): Promise<ReplaySummary & { report: ReportSummary }> {
  const { replayWithReport } = await import('./reportRun.ts')
  const { summary, report } = await replayWithReport(options, html, (options) => watched(options, flags))
  return { ...summary, report }
}

/** What the run is called in metrics: the same names as in its tables. */
async function nameOf(options: ReplayOptions): Promise<{ topology: string; run: string }> {
  const { topology, params } = await topologyOf(options)
  return { topology: `${topology.name}@${topology.version}`, run: options.run ?? runName(topology, identityOf(topology, params, options)) }
}

/** Loaded where it is wanted: what makes seconds would lengthen the start of every other verb. */
async function topologyOf(options: ReplayOptions): Promise<{ topology: Topology; params: Params }> {
  return (await import('./replaySeconds.ts')).topologyOfReplay(options)
}

async function explain(options: ReplayOptions, { json, dryRun, explain: inFull }: ReplayFlags): Promise<void> {
  const [{ explainPlan }, { planOf }] = await Promise.all([import('../connectors/parquet/plan.ts'), import('./replayPorts.ts')])
  const { topology, params: parameters } = await topologyOf(options)
  // Also of days that the cache holds it is told what is left out, which only the files' footers say.
  const planned = await planOf({ ...options, cache: undefined }, topology, parameters)
  const plan = 'ticks' in planned ? planned.ticks : planned
  const partitions = plan.days.map(({ date: name, rows, files }) => ({ name, rows, files: files.map((file) => file.path) }))
  const shown = { topology: `${topology.name}@${topology.version}`, parameters, partitions, leftOut: plan.pruned }
  if (json && dryRun) process.stdout.write(`${JSON.stringify(shown, undefined, 2)}\n`)
  if (json) return
  process.stdout.write(`${planTables(shown)}\n${inFull ? `${explainPlan(plan)}\n` : ''}`)
}

function answer(summary: ReplaySummary & { readonly report?: ReportSummary }, { quiet, json }: ReplayFlags): void {
  if (json) process.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`)
  else if (!quiet) process.stdout.write(`${summaryTables(summary)}\n${summary.report === undefined ? '' : `${reportLines(summary.report)}\n`}`)
}

function metricsTarget(text: string): string {
  if (text === '' || (/^\d+$/.test(text) && Number(text) > 65_535)) throw new InvalidArgumentError('It is a port up to 65535, or a file.')
  return text
}
