import type { Schema } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { Delivery } from '../../core/ports.ts'
import { RecordEncoder, type RecordIds } from '../avro/encoder.ts'
import type { Admin, Producer } from './driver.ts'
import { type Acknowledged, Lanes } from './feedLanes.ts'
import { Runs } from './feedRuns.ts'

export interface PublisherOptions {
  readonly producer: Producer
  readonly ids: RecordIds
  readonly instruments: Instruments
  readonly topic: string
  readonly partitions: number
  /** Columns of the deliveries: those of `Quote` (core/market.ts), or some of them. */
  readonly columns: Schema
  /** Ticks of a record at most; 1: single ticks. */
  readonly block: number
  /** Between two heartbeats, microseconds of exchange time. */
  readonly heartbeat: number
}

/** Name of the topic for stretches in which a feed of `input` may have missed something. */
export const gapTopic = (input: string): string => `${input}-gaps`

const DAYS = 30

/** Makes the topic of gaps when it is missing, and answers whether it did. */
export function makeGapTopic(admin: Admin, input: string): Promise<boolean> {
  const config = { 'cleanup.policy': 'delete', 'retention.ms': String(DAYS * 86_400_000) }
  return admin.create({ name: gapTopic(input), partitions: 1, config })
}

/**
 * What a market sends, as it comes, into a topic that `live` and `record` read: ticks in the order in which they came,
 * the key and partition those of their underlying; a heartbeat to every partition at each whole multiple of `heartbeat`
 * that the deliveries' watermark has passed, the newest only. Nothing waits for more to come.
 *
 * A tick without a price is no record of the log; it is left out and counted.
 */
export class Publisher {
  /** Rows left out: nothing was ever traded. */
  unpriced = 0
  /** Of the newest heartbeat; -Infinity before the first. */
  eventTime = -Infinity
  readonly #options: PublisherOptions
  readonly #encoder: RecordEncoder
  readonly #lanes: Lanes
  readonly #gaps: Lanes
  readonly #runs: Runs

  constructor(options: PublisherOptions) {
    const { producer, ids, topic, partitions, instruments, columns, block } = options
    this.#options = options
    this.#encoder = new RecordEncoder(ids, instruments)
    this.#lanes = new Lanes(producer, topic, partitions)
    this.#gaps = new Lanes(producer, gapTopic(topic), 1)
    this.#runs = new Runs({ lanes: this.#lanes, encoder: this.#encoder, instruments, partitions, columns, most: block })
  }

  get acknowledged(): Readonly<Acknowledged> {
    return this.#lanes.acknowledged
  }

  /** Resolves when there is room for more. Throws what a request failed with. */
  async take({ batch }: Delivery<Schema>): Promise<void> {
    const price = batch.col['price'] as Float64Array
    for (let i = 0; i < batch.n; i++) {
      if (price[i] >= 0 && price[i] < Infinity) this.#runs.add(batch, i)
      else this.unpriced++
    }
    // The columns are lent until the next delivery is asked for.
    this.#runs.cut()
    this.#beat(batch.watermark)
    this.#lanes.hurry()
    await this.#lanes.room()
  }

  /** A stretch as JSON, when it opens and again when it closes; the key tells stretches apart. */
  async gap(key: string, gap: Readonly<Record<string, unknown>>): Promise<void> {
    this.#gaps.add(0, { key: Buffer.from(key), value: Buffer.from(JSON.stringify(gap)) }, 1)
    this.#gaps.hurry()
    await this.#gaps.room()
  }

  /** Resolves when everything is acknowledged. */
  async end(): Promise<void> {
    await this.#lanes.drain()
    await this.#gaps.drain()
  }

  /** Forgets what waits and resolves when nothing is under way. */
  async giveUp(): Promise<void> {
    await Promise.all([this.#lanes.giveUp(), this.#gaps.giveUp()])
  }

  #beat(watermark: number): void {
    const { heartbeat, partitions } = this.#options
    const beat = Math.floor(watermark / heartbeat) * heartbeat
    if (!(beat > this.eventTime)) return
    this.eventTime = beat
    const value = this.#encoder.encodeHeartbeat(beat)
    for (let partition = 0; partition < partitions; partition++) this.#lanes.add(partition, { key: null, value }, 0)
  }
}
