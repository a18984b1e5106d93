const BITS = 11
const BUCKETS = 1 << BITS
const MASK = BUCKETS - 1

/** Times of one sort may lie this far apart: keys are unsigned 32-bit. */
export const WIDEST = 2 ** 32 - 1

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
    if (this.#keys.length < n) {
      this.#keys = new Uint32Array(n)
      this.#from = new Int32Array(n)
      this.#to = new Int32Array(n)
    }
    const keys = this.#keys
    let from = this.#from
    let to = this.#to
    for (let i = 0; i < n; i++) {
      keys[i] = ts[i] - base
      from[i] = i
    }
    for (let shift = 0; shift < 32 && 2 ** shift <= range; shift += BITS) {
      this.#pass(keys, from, to, n, shift)
      const swap = from
      from = to
      to = swap
    }
    this.#from = from
    this.#to = to
    return from
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
