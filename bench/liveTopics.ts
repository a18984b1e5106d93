import { embeddedSchemas } from '../connectors/avro/embedded.ts'
import { RecordEncoder, recordIds } from '../connectors/avro/encoder.ts'
import type { KafkaDriver, NewRecord, Producer } from '../connectors/kafka/driver.ts'
import { partitionOf } from '../connectors/kafka/partitioner.ts'
import { MarketDay } from '../connectors/synthetic/market.ts'
import { SyntheticOptions } from '../connectors/synthetic/options.ts'
import type { Batch } from '../core/batch.ts'
import { Instruments } from '../core/instruments.ts'
import { Trade } from '../core/market.ts'
import { RowBuffer } from '../core/rowBuffer.ts'
import { parseDate, SECOND } from '../core/time.ts'

/** A topic that was filled: ticks in it, records (heartbeats among them), bytes of a tick's record. */
export interface FilledTopic {
  readonly topic: string
  readonly partitions: number
  readonly ticks: number
  readonly records: number
  readonly bytesPerRecord: number
  /** Seconds of event time. */
  readonly seconds: number
}

export interface Market {
  /** Underlyings, one a partition where there are four; together they have about 120 instruments. */
  readonly underlyings: readonly string[]
  /** Snapshots of an instrument a second. */
  readonly rate: number
}

/** Murmur2 puts them into four different partitions of four. */
export const four = ['LT', 'TCS', 'ITC', 'RELI']
const DAY_OF_BENCH = parseDate('2025-01-06')

/** Seconds of a market: the trades of all underlyings in the order of their arrival, from the open on, exact times. */
export function* seconds({ underlyings, rate }: Market, instruments: Instruments): Generator<Batch<Trade>> {
  const strikes = Math.floor(60 / underlyings.length)
  const days = underlyings.map(
    (symbol, i) =>
      new MarketDay(
        SyntheticOptions.parse({ seed: 7 + i, symbol, strikes, rate, stamp: 'microsecond', offSession: false }),
        DAY_OF_BENCH,
        instruments,
      ),
  )
  const merged = new RowBuffer(Trade)
  while (days.map((day) => day.advance()).every((goesOn) => goesOn)) {
    merged.clear()
    merge(days, merged)
    for (const { rows } of days) rows.clear()
    if (merged.n > 0) yield merged.view(Math.floor(merged.col.ts[merged.n - 1] / SECOND + 1) * SECOND)
  }
}

/** One second of several markets by time; a late row stays behind the row it came after. */
function merge(days: readonly MarketDay[], into: RowBuffer<Trade>): void {
  const at = days.map(() => 0)
  const newest = days.map(() => -Infinity)
  for (;;) {
    let first = -1
    let least = Infinity
    for (let d = 0; d < days.length; d++) {
      const { rows } = days[d]
      if (at[d] >= rows.n) continue
      const ts = Math.max(newest[d], rows.col.ts[at[d]])
      if (ts < least) {
        least = ts
        first = d
      }
    }
    if (first < 0) return
    newest[first] = least
    into.append(days[first].rows.view(-Infinity) as unknown as Batch<Trade>, at[first], ++at[first])
  }
}

/** Makes a topic and fills it: ticks one by one, or `block` to a record; a heartbeat to every partition after each second. */
export async function fill(
  driver: KafkaDriver,
  { topic, partitions, market, ticks, block = 1 }: { topic: string; partitions: number; market: Market; ticks: number; block?: number },
): Promise<FilledTopic> {
  const admin = await driver.admin()
  await admin.create({ name: topic, partitions })
  await admin.close()
  const producer = await driver.producer()
  const instruments = new Instruments()
  const encoder = new RecordEncoder(await recordIds(embeddedSchemas()), instruments)
  const outbox = new Outbox(producer, topic, partitions)
  const filled = { ticks: 0, seconds: 0, bytes: 0, records: 0 }
  for (const second of seconds(market, instruments)) {
    if (filled.ticks + second.n > ticks && filled.ticks > 0) break
    for (let i = 0; i < second.n; i += block) {
      const { underlying } = instruments.contract(second.col.instrument[i])
      const value = block === 1 ? encoder.encodeTick(second, i) : encoder.encodeBlock(underlying, second, i, Math.min(second.n, i + block))
      filled.bytes += value.length
      filled.records++
      outbox.add(partitionOf(underlying, partitions), { key: underlying, value })
    }
    for (let p = 0; p < partitions; p++) outbox.add(p, { key: null, value: encoder.encodeHeartbeat(second.watermark) })
    filled.ticks += second.n
    filled.seconds++
    await outbox.drain(20_000)
  }
  await outbox.drain(0)
  await producer.close()
  return {
    topic,
    partitions,
    ticks: filled.ticks,
    records: filled.records + filled.seconds * partitions,
    bytesPerRecord: filled.bytes / filled.records,
    seconds: filled.seconds,
  }
}

const MOST = 500

class Outbox {
  readonly #producer: Producer
  readonly #topic: string
  readonly #waiting: NewRecord[][]

  constructor(producer: Producer, topic: string, partitions: number) {
    this.#producer = producer
    this.#topic = topic
    this.#waiting = Array.from({ length: partitions }, () => [])
  }

  add(partition: number, record: NewRecord): void {
    this.#waiting[partition].push(record)
  }

  /** Sends where more than so many wait. */
  async drain(above: number): Promise<void> {
    await Promise.all(
      this.#waiting.map(async (records, partition) => {
        if (records.length <= above) return
        this.#waiting[partition] = []
        // kafkajs groups the records of a request in quadratic time.
        for (let i = 0; i < records.length; i += MOST)
          await this.#producer.send({ topic: this.#topic, partition, records: records.slice(i, i + MOST) })
      }),
    )
  }
}
