import type { Batch, Column, Schema } from '../core/batch.ts'
import { DAY, SECOND } from '../core/time.ts'

/** What a stream said of one second. */
interface Bucket {
  rows: number
  sum: number
}

/**
 * Everything a set of streams said, second by second, as one number a second: a count of rows and the sum of a hash of
 * each, so that two runs can be compared without keeping a row. A row belongs to the first whole second that is not
 * before its `ts`; rows without a `ts`, or without one that is finite, are not on it.
 */
export class Tape {
  readonly #streams = new Map<string, Map<number, Bucket>>()
  readonly #hashes = new Hashes()

  get streams(): string[] {
    return [...this.#streams.keys()]
  }

  /** Seconds since the epoch, ascending, of which a stream said something. */
  seconds(stream: string): number[] {
    return [...(this.#streams.get(stream)?.keys() ?? [])].sort((a, b) => a - b)
  }

  add(stream: string, batch: Batch<Schema>): void {
    const ts = batch.col['ts']
    if (!(ts instanceof Float64Array) || batch.n === 0) return
    let buckets = this.#streams.get(stream)
    if (buckets === undefined) this.#streams.set(stream, (buckets = new Map()))
    const hash = this.#hashes.of(batch)
    let [second, bucket]: [number, Bucket | undefined] = [NaN, undefined]
    for (let i = 0; i < batch.n; i++) {
      const now = secondOf(ts[i])
      if (!Number.isFinite(now)) continue
      if (now !== second || bucket === undefined) {
        second = now
        bucket = buckets.get(now)
        if (bucket === undefined) buckets.set(now, (bucket = { rows: 0, sum: 0 }))
      }
      bucket.rows++
      bucket.sum += hash[i]
    }
  }

  /** The first second up to `last` of which the two tapes say different things of a stream. */
  firstDifference(other: Tape, stream: string, last: number): number | undefined {
    const [mine, theirs] = [this.#streams.get(stream), other.#streams.get(stream)]
    let first: number | undefined
    for (const [one, two] of [
      [mine, theirs],
      [theirs, mine],
    ])
      for (const [second, bucket] of one ?? []) {
        if (second > last || (first !== undefined && second >= first)) continue
        const same = two?.get(second)
        if (same === undefined || same.rows !== bucket.rows || same.sum !== bucket.sum) first = second
      }
    return first
  }
}

/** The second on a tape that a row of `ts` belongs to. */
export function secondOf(ts: number): number {
  return Math.ceil(ts / SECOND)
}

/** A finite time by which everything of the day of `ts` is over, wherever the market is. */
export function dayAfter(ts: number): number {
  return (Math.floor(ts / DAY) + 2) * DAY
}

/** A hash a row, over all columns, in 32 bits. */
class Hashes {
  #hash = new Uint32Array(0)

  of(batch: Batch<Schema>): Uint32Array {
    if (this.#hash.length < batch.n) this.#hash = new Uint32Array(batch.n * 2)
    const hash = this.#hash.fill(0x811c9dc5, 0, batch.n)
    for (const name of Object.keys(batch.col).sort()) mix(hash, batch.col[name], batch.n)
    for (let i = 0; i < batch.n; i++) hash[i] = Math.imul(hash[i] ^ (hash[i] >>> 15), 0x2c1b3c6d)
    return hash
  }
}

function mix(hash: Uint32Array, column: Column, n: number): void {
  if (column instanceof Float64Array) {
    const words = new Uint32Array(column.buffer, column.byteOffset, 2 * n)
    for (let i = 0; i < n; i++) hash[i] = turn(turn(hash[i], words[2 * i]), words[2 * i + 1])
  } else for (let i = 0; i < n; i++) hash[i] = turn(hash[i], column[i])
}

function turn(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1)
  return mixed ^ (mixed >>> 13)
}
