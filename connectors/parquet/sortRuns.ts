import { SECOND } from '../../core/time.ts'

const BITS = 11
const BUCKETS = 1 << BITS
const MASK = BUCKETS - 1

/** Times of one sort may lie this far apart: keys are unsigned 32-bit. */
export const WIDEST = 2 ** 32 - 1
/** Times further apart are sorted by two keys: whole units of this many microseconds, and the rest. */
const LOW = 2 ** 30

/** Sorts rows by time, stably: rows of one time stay in the order given. Its memory is kept for the next sort. */
export class TimeSort {
  #keys = new Uint32Array(0)
  #from = new Int32Array(0)
  #to = new Int32Array(0)
  readonly #count = new Int32Array(BUCKETS)

  /**
   * The rows 0..n-1 in time order, as indices into `ts`; valid until the next call.
   * Every ts lies in [base, base + range] and range is at most WIDEST.
   */
  order(ts: Float64Array, n: number, base: number, range: number): Int32Array {
    const keys = this.#begin(n)
    for (let i = 0; i < n; i++) keys[i] = ts[i] - base
    return this.#sort(n, range)
  }

  /** The same for any times less than 2^52 microseconds apart; undefined when the rows are in order as they are. */
  inTime(ts: Float64Array, n: number): Int32Array | undefined {
    let [sorted, least, most] = [true, Infinity, -Infinity]
    for (let i = 0; i < n; i++) {
      const t = ts[i]
      if (t < most) sorted = false
      else most = t
      if (t < least) least = t
    }
    if (sorted) return undefined
    const keys = this.#begin(n)
    if (isWholeSeconds(ts, n, least)) {
      for (let i = 0; i < n; i++) keys[i] = (ts[i] - least) / SECOND
      return this.#sort(n, (most - least) / SECOND)
    }
    if (most - least <= WIDEST) return this.order(ts, n, least, most - least)
    for (let i = 0; i < n; i++) keys[i] = (ts[i] - least) % LOW
    this.#sort(n, LOW)
    for (let i = 0; i < n; i++) keys[i] = Math.floor((ts[i] - least) / LOW)
    return this.#sort(n, Math.floor((most - least) / LOW))
  }

  /** Rows in the order given, and their keys to be filled in. */
  #begin(n: number): Uint32Array {
    if (this.#keys.length < n) {
      this.#keys = new Uint32Array(n)
      this.#from = new Int32Array(n)
      this.#to = new Int32Array(n)
    }
    const from = this.#from
    for (let i = 0; i < n; i++) from[i] = i
    return this.#keys
  }

  /** Sorts the rows, as they are by now, by their keys, which are at most `largest`. */
  #sort(n: number, largest: number): Int32Array {
    for (let shift = 0; shift < 32 && 2 ** shift <= largest; shift += BITS) {
      this.#pass(this.#keys, this.#from, this.#to, n, shift)
      const swap = this.#from
      this.#from = this.#to
      this.#to = swap
    }
    return this.#from
  }

  #pass(keys: Uint32Array, from: Int32Array, to: Int32Array, n: number, shift: number): void {
    const count = this.#count.fill(0)
    for (let i = 0; i < n; i++) count[(keys[i] >>> shift) & MASK]++
    let sum = 0
    for (let b = 0; b < BUCKETS; b++) {
      const here = count[b]
      count[b] = sum
      sum += here
    }
    for (let i = 0; i < n; i++) {
      const row = from[i]
      to[count[(keys[row] >>> shift) & MASK]++] = row
    }
  }
}

/** Whether all times are whole seconds after the first one, and fewer than 2^32. */
function isWholeSeconds(ts: Float64Array, n: number, base: number): boolean {
  for (let i = 0; i < n; i++) {
    const after = (ts[i] - base) / SECOND
    if (after !== Math.floor(after) || after > WIDEST) return false
  }
  return true
}

/** The first row at or after `from` whose time is not before `ts`; times do not fall. */
export function firstNotBefore(times: Float64Array, from: number, n: number, ts: number): number {
  let low = from
  let high = n
  while (low < high) {
    const middle = (low + high) >>> 1
    if (times[middle] < ts) low = middle + 1
    else high = middle
  }
  return low
}

/** The first row at or after `from` whose time is after `ts`; times do not fall. */
export function firstAfter(times: Float64Array, from: number, n: number, ts: number): number {
  let low = from
  let high = n
  while (low < high) {
    const middle = (low + high) >>> 1
    if (times[middle] <= ts) low = middle + 1
    else high = middle
  }
  return low
}
