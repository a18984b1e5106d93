import type { Command } from 'commander'
import { checkExchange, exchangeOption, withExchangeFlags } from './exchange.ts'
import { count, durationOption, list, repeated, strikes, verb, wrongFlag } from './flags.ts'
import { withKafkaFlags } from './kafkaFlags.ts'
import type { LiveFlags, LiveSummary } from './liveOptions.ts'
import { shownNumber, table } from './tables.ts'

/** `tickloom live`: a topology on a Kafka topic or an exchange's feed, until it is stopped. */
export function liveVerb(): Command {
  const command = verb('live', 'Run a topology on a Kafka topic, each tick once, or on what an exchange sends, until SIGTERM or Ctrl-C.', [
    'tickloom live --topology volume-burst --brokers localhost:9092 --topics ticks --out ./runs/live',
    'tickloom live --topology volume-burst --topics ticks --group desk-1 --clickhouse http://localhost:8123 --epoch 10s --http 9464',
    'tickloom live --topology ./my-strategy.ts --topics ticks --publish signals --prefix my. --out ./runs/mine',
    'tickloom live --topology volume-burst --topics ticks --group desk-1 --out ./runs/live-2 --run v2 --reset-state',
    'tickloom live --topology options-tracker --feed bybit --coins BTC --clickhouse http://localhost:8123 --http 9464',
    'tickloom live --topology volume-burst --feed kite --symbols NIFTY --out ./runs/kite',
  ])
    .requiredOption('--topology <name|file>', 'a folder of topologies/, or a file that exports a topology')
    .option('--topics <name>', 'the topic that ticks come from: the log is one', list)
    .addOption(exchangeOption())
    .option('--symbol, --symbols <list>', 'of kite: underlyings, such as NIFTY,BANKNIFTY', list)
    .option('--strikes <list|range>', 'of kite: 24000,24100 or 23000..25000', strikes)
  return withKafkaFlags(withExchangeFlags(command))
    .option('--group <name>', 'consumer group; its workers share the partitions. Default: tickloom-<topology>')
    .option('--param <name=value>', 'set a parameter (repeatable)', repeated, [])
    .option('--preset <name>', 'a named set of parameters of the topology')
    .option('--out <dir>', 'write the outputs as Parquet into this folder')
    .option('--outputs <list>', 'write these outputs only', list)
    .option('--clickhouse <dir|url>', 'write the outputs into an embedded database, or a server')
    .option('--database <name>', 'database of the tables')
    .option('--publish <list>', 'outputs to publish as Kafka topics', list)
    .option('--prefix <text>', 'what the names of those topics begin with; default: the input topic and a dot')
    .option('--run <id>', 'name of the run; default: the group')
    .addOption(durationOption('--epoch <length>', 'event time between two commits', '10s'))
    .addOption(durationOption('--silence <length>', 'how long nothing may arrive in a partition before it is reported', '3s'))
    .option('--http <port>', 'serve /metrics, /healthz and /readyz', count)
    .option('--http-host <address>', 'where to serve them', '127.0.0.1')
    .option('--create', 'make the topics that are missing, the input with one partition')
    .option('--reset-state', 'forget what the steps remember, and go on from where the checkpoints stand')
    .option('--quiet', 'print nothing but failures')
    .action(async (flags: LiveFlags) => {
      checkFlags(flags)
      answerLive(await started(flags), flags)
    })
}

async function started(flags: LiveFlags): Promise<LiveSummary> {
  if (flags.feed === undefined) return (await import('./liveRun.ts')).live(flags)
  return (await import('./liveFeed.ts')).liveFeed(flags.feed, flags)
}

/** Prints what a live run came to. */
export function answerLive(summary: LiveSummary, { json, quiet }: Pick<LiveFlags, 'json' | 'quiet'>): void {
  if (json) process.stdout.write(`${JSON.stringify(summary)}\n`)
  else if (!quiet) process.stdout.write(`${summaryTable(summary)}\n`)
}

/** Throws OPTION_INVALID for more topics than one. */
export function checkTopics(topics: readonly string[]): void {
  if (topics.length > 1)
    throw wrongFlag(
      '--topics',
      `${topics.join(' and ')} have no common order, so what comes of them could not be replayed: merge them into one topic first`,
    )
}

function checkFlags(flags: LiveFlags): void {
  const { database, clickhouse, prefix, publish, feed } = flags
  checkExchange(feed, flags)
  const topics = flags.topics as readonly string[] | undefined
  if ((topics === undefined) === (feed === undefined)) throw wrongFlag('--topics', 'give either --topics NAME or --feed EXCHANGE')
  if (feed === undefined && (flags.symbols ?? flags.strikes) !== undefined)
    throw wrongFlag('--symbols', '--symbols and --strikes are of --feed kite; of a topic all is read')
  if (topics !== undefined) checkTopics(topics)
  if (database !== undefined && clickhouse === undefined) throw wrongFlag('--database', '--database needs --clickhouse')
  if (prefix !== undefined && publish === undefined) throw wrongFlag('--prefix', '--prefix needs --publish')
  const { group, create, resetState, brokers, registry } = flags
  const [stray] =
    feed === undefined ? [] : Object.entries({ publish, group, create, resetState, brokers, registry }).filter(([, value]) => value !== undefined)
  if (stray !== undefined) {
    const flag = `--${stray[0].replace('resetState', 'reset-state')}`
    throw wrongFlag(flag, `${flag} is of Kafka, which --feed does without`)
  }
}

function summaryTable({ run, topic, group, partitions, rowsIn, dropped, outputs, rejected, seconds }: LiveSummary): string {
  const counted = (title: string, of: Readonly<Record<string, number>>): [string, string][] =>
    Object.entries(of).map(([name, n]) => [`${title} ${name}`, shownNumber(n)])
  return table(
    [run, group === '' ? topic : `${topic}, group ${group}`],
    [
      ['partitions here', partitions.join(', ') || 'none'],
      ['rows in', shownNumber(rowsIn)],
      ...counted('dropped', dropped),
      ...counted('rejected', rejected),
      ...counted('rows of', outputs),
      ['ran for', `${seconds.toFixed(1)} s`],
    ],
  )
}
