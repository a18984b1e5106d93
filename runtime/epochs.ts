import { type Batch, type Schema, sliceRows } from '../core/batch.ts'

/**
 * Cuts a stream of batches at epochs.
 *
 * An epoch's number is floor(running maximum of event time / length), so it is a function of the log alone: the row
 * (or the watermark) that lifts the maximum over a multiple of the length is the first of the next epoch.
 */
export class EpochCutter<S extends Schema> {
  readonly #length: number
  maximum: number
  watermark: number

  /** `length` in microseconds; `maximum` and `watermark` are those of the checkpoint, or -Infinity. */
  constructor(length: number, maximum = -Infinity, watermark = -Infinity) {
    this.#length = length
    this.maximum = maximum
    this.watermark = watermark
  }

  /** 0 as long as no row had a time. */
  get epoch(): number {
    return this.maximum === -Infinity ? 0 : Math.floor(this.maximum / this.#length)
  }

  /**
   * Calls `part` for each piece of the batch that lies in one epoch, and `end` between two of them with the number
   * of the epoch that is over and how many rows of the batch came before. By then `maximum` and `watermark` are those
   * that open the next epoch, so whoever goes on from what `end` saved does not end the same epoch twice.
   */
  async cut(
    batch: Batch<S>,
    part: (piece: Batch<S>) => void,
    end: (epoch: number, rowsBefore: number) => Promise<void>,
    sorted = false,
  ): Promise<void> {
    const ts = batch.col['ts'] as Float64Array
    let from = 0
    const lies = sorted && this.#holds(ts, batch.n)
    for (let i = lies ? batch.n : this.#crossing(ts, 0, batch.n); i < batch.n; i = this.#crossing(ts, i, batch.n)) {
      if (i > from) part(sliceRows(batch, from, i, this.watermark))
      const over = this.epoch
      const first = this.maximum === -Infinity
      this.maximum = ts[i]
      if (!first) await end(over, i)
      from = i
    }
    const over = this.epoch
    const lifts = Number.isFinite(batch.watermark) && batch.watermark > this.maximum
    if (!lifts || this.maximum === -Infinity || Math.floor(batch.watermark / this.#length) === over) {
      this.watermark = Math.max(this.watermark, batch.watermark)
      if (lifts) this.maximum = batch.watermark
      part(from === 0 ? batch : sliceRows(batch, from, batch.n, this.watermark))
      return
    }
    if (batch.n > from) part(sliceRows(batch, from, batch.n, this.watermark))
    this.watermark = this.maximum = batch.watermark
    await end(over, batch.n)
    part(sliceRows(batch, batch.n, batch.n, batch.watermark))
  }

  /** Whether sorted rows all lie in the epoch that is open, told by their last; the running maximum follows them. */
  #holds(ts: Float64Array, n: number): boolean {
    if (n === 0) return true
    if (!(Math.floor(ts[n - 1] / this.#length) === this.epoch && ts[0] >= this.maximum)) return false
    this.maximum = ts[n - 1]
    return true
  }

  /** The first row at or after `from` that starts a new epoch, or n; the running maximum follows the rows passed. Times that are none move nothing. */
  #crossing(ts: Float64Array, from: number, n: number): number {
    const next = this.maximum === -Infinity ? -Infinity : (Math.floor(this.maximum / this.#length) + 1) * this.#length
    let maximum = this.maximum
    let i = from
    for (; i < n; i++) {
      const t = ts[i]
      if (t >= next) {
        if (Number.isFinite(t)) break
      } else if (t > maximum) maximum = t
    }
    this.maximum = maximum
    return i
  }
}
