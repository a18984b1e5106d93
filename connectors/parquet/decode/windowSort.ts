import { TimeSort } from '../sortRuns.ts'

/** Rows are counted in 16 bits, and buckets, of which there are twice as many. */
const MOST = 32_768

/**
 * Sorts the rows of a window by time, stably, in one pass where times are spread: rows fall into buckets, twice as many
 * as a window has rows, and the few that share one are put right by insertion. Where that takes too many moves,
 * TimeSort does it.
 *
 * `begin`, then `add` for each file's rows in the order in which rows of one time come, then `finish`; afterwards row j,
 * counted as they were added, comes at places[j]. Valid until the next `begin`.
 */
export class WindowSort {
  readonly capacity: number
  readonly places: Uint16Array
  readonly #buckets: number
  readonly #count: Uint16Array
  /** Times since the start of the window: as they were added, and in order. */
  readonly #added: Uint32Array
  readonly #times: Uint32Array
  readonly #order: Uint16Array
  #other: TimeSort | undefined
  #base = 0
  #end = 0
  #n = 0

  constructor(capacity: number) {
    this.capacity = Math.min(capacity, MOST)
    this.#buckets = 2 * this.capacity
    this.#count = new Uint16Array(this.#buckets + 1)
    this.places = new Uint16Array(this.capacity)
    this.#added = new Uint32Array(this.capacity)
    this.#times = new Uint32Array(this.capacity)
    this.#order = new Uint16Array(this.capacity)
  }

  /** Gives its memory back at once; nothing is sorted afterwards. */
  close(): void {
    for (const { buffer } of [this.places, this.#count, this.#added, this.#times, this.#order]) (buffer as ArrayBuffer).transfer(0)
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
    const added = this.#added
    const count = this.#count
    const base = this.#base
    const end = this.#end
    const scale = this.#buckets / (end - base)
    const last = Math.min(n, at + this.capacity - this.#n)
    let i = at
    let j = this.#n
    for (; i < last && ts[i] < end; i++, j++) {
      const time = ts[i] - base
      added[j] = time
      // A later time never has an earlier bucket: products and floors do not turn around.
      count[(time * scale) | 0]++
    }
    this.#n = j
    return i === last && i < n && ts[i] < end ? -1 : i
  }

  finish(): void {
    const n = this.#n
    this.#place(n)
    if (insert(this.#times, this.#order, this.places, n, 8 * n)) return
    const ts = Float64Array.from(this.#added.subarray(0, n))
    this.#other ??= new TimeSort()
    const order = this.#other.order(ts, n, 0, this.#end - this.#base)
    for (let i = 0; i < n; i++) {
      this.#times[i] = ts[order[i]]
      this.places[order[i]] = i
    }
  }

  /** Writes the times in order to into[at..]. */
  copyTimes(into: Float64Array, at: number): void {
    const times = this.#times
    const base = this.#base
    for (let i = 0; i < this.#n; i++) into[at + i] = base + times[i]
  }

  #place(n: number): void {
    const count = this.#count
    let sum = 0
    for (let b = 0; b < count.length; b++) {
      const here = count[b]
      count[b] = sum
      sum += here
    }
    const added = this.#added
    const order = this.#order
    const times = this.#times
    const places = this.places
    const scale = this.#buckets / (this.#end - this.#base)
    for (let i = 0; i < n; i++) {
      const time = added[i]
      const at = count[(time * scale) | 0]++
      places[i] = at
      order[at] = i
      times[at] = time
    }
  }
}

/** Sorts by insertion, equal times left as they are, and keeps `places` true; false when `most` moves do not suffice. */
function insert(times: Uint32Array, order: Uint16Array, places: Uint16Array, n: number, most: number): boolean {
  let left = most
  for (let i = 1; i < n; i++) {
    const ts = times[i]
    if (times[i - 1] <= ts) continue
    const row = order[i]
    let j = i
    while (j > 0 && times[j - 1] > ts) {
      times[j] = times[j - 1]
      order[j] = order[j - 1]
      places[order[j]] = j
      j--
    }
    times[j] = ts
    order[j] = row
    places[row] = j
    left -= i - j
    if (left < 0) return false
  }
  return true
}
