import { allocateColumns, type Batch } from '../../core/batch.ts'
import { Book, Second } from '../../core/market.ts'

/** What a broker reads of a second. */
export const Price = {
  ts: Second.ts,
  instrument: Second.instrument,
  close: Second.close,
  observed: Second.observed,
  age: Second.age,
  bid: Book.bid,
  ask: Book.ask,
} as const
export type Price = typeof Price

/** Whether a number can be a price: what vendors send for none is NaN or 0. */
export function isPrice(value: number): boolean {
  return value > 0 && value < Infinity
}

/** First of the rows from..to-1 that is not before `ts`; `to` where there is none. Gallops: it is mostly near. */
export function firstNotBefore(times: Float64Array, ts: number, from: number, to: number): number {
  let [low, step] = [from, 1]
  while (low + step <= to && times[low + step - 1] < ts) {
    low += step
    step *= 2
  }
  let high = Math.min(low + step - 1, to)
  while (low < high) {
    const middle = (low + high) >> 1
    if (times[middle] < ts) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * A walk through the rows of a batch, second by second, one row an instrument and second.
 *
 * The same instruments come in the same order in every second, so the length of a second and an instrument's place in it
 * are tried first as they last were. That is where the search begins, no state: what is found does not depend on it.
 */
export class PriceRows {
  batch: Batch<Price> = { n: 0, watermark: -Infinity, col: allocateColumns(Price, 0) }
  /** Rows of the second sought last: from..to-1. */
  from = 0
  to = 0
  #width = 0
  #place = new Int32Array(0)

  begin(batch: Batch<Price>, instruments: number): void {
    this.batch = batch
    this.from = this.to = 0
    if (instruments > this.#place.length) this.#place = new Int32Array(instruments * 2)
  }

  /** The second after the one sought last; Infinity after the last. */
  get nextTs(): number {
    return this.to < this.batch.n ? this.batch.col.ts[this.to] : Infinity
  }

  /** Moves on to the second `ts`, which may have no rows. */
  seek(ts: number): void {
    const times = this.batch.col.ts
    const n = this.batch.n
    this.from = firstNotBefore(times, ts, this.to, n)
    let to = this.from + this.#width
    if (!(to > this.from && to <= n && times[to - 1] === ts && (to === n || times[to] > ts))) {
      to = this.from
      while (to < n && times[to] === ts) to++
    }
    this.#width = to - this.from
    this.to = to
  }

  /** The instrument's row in the second sought last; -1 where it has none. */
  find(id: number): number {
    const ids = this.batch.col.instrument
    const known = this.from + this.#place[id]
    if (known < this.to && ids[known] === id) return known
    for (let i = this.from; i < this.to; i++) {
      if (ids[i] !== id) continue
      this.#place[id] = i - this.from
      return i
    }
    return -1
  }
}
