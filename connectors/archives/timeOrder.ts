import { SECOND } from '../../core/time.ts'

const BITS = 11
const BUCKETS = 1 << BITS
/** A key of two parts: whole units of 2^30 microseconds, and the rest. */
const LOW = 2 ** 30

/**
 * Rows in time order, those of one time in the order given: an index into `ts`, undefined when they are in order
 * already. All times lie within one day.
 */
export function timeOrder(ts: Float64Array, n: number): Int32Array | undefined {
  let sorted = true
  let least = Infinity
  let most = -Infinity
  let whole = true
  for (let i = 0; i < n; i++) {
    const t = ts[i]
    if (i > 0 && t < ts[i - 1]) sorted = false
    if (t < least) least = t
    if (t > most) most = t
    if (t % SECOND !== 0) whole = false
  }
  if (sorted) return undefined
  const keys = new Uint32Array(n)
  let order = Int32Array.from({ length: n }, (_, i) => i)
  if (whole) {
    for (let i = 0; i < n; i++) keys[i] = (ts[i] - least) / SECOND
    return byKey(keys, order, n, (most - least) / SECOND)
  }
  for (let i = 0; i < n; i++) keys[i] = (ts[i] - least) % LOW
  order = byKey(keys, order, n, LOW)
  for (let i = 0; i < n; i++) keys[i] = Math.floor((ts[i] - least) / LOW)
  return byKey(keys, order, n, Math.floor((most - least) / LOW))
}

/** Sorts an index by the keys it points at, stably. */
function byKey(keys: Uint32Array, order: Int32Array<ArrayBuffer>, n: number, largest: number): Int32Array<ArrayBuffer> {
  let from = order
  let to = new Int32Array(n)
  const count = new Int32Array(BUCKETS)
  for (let shift = 0; shift < 32 && 2 ** shift <= largest; shift += BITS) {
    count.fill(0)
    for (let i = 0; i < n; i++) count[(keys[i] >>> shift) & (BUCKETS - 1)]++
    let sum = 0
    for (let b = 0; b < BUCKETS; b++) {
      const here = count[b]
      count[b] = sum
      sum += here
    }
    for (let i = 0; i < n; i++) {
      const row = from[i]
      to[count[(keys[row] >>> shift) & (BUCKETS - 1)]++] = row
    }
    const swap = from
    from = to
    to = swap
  }
  return from
}
