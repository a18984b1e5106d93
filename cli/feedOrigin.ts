import type { FeedStream } from '../connectors/kafka/feed.ts'
import { recordedPartition } from '../connectors/parquet/recording.ts'
import { parquetSource } from '../connectors/parquet/source.ts'
import { MarketDay } from '../connectors/synthetic/market.ts'
import { parseSyntheticOptions, syntheticDays } from '../connectors/synthetic/source.ts'
import type { Schema } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import type { Instruments } from '../core/instruments.ts'
import { Quote, Tick } from '../core/market.ts'
import type { Delivery } from '../core/ports.ts'
import { RowBuffer } from '../core/rowBuffer.ts'
import { attach, DAY, formatDate, IST, parseDate, startOfDay } from '../core/time.ts'
import { nseCalendar } from '../markets/nse/calendar.ts'
import type { FeedRunOptions } from './feedOptions.ts'
import { nseExpiryOf } from './synthExpiry.ts'

export interface FeedDay {
  readonly date: string
  readonly streams: readonly FeedStream[]
}

/** What is fed, day by day. */
export interface Origin {
  readonly columns: Schema
  readonly days: readonly FeedDay[]
  /** Rows in all, as far as is known when so many were sent and the exchange's time has come so far. */
  rowsInAll(sent: number, eventTime: number): number | undefined
  close(): Promise<void>
}

type Wanted = Pick<FeedRunOptions, 'origin' | 'time' | 'until'>

/** Throws what `planReplay` throws, OPTION_INVALID, and KAFKA_TOPIC for a recording of another number of partitions. */
export async function openOrigin(wanted: Wanted, instruments: Instruments, partitions: number, signal: AbortSignal): Promise<Origin> {
  return wanted.origin.kind === 'lake' ? lake(wanted, instruments, partitions, signal) : synthetic(wanted, instruments, signal)
}

async function lake({ origin, time, until }: Wanted, instruments: Instruments, partitions: number, signal: AbortSignal): Promise<Origin> {
  if (origin.kind !== 'lake') throw new TypeError('no lake')
  const { kind, ...filter } = origin
  const source = parquetSource({ ...filter, timeFrom: time?.from, timeTo: time?.to, columns: Quote, instruments })
  const found = await source.partitions()
  const recorded = found.flatMap(({ name }) => numberOf(name) ?? [])
  checkRecorded(recorded, partitions)
  const days = new Map<string, FeedStream[]>()
  for (const { name } of found) {
    const [date, partition] = [name.slice(0, 10), numberOf(name)]
    const deliveries = withoutEnd(() => source.open(name, undefined, signal), startOfDay(parseDate(date), IST) + DAY)
    const stream = partition === undefined ? { deliveries, until: endOf(date, time, until) } : { deliveries, partition }
    days.set(date, [...(days.get(date) ?? []), stream])
  }
  const rows = found.reduce<number | undefined>((sum, p) => (sum === undefined || p.rows === undefined ? undefined : sum + p.rows), 0)
  return { columns: Quote, days: [...days].map(([date, streams]) => ({ date, streams })), rowsInAll: () => rows, close: () => source.close() }
}

/** The number of the partition that a recording is of. */
function numberOf(name: string): number | undefined {
  const partition = recordedPartition(name)
  if (partition === '') return undefined
  if (/^\d+$/.test(partition)) return Number(partition)
  throw new TickloomError('OPTION_INVALID', `${name} was not recorded from a Kafka topic: its partition has no number`, { partition: name })
}

function checkRecorded(recorded: readonly number[], partitions: number): void {
  if (recorded.length === 0) return
  const needed = Math.max(...recorded) + 1
  if (needed !== partitions)
    throw new TickloomError('KAFKA_TOPIC', `the recording is of ${needed} partitions, the topic has ${partitions}: its order would be another`, {
      recorded: needed,
      partitions,
    })
}

/** Without the source's word that the day is over, which no feed has given. */
async function* withoutEnd<S extends Schema>(open: () => AsyncIterable<Delivery<S>>, midnight: number): AsyncGenerator<Delivery<S>> {
  for await (const delivery of open()) if (delivery.batch.n > 0 || delivery.batch.watermark !== midnight) yield delivery
}

async function synthetic({ origin, time, until }: Wanted, instruments: Instruments, signal: AbortSignal): Promise<Origin> {
  if (origin.kind !== 'synth') throw new TypeError('no market')
  const markets = origin.symbols.map((symbol, i) => {
    const options = parseSyntheticOptions({ ...origin.options, symbol })
    return { ...options, seed: options.seed + i }
  })
  const dates = syntheticDays(markets[0])
  const days = dates.map((day) => {
    const date = formatDate(day)
    const within = time === undefined ? [-Infinity, Infinity] : [attach(`${date} ${time.from}`, IST), attach(`${date} ${time.to}`, IST)]
    const deliveries = marketDay(() => markets.map((options) => new MarketDay(options, day, instruments, nseExpiryOf)), within, signal)
    return { date, streams: [{ deliveries, until: endOf(date, time, until) }] }
  })
  return { columns: Tick, days, rowsInAll: (sent, eventTime) => expectedRows(dates, time, sent, eventTime), close: async () => undefined }
}

/** One second of all markets a delivery, in the order of arrival. */
async function* marketDay(open: () => MarketDay[], [from, to]: readonly number[], signal: AbortSignal): AsyncGenerator<Delivery<Tick>> {
  const markets = open()
  const rows = new RowBuffer(Tick, 4096)
  for (let more = true; more; ) {
    signal.throwIfAborted()
    more = false
    for (const market of markets) {
      more = market.advance() || more
      const { col, n } = market.rows
      for (let i = 0; i < n; i++) if (col.ts[i] >= from && col.ts[i] < to) rows.append(market.rows.view(-Infinity), i, i + 1)
      market.rows.clear()
    }
    if (rows.n > 0) yield { batch: rows.view(-Infinity), after: () => 0 }
    rows.clear()
  }
}

/** By how much of the days has passed; the market makes about as many rows in one hour as in another. */
function expectedRows(days: readonly number[], time: Wanted['time'], sent: number, eventTime: number): number | undefined {
  const { from, to } = time ?? { from: '09:07', to: '15:35' }
  const at = (day: number, clock: string): number => attach(`${formatDate(day)} ${clock}`, IST)
  const passed = days.reduce((sum, day) => sum + Math.min(Math.max(eventTime - at(day, from), 0) / (at(day, to) - at(day, from)), 1), 0)
  return passed > 0 ? Math.round((sent * days.length) / passed) : undefined
}

/** What heartbeats of a day go on to at least: the end of the part of the day that is fed, or the last bell of the exchange. */
function endOf(date: string, time: Wanted['time'], until: string | undefined): number | undefined {
  const clock = until ?? time?.to
  if (clock !== undefined) return attach(`${date} ${clock}`, IST)
  const closes = nseCalendar.segments.flatMap((_, segment) => nseCalendar.sessions(parseDate(date), segment).map(({ close }) => close))
  return closes.length === 0 ? undefined : Math.max(...closes)
}
