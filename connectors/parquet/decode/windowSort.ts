import { TimeSort } from '../sortRuns.ts'

/**
 * Sorts the rows of a window by time, stably, in one pass where times are spread: rows fall into buckets, twice as many
 * as a window has rows, and the few that share one are put right by insertion. Where that takes too many moves,
 * TimeSort does it.
 *
 * `begin`, then `add` for each file's rows in the order in which rows of one time come, then `finish`; afterwards row j,
 * counted as they were added, comes at places[j], and times are in order. Valid until the next `begin`.
 */
export class WindowSort {
  readonly capacity: number
  readonly times: Float64Array
  readonly places: Int32Array
  readonly #buckets: number
  readonly #count: Int32Array
  readonly #keys: Int32Array
  readonly #added: Float64Array
  readonly #order: Int32Array
  #other: TimeSort | undefined
  #base = 0
  #end = 0
  #n = 0

  constructor(capacity: number) {
    this.capacity = capacity
    this.times = new Float64Array(capacity)
    this.places = new Int32Array(capacity)
    this.#buckets = 2 * capacity
    this.#count = new Int32Array(this.#buckets + 1)
    this.#keys = new Int32Array(capacity)
    this.#added = new Float64Array(capacity)
    this.#order = new Int32Array(capacity)
  }

  /** All rows of the window lie in [base, end), at most WIDEST apart. */
  begin(base: number, end: number): void {
    this.#count.fill(0)
    this.#base = base
    this.#end = end
    this.#n = 0
  }

  /** Adds the rows from ts[at] on, up to the end of the window and not beyond ts[n - 1]; answers where they end, -1 when they are too many. */
  add(ts: Float64Array, at: number, n: number): number {
    const keys = this.#keys
    const added = this.#added
    const count = this.#count
    const base = this.#base
    const end = this.#end
    const scale = this.#buckets / (end - base)
    const last = Math.min(n, at + this.capacity - this.#n)
    let i = at
    let j = this.#n
    for (; i < last && ts[i] < end; i++, j++) {
      // A later time never has an earlier bucket: differences, products and floors do not turn around.
      const key = ((ts[i] - base) * scale) | 0
      added[j] = ts[i]
      keys[j] = key
      count[key]++
    }
    this.#n = j
    return i === last && i < n && ts[i] < end ? -1 : i
  }

  finish(): void {
    const n = this.#n
    this.#place(n)
    let order = this.#order
    if (!insert(this.times, order, n, 8 * n)) {
      this.#other ??= new TimeSort()
      order = this.#other.order(this.#added, n, this.#base, this.#end - this.#base)
      for (let i = 0; i < n; i++) this.times[i] = this.#added[order[i]]
    }
    const places = this.places
    for (let i = 0; i < n; i++) places[order[i]] = i
  }

  #place(n: number): void {
    const count = this.#count
    const keys = this.#keys
    const added = this.#added
    const order = this.#order
    const times = this.times
    let sum = 0
    for (let b = 0; b < count.length; b++) {
      const here = count[b]
      count[b] = sum
      sum += here
    }
    for (let i = 0; i < n; i++) {
      const at = count[keys[i]]++
      order[at] = i
      times[at] = added[i]
    }
  }
}

/** Sorts by insertion, equal times left as they are; false when `most` moves do not suffice. */
function insert(times: Float64Array, order: Int32Array, n: number, most: number): boolean {
  let left = most
  for (let i = 1; i < n; i++) {
    const ts = times[i]
    if (times[i - 1] <= ts) continue
    const row = order[i]
    let j = i
    while (j > 0 && times[j - 1] > ts) {
      times[j] = times[j - 1]
      order[j] = order[j - 1]
      j--
    }
    times[j] = ts
    order[j] = row
    left -= i - j
    if (left < 0) return false
  }
  return true
}
