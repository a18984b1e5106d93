import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { onShutdown } from '../runtime/shutdown.ts'
import { type CommonFlags, count, date, list, repeated, type Strikes, strikes, timeRange, verb, wrongFlag } from './flags.ts'
import { byteSize, cacheOf } from './replayCache.ts'
import type { ReplayOptions } from './replayOptions.ts'
import { parseGrid } from './sweepGrid.ts'
import type { Doer, SweepOptions, SweepSummary } from './sweepOptions.ts'
import { outlookLine, sweepProgress, sweepTables } from './sweepTables.ts'

interface SweepFlags extends CommonFlags {
  readonly topology: string
  readonly lake: string
  readonly from?: string
  readonly to?: string
  readonly time?: { from: string; to: string }
  readonly symbols?: string[]
  readonly strikes?: Strikes
  readonly param: string[]
  readonly preset?: string
  readonly outputs?: string[]
  readonly by?: string
  readonly top: number
  readonly train?: number
  readonly test?: number
  readonly out?: string
  readonly clickhouse?: string
  readonly database?: string
  readonly html?: string
  readonly x?: string
  readonly y?: string
  readonly workers: number
  readonly setsAJob?: number
  readonly reader?: ReplayOptions['reader']
  readonly cache?: string
  readonly cacheSize: number
  readonly brokers?: string
  readonly driver?: string
  readonly kafka?: string
  readonly jobs: string
  readonly prune?: boolean
  readonly quiet?: boolean
}

/** `tickloom sweep`: history through a topology, for many sets of parameters at once. */
export function sweepVerb(): Command {
  return verb('sweep', 'Run a topology over a lake for many sets of parameters, reading each day once.', [
    'tickloom sweep --topology volume-burst --lake ./lake --param signal.multiplier=1.5..3:0.25 --param signal.floor=100,500',
    'tickloom sweep --topology volume-burst --lake ./lake --param signal.multiplier=1.5..3:0.25 --param signal.floor=100,500 --out ./sweeps/first --html ./heat.html',
    'tickloom sweep --topology volume-burst --lake ./lake --param signal.floor=100..900:100 --train 60d --test 20d --by signals',
    'tickloom sweep --topology volume-burst --lake ./lake --param signal.floor=100..900:100 --brokers localhost:9092',
  ])
    .requiredOption('--topology <name|file>', 'a folder of topologies/, or a file that exports a topology')
    .requiredOption('--lake <dir>', 'folder of the lake')
    .option('--param <name=values>', 'values of a parameter: a list 0.1,0.15, a range 1.5..3:0.25, or both (repeatable)', repeated, [])
    .option('--preset <name>', 'a named set of parameters of the topology, for those that are not varied')
    .option('--from <date>', 'first trading day, YYYY-MM-DD', date)
    .option('--to <date>', 'last trading day, YYYY-MM-DD', date)
    .option('--time <from..to>', 'part of the day, wall clock of the market, such as 09:15..10:00', timeRange)
    .option('--symbols <list>', 'underlyings, such as NIFTY,BANKNIFTY', list)
    .option('--strikes <list|range>', 'strikes, 24000,24100 or 23000..25000', strikes)
    .option('--outputs <list>', 'count the rows of these outputs; by default signals, orders, fills and trades, where there are any', list)
    .option('--by <metric>', 'what sets are ranked by; pnl by default, else the first output counted')
    .option('--top <n>', 'sets that are shown', count, 20)
    .option('--train <days>', 'walk forward: trading days that a set is chosen on, such as 60d', days)
    .option('--test <days>', 'walk forward: trading days after them that the choice is judged by, such as 20d', days)
    .option('--out <dir>', 'folder of the sweep: its ledger, sweep.json and sweeps.parquet; .tickloom/sweeps/<name> by default')
    .option('--clickhouse <dir|url>', 'write a row a set and day into the table sweeps of an embedded database, or a server')
    .option('--database <name>', 'database of the table')
    .option('--html <file>', 'write a page with a heat map of two parameters')
    .option('--x <parameter>', 'parameter across the heat map')
    .option('--y <parameter>', 'parameter up the heat map')
    .option('--workers <n>', 'processes to spread the jobs over', count, availableParallelism())
    .option('--sets-a-job <n>', 'sets that a process runs at once over a day, at most; 250 by default', count)
    .option('--no-prune', 'read every contract, also of a topology that says beforehand which ones it makes anything of')
    .addOption(new Option('--reader <engine>', 'what reads Parquet').choices(['auto', 'direct', 'native', 'duckdb']))
    .option('--cache <dir|off>', 'keep decoded days in this folder; by default TICKLOOM_CACHE, else off')
    .option('--cache-size <size>', 'the most that folder may hold, such as 500MB or 20GB', byteSize, byteSize('20GB'))
    .option('--brokers <list>', 'have the jobs done by sweep-workers of a Kafka group instead; brokers, such as host:9092')
    .addOption(new Option('--driver <name>', 'Kafka client').choices(['kafkajs', 'platformatic']))
    .option('--kafka <file>', 'JSON file with settings of the connection to Kafka')
    .option('--jobs <topic>', 'topic of the jobs; their results are in <topic>-results', 'tickloom-sweeps')
    .option('--quiet', 'print nothing but failures')
    .action(run)
}

/** The flags checked against each other, as a sweep takes them. Throws OPTION_INVALID. */
export function sweepOptionsOf(flags: SweepFlags): SweepOptions {
  const { topology, lake, from, to, symbols, preset, outputs, train, test, out, clickhouse, database, workers, setsAJob, by, reader } = flags
  if (from !== undefined && to !== undefined && from > to) throw wrongFlag('--to', `--to ${to} lies before --from ${from}`)
  if (database !== undefined && clickhouse === undefined) throw wrongFlag('--database', '--database needs --clickhouse')
  if (train !== undefined && test === undefined) throw wrongFlag('--test', '--train needs --test')
  if (test !== undefined && train === undefined) throw wrongFlag('--train', '--test needs --train')
  for (const option of ['x', 'y'] as const)
    if (flags[option] !== undefined && flags.html === undefined) throw wrongFlag(`--${option}`, `--${option} needs --html`)
  return {
    spec: {
      ...{ topology, lake: resolve(lake), from, to, symbols, preset, outputs, reader, prune: flags.prune },
      timeFrom: flags.time?.from,
      timeTo: flags.time?.to,
      strikes: flags.strikes,
      cache: cacheOf(flags.cache, flags.cacheSize),
      grid: parseGrid(flags.param),
    },
    ...{ out, clickhouse, database, workers, setsAJob, by },
    walk: train === undefined || test === undefined ? undefined : { train, test },
  }
}

async function run(flags: SweepFlags): Promise<void> {
  const options = sweepOptionsOf(flags)
  const { axesOf, sweepPage } = await import('./sweepPage.ts')
  axesOf(options.spec.grid, flags)
  const summary = await watched(options, flags)
  if (flags.html !== undefined) {
    const { writeTextAtomically } = await import('../connectors/parquet/atomic.ts')
    await writeTextAtomically(resolve(flags.html), sweepPage(summary, options.spec.grid, flags))
  }
  if (flags.json) process.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`)
  else if (!flags.quiet) process.stdout.write(`${sweepTables(summary, flags.top)}\n`)
}

/** Sweeps with progress and Ctrl-C attended to. */
async function watched(options: SweepOptions, flags: SweepFlags): Promise<SweepSummary> {
  const { sweep } = await import('./sweepRun.ts')
  const quiet = flags.quiet === true || flags.json === true
  const shutdown = onShutdown()
  const progress = sweepProgress(quiet)
  try {
    return await sweep(
      options,
      {
        signal: shutdown.signal,
        onOutlook: (outlook) => {
          if (!quiet) process.stderr.write(`${outlookLine(outlook)}\n`)
        },
        onProgress: progress.at,
        onSilence: (seconds) => {
          if (!quiet)
            process.stderr.write(`no result for ${seconds} s: is a sweep-worker running for the topic ${flags.jobs}, with this code and this lake?\n`)
        },
      },
      await doerOf(flags),
    )
  } finally {
    progress.stop()
    shutdown.release()
  }
}

/** Where the jobs are done: by a group of workers where brokers are named, else by processes of this machine. */
async function doerOf(flags: SweepFlags): Promise<Doer | undefined> {
  if (flags.brokers === undefined && flags.kafka === undefined) return undefined
  return (await import('./sweepBrokers.ts')).byWorkers(flags)
}

function days(text: string): number {
  const parts = /^(\d+)d?$/.exec(text)
  const value = Number(parts?.[1])
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It is a number of trading days such as 60d.')
  return value
}
