import { recordIds } from '../connectors/avro/encoder.ts'
import type { Gap } from '../connectors/feeds/feed.ts'
import { feedSource } from '../connectors/feeds/source.ts'
import { gapTopic, makeGapTopic, Publisher } from '../connectors/kafka/publisher.ts'
import { Instruments } from '../core/instruments.ts'
import { Quote } from '../core/market.ts'
import { type Exchange, type ExchangeFlags, openExchange } from './exchange.ts'
import type { FeedRunOptions } from './feedOptions.ts'
import { partitionsOf } from './feedRun.ts'
import { openKafka, schemasOf } from './kafkaFlags.ts'

export interface ExchangeRunOptions extends Pick<FeedRunOptions, 'kafka' | 'topic' | 'partitions' | 'blocks' | 'heartbeat'> {
  readonly exchange: Exchange
  readonly flags: ExchangeFlags
}

export interface ExchangeWatch {
  /** Ends it: what came until then is sent. */
  readonly stop: AbortSignal
  say(message: string): void
  onProgress(rows: number, rowsInAll: number | undefined, eventTime: number): void
}

/** What was sent and acknowledged. */
export interface ExchangeSummary {
  readonly exchange: Exchange
  readonly topic: string
  readonly partitions: number
  readonly rows: number
  readonly records: number
  /** Of the records, in all partitions. */
  readonly heartbeats: number
  /** Of the records' values. */
  readonly bytes: number
  readonly gaps: number
  /** Rows without a price, which are no records. */
  readonly unpriced: number
  readonly seconds: number
  /** Of the last heartbeat, microseconds; NaN: there was none. */
  readonly eventTime: number
  /** What the feed received, left out and tried again, by name. */
  readonly feed: Readonly<Record<string, number>>
}

/** Publishes what an exchange sends until it is stopped. Throws what Kafka and the registry throw, and, once what came is sent, the feed. */
export async function feedExchange(options: ExchangeRunOptions, watch: ExchangeWatch): Promise<ExchangeSummary> {
  const { exchange, flags, topic, blocks: block, heartbeat, kafka } = options
  const schemas = await schemasOf(kafka, watch.say)
  const instruments = new Instruments()
  const feed = await openExchange(exchange, flags, instruments, watch.say)
  const driver = await openKafka(kafka)
  const started = performance.now()
  try {
    const admin = await driver.admin()
    const partitions = await partitionsOf(admin, options, watch.say)
    if (await makeGapTopic(admin, topic)) watch.say(`made topic ${gapTopic(topic)}`)
    const ids = await recordIds(schemas)
    const producer = await driver.producer()
    const publisher = new Publisher({ producer, ids, instruments, topic, partitions, columns: Quote, block, heartbeat })
    const gaps: Promise<void>[] = []
    let opened = 0
    const onGap = (gap: Gap): void => {
      if (Number.isNaN(gap.to)) opened++
      watch.say(gapLine(gap))
      // What fails here fails again in `end`.
      gaps.push(publisher.gap(`${exchange} ${gap.id}`, gapRecord(exchange, gap, instruments)).catch(() => undefined))
    }
    const failures: unknown[] = []
    const source = feedSource({ feed, columns: Quote, stop: watch.stop, onGap, onFailure: (thrown) => failures.push(thrown) })
    try {
      for await (const delivery of source.open('feed', undefined, new AbortController().signal)) {
        await publisher.take(delivery)
        watch.onProgress(publisher.acknowledged.rows, undefined, publisher.eventTime)
      }
      await publisher.end()
      if (failures.length > 0) throw failures[0]
    } catch (thrown) {
      await publisher.giveUp()
      throw thrown
    }
    const { rows, records, heartbeats, bytes } = publisher.acknowledged
    const eventTime = Number.isFinite(publisher.eventTime) ? publisher.eventTime : NaN
    const counted = { gaps: opened, unpriced: publisher.unpriced, eventTime, feed: feed.counts() }
    return { exchange, topic, partitions, rows, records, heartbeats, bytes, seconds: (performance.now() - started) / 1000, ...counted }
  } finally {
    await driver.close()
  }
}

/** A gap as text for the log. */
export function gapLine({ connection, reason, from, to, attempts, instruments }: Gap): string {
  if (Number.isNaN(to)) return `connection ${connection} is ${reason}: nothing is known of ${instruments.length} instruments`
  return `connection ${connection} is back after ${((to - from) / 1_000_000).toFixed(1)} s, at attempt ${attempts}`
}

/** Times in microseconds, by the reader's clock; `to` is null while it lasts. */
function gapRecord(exchange: Exchange, { instruments: ids, to, ...gap }: Gap, instruments: Instruments): Readonly<Record<string, unknown>> {
  return { feed: exchange, ...gap, to: Number.isNaN(to) ? null : to, instruments: ids.map((id) => instruments.name(id)) }
}
