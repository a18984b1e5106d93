import { type Command, InvalidArgumentError } from 'commander'
import { formatTime, IST } from '../core/time.ts'
import { showProgress } from '../runtime/progress.ts'
import { onShutdown } from '../runtime/shutdown.ts'
import { checkExchange, type Exchange, type ExchangeFlags, exchangeArgument, withExchangeFlags } from './exchange.ts'
import { EndWith } from './exit.ts'
import { exitCodes } from './fail.ts'
import type { ExchangeSummary } from './feedExchange.ts'
import type { FeedOrigin, FeedRunOptions, FeedSummary } from './feedOptions.ts'
import { type CommonFlags, count, date, duration, list, positive, strikes, timeRange, verb, whole, wrongFlag } from './flags.ts'
import { type KafkaFlags, withKafkaFlags } from './kafkaFlags.ts'
import { shownBytes, shownNumber, table } from './tables.ts'

/** The flags as commander gives them. */
export interface FeedFlags extends CommonFlags, KafkaFlags, Omit<ExchangeFlags, 'symbols' | 'strikes'> {
  readonly lake?: string
  readonly synth?: boolean
  readonly topic: string
  readonly from?: string
  readonly to?: string
  readonly time?: { from: string; to: string }
  readonly symbols?: string[]
  readonly strikes?: string
  readonly days?: number
  readonly rate?: number
  readonly seed?: number
  readonly speed: number
  readonly blocks: number
  readonly heartbeat: number
  readonly tail: number
  readonly until?: string
  readonly received?: boolean
  readonly partitions?: number
  readonly quiet?: boolean
}

/** `tickloom feed`: an exchange into Kafka, or a day, to rehearse it. */
export function feedVerb(): Command {
  const command = verb('feed', 'Publish what an exchange sends, a lake, a recording or a made-up market into a Kafka topic, with heartbeats.', [
    'tickloom feed bybit --coins BTC,ETH --topic options --partitions 4 --listing ./bybit.json',
    'tickloom feed kite --symbols NIFTY,BANKNIFTY --expire-by 2026-12-31 --topic ticks --partitions 4 --listing ./kite.csv.gz',
    'tickloom feed --lake ./lake --topic ticks --partitions 4 --speed 200',
    'tickloom feed --lake ./lake --topic ticks --from 2025-01-06 --to 2025-01-06 --time 09:15..10:00 --symbols NIFTY --strikes 23000..25000 --speed max',
    'tickloom feed --synth --symbols NIFTY,BANKNIFTY --strikes 20 --rate 2 --seed 7 --topic ticks --partitions 4 --speed 200',
    'tickloom feed --lake ./recorded --topic ticks --speed max --blocks 100 --json',
  ])
    .option('--lake <dir>', 'folder of the lake, or of recordings, which are fed as they were recorded')
    .option('--synth', 'made-up markets in place of a lake, as `tickloom synth` makes them')
    .requiredOption('--topic <name>', 'where to')
  command.addArgument(exchangeArgument())
  return pacing(withKafkaFlags(withExchangeFlags(selecting(command)))).action(async (exchange: Exchange | undefined, flags: FeedFlags) => {
    if (exchange === undefined) answer(await watched(optionsOf(flags), flags), flags)
    else answerExchange(await publish(exchange, flags), flags)
  })
}

function selecting(command: Command): Command {
  return command
    .option('--from <date>', 'first trading day, YYYY-MM-DD', date)
    .option('--to <date>', 'last trading day, YYYY-MM-DD; of a lake', date)
    .option('--time <from..to>', 'part of the day, wall clock of the market, such as 09:15..10:00', timeRange)
    .option('--symbol, --symbols <list>', 'underlyings, such as NIFTY,BANKNIFTY', list)
    .option('--strikes <list|range|n>', 'of a lake: 24000,24100 or 23000..25000; of a made-up market: how many')
    .option('--days <n>', 'of a made-up market: how many weekdays (1)', count)
    .option('--rate <r>', 'of a made-up market: snapshots of an instrument a second, on average (1)', positive)
    .option('--seed <n>', 'of a made-up market: start of the random numbers (7)', whole)
}

function pacing(command: Command): Command {
  return command
    .option('--speed <n|max>', 'seconds of the market a second, or as fast as it goes', speed, 1)
    .option('--blocks <n>', 'ticks of one underlying in a record, at most', count, 1)
    .option('--heartbeat <length>', 'event time between two heartbeats', duration, duration('1s'))
    .option('--tail <length>', "how long heartbeats go on after a day's end", duration, duration('2m'))
    .option('--until <time>', "wall clock that heartbeats go on to; default: the end of --time, else the exchange's bell", clock)
    .option('--received', 'stamp each tick with the time it is sent')
    .option('--partitions <n>', 'make the topic with so many when it is missing', count)
    .option('--quiet', 'print nothing but failures')
}

/** The flags checked against each other. Throws OPTION_INVALID. */
export function optionsOf(flags: FeedFlags): FeedRunOptions {
  checkExchange(undefined, { ...flags, strikes: undefined })
  if (flags.from !== undefined && flags.to !== undefined && flags.from > flags.to)
    throw wrongFlag('--to', `--to ${flags.to} lies before --from ${flags.from}`)
  const { time, until, topic, partitions, speed, blocks, heartbeat, tail, received = false } = flags
  return { kafka: flags, origin: originOf(flags), time, until, topic, partitions, speed, blocks, heartbeat, tail, received }
}

function originOf({ lake, synth, from, to, symbols, strikes: given, days, rate, seed }: FeedFlags): FeedOrigin {
  if ((lake === undefined) === (synth !== true)) throw wrongFlag('--lake', 'give either --lake DIR or --synth')
  if (synth) {
    if (to !== undefined) throw wrongFlag('--to', '--to is of a lake; a made-up market takes --from and --days')
    return { kind: 'synth', symbols: symbols ?? ['NIFTY'], options: { from, days, rate, seed, strikes: parsed(given, whole) ?? 10 } }
  }
  const [stray] = Object.entries({ days, rate, seed }).filter(([, value]) => value !== undefined)
  if (stray !== undefined) throw wrongFlag(`--${stray[0]}`, `--${stray[0]} is of a made-up market, which --synth asks for`)
  return { kind: 'lake', lake: lake as string, from, to, symbols, strikes: parsed(given, strikes) }
}

function parsed<T>(text: string | undefined, parse: (text: string) => T): T | undefined {
  try {
    return text === undefined ? undefined : parse(text)
  } catch (thrown) {
    if (thrown instanceof InvalidArgumentError) throw wrongFlag('--strikes', `--strikes ${text}: ${thrown.message}`)
    throw thrown
  }
}

/** Publishes what the exchange sends until a signal, which is the usual end of it. */
async function publish(exchange: Exchange, flags: FeedFlags): Promise<ExchangeSummary> {
  const { lake, synth, from, to, time, days, rate, seed, until, received, ...rest } = flags
  const [stray] = Object.entries({ lake, synth, from, to, time, days, rate, seed, until, received }).filter(([, value]) => value !== undefined)
  if (stray !== undefined) throw wrongFlag(`--${stray[0]}`, `--${stray[0]} is not of an exchange, which sends what it sends now`)
  const wanted: ExchangeFlags = { ...rest, strikes: parsed(flags.strikes, strikes) }
  checkExchange(exchange, wanted)
  const { feedExchange } = await import('./feedExchange.ts')
  const silent = flags.quiet === true || flags.json === true
  const say = (message: string): void => {
    if (!silent) process.stderr.write(`${message}\n`)
  }
  const shutdown = onShutdown('stopping. Once more ends it at once.', (message) => say(`\n${message}`))
  const progress = showProgress({ quiet: silent })
  try {
    const { topic, partitions, blocks, heartbeat } = flags
    const options = { exchange, flags: wanted, kafka: flags, topic, partitions, blocks, heartbeat }
    return await feedExchange(options, { stop: shutdown.signal, say, onProgress: progress.at })
  } finally {
    progress.stop()
    shutdown.release()
  }
}

function answerExchange(s: ExchangeSummary, { quiet, json }: FeedFlags): void {
  if (json) process.stdout.write(`${JSON.stringify(s)}\n`)
  else if (!quiet) process.stdout.write(`${exchangeTable(s)}\n`)
}

function exchangeTable(s: ExchangeSummary): string {
  return table(
    [s.exchange, `topic ${s.topic}, ${s.partitions} partitions`],
    [
      ...(['rows', 'records', 'heartbeats', 'gaps', 'unpriced'] as const).map((name) => [name, shownNumber(s[name])] as const),
      ['bytes', shownBytes(s.bytes)],
      ['seconds', s.seconds.toFixed(2)],
      ['event time reached', Number.isNaN(s.eventTime) ? 'nothing was sent' : formatTime(s.eventTime, IST)],
      ...Object.entries(s.feed).map(([name, n]) => [`feed: ${name}`, shownNumber(n)] as const),
    ],
  )
}

async function watched(options: FeedRunOptions, { quiet, json }: FeedFlags): Promise<FeedSummary> {
  const { feed } = await import('./feedRun.ts')
  const silent = quiet === true || json === true
  const say = (message: string): void => {
    if (!silent) process.stderr.write(`${message}\n`)
  }
  const shutdown = onShutdown('stopping. Once more ends it at once.', (message) => say(`\n${message}`))
  const progress = showProgress({ quiet: silent })
  try {
    return await feed(options, { signal: shutdown.signal, say, onProgress: progress.at })
  } finally {
    progress.stop()
    shutdown.release()
  }
}

function answer(summary: FeedSummary, { quiet, json }: FeedFlags): void {
  if (json) process.stdout.write(`${JSON.stringify(summary)}\n`)
  else if (!quiet) process.stdout.write(`${summaryTable(summary)}\n`)
  if (summary.interrupted) throw new EndWith(exitCodes.interrupted)
}

function summaryTable(s: FeedSummary): string {
  const days = s.days.length > 1 ? `${s.days[0]} to ${s.days[s.days.length - 1]}` : s.days.join('')
  const reached = Number.isNaN(s.eventTime) ? 'nothing was sent' : formatTime(s.eventTime, IST)
  return table(
    [`${days}${s.interrupted ? ', interrupted' : ''}`, `topic ${s.topic}, ${s.partitions} partitions`],
    [
      ['rows', shownNumber(s.rows)],
      ['records', shownNumber(s.records)],
      ['of them heartbeats', shownNumber(s.heartbeats)],
      ['bytes', shownBytes(s.bytes)],
      ['seconds', s.seconds.toFixed(2)],
      ['rows a second', shownNumber(Math.round(s.rowsPerSecond))],
      ['event time reached', reached],
      ['latest sent after it was due', `${s.behind.toFixed(1)} ms`],
    ],
  )
}

function speed(text: string): number {
  return text === 'max' ? Infinity : positive(text)
}

function clock(text: string): string {
  return timeRange(`00:00..${text}`).to
}
