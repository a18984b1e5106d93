import { type Batch, type Schema, withColumns } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { Delivery } from '../../core/ports.ts'
import { DAY } from '../../core/time.ts'
import { RecordEncoder, type RecordIds } from '../avro/encoder.ts'
import type { Producer } from './driver.ts'
import { type Acknowledged, Lanes } from './feedLanes.ts'
import { Pace } from './feedPace.ts'
import { Runs } from './feedRuns.ts'

export interface FeedOptions {
  readonly producer: Producer
  readonly ids: RecordIds
  readonly instruments: Instruments
  readonly topic: string
  readonly partitions: number
  /** Columns of the deliveries: those of `Quote` (core/market.ts), or some of them. */
  readonly columns: Schema
  /** Seconds of the exchange a second; Infinity: as fast as it goes. */
  readonly speed: number
  /** Ticks of a record at most; 1: single ticks. */
  readonly block: number
  /** Between two heartbeats, microseconds of exchange time. */
  readonly heartbeat: number
  /** How long heartbeats go on after a day's end, microseconds of exchange time. */
  readonly tail: number
  /** `received` becomes the time of sending. */
  readonly stamped?: boolean
  readonly signal: AbortSignal
  /** Rows acknowledged so far, and the exchange time reached. */
  onProgress?(rows: number, eventTime: number): void
}

/** Rows that come one after another. */
export interface FeedStream {
  readonly deliveries: AsyncIterable<Delivery<Schema>>
  /** A recording: all of it goes into this partition, and the heartbeats are the deliveries' watermarks. Otherwise they are made here. */
  readonly partition?: number
  /** Heartbeats that are made go on to this exchange time at least. */
  readonly until?: number
}

interface Playing extends FeedStream {
  readonly rest: AsyncIterator<Delivery<Schema>>
  /** The highest time so far, and the next heartbeat to be made. */
  latest: number
  beat: number
}

/** Rows between two looks at how much waits. */
const STRIDE = 512

/**
 * Puts ticks into a topic as a market's feed does, at the pace of the exchange or a multiple of it.
 *
 * Heartbeats, one every `heartbeat` to every partition at whole multiples of it, from that of the first row on: the
 * heartbeat of T lies behind all rows that came before the exchange's time was T, and before the row that brought it.
 * They go on through quiet stretches, and after the last row to `until`, and for `tail` after whichever is later.
 */
export class Feed {
  readonly #options: FeedOptions
  readonly #lanes: Lanes
  readonly #runs: Runs
  readonly #encoder: RecordEncoder
  readonly #pace: Pace
  #received = new Float64Array(0)
  #signal: AbortSignal
  #eventTime = NaN

  constructor(options: FeedOptions) {
    const { producer, topic, partitions, instruments, speed, signal, ids, columns, stamped } = options
    this.#options = options
    this.#encoder = new RecordEncoder(ids, instruments)
    this.#lanes = new Lanes(producer, topic, partitions)
    const all: Schema = stamped ? { ...columns, received: 'time' } : columns
    this.#runs = new Runs({ lanes: this.#lanes, encoder: this.#encoder, instruments, partitions, columns: all, most: options.block })
    this.#pace = new Pace(speed)
    this.#signal = signal
  }

  get acknowledged(): Readonly<Acknowledged> {
    return this.#lanes.acknowledged
  }

  /** Exchange time of the last row or heartbeat that was handed over; NaN before the first. */
  get eventTime(): number {
    return this.#eventTime
  }

  /** The most that anything was sent after it was due, milliseconds. */
  get behind(): number {
    return this.#pace.behind
  }

  /**
   * Sends a day's streams, side by side on one clock, which the earliest of their rows starts. Resolves when all is
   * acknowledged. Throws the signal's reason, and what the deliveries and the producer throw; what was on its way is
   * then waited for, the rest forgotten.
   */
  async play(streams: readonly FeedStream[]): Promise<void> {
    const all = streams.map((stream): Playing => ({ ...stream, rest: stream.deliveries[Symbol.asyncIterator](), latest: -Infinity, beat: NaN }))
    const stop = new AbortController()
    this.#signal = AbortSignal.any([this.#options.signal, stop.signal])
    try {
      const first = await Promise.all(all.map(({ rest }) => rest.next()))
      const start = Math.min(...first.map((result) => (result.done ? Infinity : startOf(result.value.batch))))
      this.#pace.begin(this.#beatAt(start))
      await Promise.allSettled(all.map((playing, i) => this.#stream(playing, first[i]).catch((thrown: unknown) => stop.abort(thrown))))
      this.#signal.throwIfAborted()
      await this.#lanes.drain()
      this.#options.onProgress?.(this.acknowledged.rows, this.#eventTime)
    } catch (thrown) {
      await this.#lanes.giveUp()
      throw thrown
    } finally {
      await Promise.all(all.map(({ rest }) => rest.return?.()))
    }
  }

  async #stream(playing: Playing, first: IteratorResult<Delivery<Schema>>): Promise<void> {
    for (let result = first; !result.done; result = await playing.rest.next()) {
      const { batch } = result.value
      await this.#rows(playing, this.#options.stamped ? this.#stamped(batch) : batch)
      if (playing.partition !== undefined && Number.isFinite(batch.watermark)) await this.#recordedBeat(playing, playing.partition, batch.watermark)
      await this.#room(playing.latest)
    }
    const { until = -Infinity, latest } = playing
    if (playing.partition === undefined && latest > -Infinity) await this.#beats(playing, Math.max(until, latest) + this.#options.tail)
  }

  async #rows(playing: Playing, batch: Batch<Schema>): Promise<void> {
    const ts = batch.col['ts'] as Float64Array
    const received = this.#options.stamped ? (batch.col['received'] as Float64Array) : undefined
    for (let i = 0; i < batch.n; i++) {
      if (ts[i] > playing.latest) {
        if (playing.partition === undefined && !(ts[i] < playing.beat)) await this.#beats(playing, ts[i])
        playing.latest = this.#eventTime = ts[i]
        if (!this.#pace.isDue(ts[i])) await this.#wait(ts[i])
      }
      if (received !== undefined) received[i] = Math.floor((performance.timeOrigin + performance.now()) * 1000)
      this.#runs.add(batch, i, playing.partition)
      if (i % STRIDE === STRIDE - 1 && this.#lanes.full) {
        this.#runs.cut()
        await this.#room(playing.latest)
      }
    }
    // The columns are lent until the next delivery is asked for.
    this.#runs.cut()
  }

  /** The heartbeats up to and with the exchange time `to`. */
  async #beats(playing: Playing, to: number): Promise<void> {
    const { heartbeat, partitions } = this.#options
    // A tick of another year is a fault of its feed, and no reason to send the years between.
    if (!(to - playing.beat <= DAY)) playing.beat = this.#beatAt(to)
    for (; playing.beat <= to; playing.beat += heartbeat) {
      this.#runs.cut()
      if (!this.#pace.isDue(playing.beat)) await this.#wait(playing.beat)
      this.#eventTime = playing.beat
      const value = this.#encoder.encodeHeartbeat(playing.beat)
      for (let partition = 0; partition < partitions; partition++) this.#lanes.add(partition, { key: null, value }, 0)
      if (this.#lanes.full) await this.#room(playing.beat)
    }
  }

  async #recordedBeat(playing: Playing, partition: number, ts: number): Promise<void> {
    playing.latest = this.#eventTime = Math.max(playing.latest, ts)
    if (!this.#pace.isDue(ts)) await this.#wait(ts)
    this.#lanes.add(partition, { key: null, value: this.#encoder.encodeHeartbeat(ts) }, 0)
  }

  async #wait(ts: number): Promise<void> {
    this.#runs.cut()
    this.#lanes.hurry()
    this.#options.onProgress?.(this.acknowledged.rows, ts)
    await this.#room(ts)
    await this.#pace.until(ts, this.#signal)
  }

  async #room(eventTime: number): Promise<void> {
    this.#signal.throwIfAborted()
    await this.#lanes.room()
    this.#options.onProgress?.(this.acknowledged.rows, eventTime)
  }

  #beatAt(ts: number): number {
    return Math.floor(ts / this.#options.heartbeat) * this.#options.heartbeat
  }

  #stamped(batch: Batch<Schema>): Batch<Schema> {
    if (this.#received.length < batch.n) this.#received = new Float64Array(batch.n * 2)
    return withColumns(batch, { received: this.#received })
  }
}

function startOf({ n, col, watermark }: Batch<Schema>): number {
  return n > 0 ? (col['ts'] as Float64Array)[0] : watermark
}
