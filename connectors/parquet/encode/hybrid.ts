import type { Bytes } from './bytes.ts'

/** Small numbers of one row each, as dictionaries and levels have them. */
export type Positions = Uint8Array | Uint16Array | Int32Array

export type Width = 1 | 8 | 16 | 32

/** Bits of a position among so many: whole bytes, where one bit does not do, as zstd finds by bytes what repeats. */
export function widthOf(values: number): Width {
  return values <= 2 ? 1 : values <= 256 ? 8 : values <= 65_536 ? 16 : 32
}

/**
 * Positions 0..n-1, of which so many `runs` are alike, in Parquet's mix of runs and packed bits: all of it runs where
 * these are shorter, else all of it packed.
 */
export function putHybrid(into: Bytes, positions: Positions, n: number, width: Width, runs: number): void {
  if (n === 0) return
  if (runs * (2 + width / 8) <= (n * width) / 8 + 2) putRuns(into, positions, n, width)
  else putPacked(into, positions, n, width)
}

/** One position, n times. */
export function putRun(into: Bytes, position: number, n: number, width: Width): void {
  into.varint(n * 2)
  for (let shift = 0; shift < width; shift += 8) into.u8(position >>> shift)
}

function putRuns(into: Bytes, positions: Positions, n: number, width: Width): void {
  for (let from = 0; from < n; ) {
    const value = positions[from]
    let to = from + 1
    while (to < n && positions[to] === value) to++
    putRun(into, value, to - from, width)
    from = to
  }
}

/** One stretch of packed bits, filled up with zeros to a multiple of 8 rows. */
function putPacked(into: Bytes, positions: Positions, n: number, width: Width): void {
  const groups = Math.ceil(n / 8)
  into.varint(groups * 2 + 1)
  const length = groups * width
  into.reserve(length)
  const { array, length: start } = into
  array.fill(0, start, start + length)
  if (width === 1) for (let i = 0; i < n; i++) array[start + (i >> 3)] |= positions[i] << (i & 7)
  else {
    const sized = width === 8 ? Uint8Array : width === 16 ? Uint16Array : Int32Array
    const numbers = positions instanceof sized ? positions.subarray(0, n) : sized.from(positions.subarray(0, n))
    array.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), start)
  }
  into.length += length
}
