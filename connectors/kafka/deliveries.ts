import type { Schema } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { Delivery, Position } from '../../core/ports.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'
import { HEARTBEAT_RECORD, NEEDS_SCHEMA, type RecordDecoder, type RejectReason, ROWS, reasonOf } from '../avro/decoder.ts'
import type { RecordBatch } from './driver.ts'

/** A delivery ends with the record that brings it to this many rows. */
const MOST_ROWS = 16_384

export interface DeliveriesOptions<S extends Schema> {
  readonly schema: S
  readonly decoder: RecordDecoder<S>
  readonly instruments: Instruments
  /** Ticks of the first record that were taken before: those of a block in which an epoch ended. */
  readonly skip: number
  reject(batch: RecordBatch, i: number, reason: RejectReason): void
}

/**
 * Records of one partition as deliveries: rows up to a heartbeat, which becomes the watermark, or to the end of what
 * was fetched. The columns delivered are written anew once the next delivery is asked for.
 *
 * A position is { offset, skip }: reading goes on at that record, after its first `skip` ticks.
 */
export class Deliveries<S extends Schema> {
  readonly #options: DeliveriesOptions<S>
  readonly #rows: RowBuffer<S>
  /** The offset of the record that each row came in. */
  #offsets = new Float64Array(0)
  #skip: number
  /** Ticks of its record that lie before row 0. */
  #before = 0
  #watermark = -Infinity
  #asks = false
  /** Every record below this offset was either delivered or rejected. */
  judged = 0
  /** 1 where the instrument came out of this partition. */
  #seen = new Uint8Array(64)

  constructor(options: DeliveriesOptions<S>) {
    this.#options = options
    this.#skip = options.skip
    this.#rows = new RowBuffer(options.schema, MOST_ROWS)
  }

  /** Ids of the instruments delivered so far. */
  delivered(): number[] {
    return [...this.#seen.keys()].filter((id) => this.#seen[id] === 1)
  }

  /** `waiting`: records behind this batch. Throws what asking the registry for a schema throws: that is no fault of the record. */
  async *of(batch: RecordBatch, waiting: () => number = () => 0): AsyncGenerator<Delivery<S>, void, undefined> {
    const { decoder } = this.#options
    for (let i = 0; i < batch.n; ) {
      i = this.#fill(batch, i)
      this.judged = i < batch.n ? batch.offsets[i] : batch.next
      if (this.#asks) {
        await decoder.resolve(decoder.schemaId)
        this.#asks = false
        continue
      }
      yield this.#delivery(i < batch.n ? batch.offsets[i] : batch.next, batch.n - i + waiting())
      this.#rows.clear()
      this.#before = 0
    }
  }

  /** Decodes from record `i` on until a delivery is due or a schema is missing; answers the first record not taken. */
  #fill(batch: RecordBatch, from: number): number {
    const { decoder, reject } = this.#options
    const rows = this.#rows
    for (let i = from; i < batch.n; i++) {
      const first = rows.n
      const code = decoder.decode(batch.values[i], batch.timestamps[i], rows)
      if (code === ROWS) {
        this.#place(batch.offsets[i], first)
        if (rows.n >= MOST_ROWS) return i + 1
      } else if (code === HEARTBEAT_RECORD) {
        if (decoder.heartbeat > this.#watermark) {
          this.#watermark = decoder.heartbeat
          return i + 1
        }
      } else if (code === NEEDS_SCHEMA) {
        this.#asks = true
        return i
      } else reject(batch, i, reasonOf(code))
    }
    return batch.n
  }

  #place(offset: number, first: number): void {
    const rows = this.#rows
    if (this.#skip > 0) {
      rows.dropFirst(this.#skip)
      this.#before = this.#skip
      this.#skip = 0
    }
    if (this.#offsets.length < rows.n) {
      const offsets = new Float64Array(rows.capacity)
      offsets.set(this.#offsets)
      this.#offsets = offsets
    }
    if (rows.n === first + 1) this.#offsets[first] = offset
    else this.#offsets.fill(offset, first, rows.n)
  }

  #delivery(next: number, waiting: number): Delivery<S> {
    const { n } = this.#rows
    this.#mark(n)
    const offsets = this.#offsets
    const before = this.#before
    return {
      batch: this.#rows.view(this.#watermark),
      waiting,
      after(rows): Position {
        if (rows >= n) return { offset: next }
        let first = rows
        while (first > 0 && offsets[first - 1] === offsets[rows]) first--
        const skip = rows - first + (first === 0 ? before : 0)
        return skip === 0 ? { offset: offsets[rows] } : { offset: offsets[rows], skip }
      },
    }
  }

  #mark(n: number): void {
    const ids = this.#rows.col['instrument'] as Int32Array | undefined
    if (ids === undefined) return
    if (this.#seen.length < this.#options.instruments.size) {
      const seen = new Uint8Array(this.#options.instruments.size * 2)
      seen.set(this.#seen)
      this.#seen = seen
    }
    const seen = this.#seen
    for (let i = 0; i < n; i++) seen[ids[i]] = 1
  }
}
