import type { Bytes } from './bytes.ts'

/** Whole numbers below 2^53 as 64 bits, two's complement. */
export function putInt64(into: Bytes, values: Float64Array, from: number, to: number): void {
  into.reserve((to - from) * 8)
  const view = new DataView(into.array.buffer)
  let at = into.length
  for (let i = from; i < to; i++, at += 8) {
    const value = values[i]
    view.setUint32(at, value, true)
    view.setInt32(at + 4, Math.floor(value / 2 ** 32), true)
  }
  into.length = at
}

/** Doubles as they are; those that are no number are left out. */
export function putDoubles(into: Bytes, values: Float64Array, from: number, to: number): void {
  into.reserve((to - from) * 8)
  const view = new DataView(into.array.buffer)
  let at = into.length
  for (let i = from; i < to; i++) {
    const value = values[i]
    if (Number.isNaN(value)) continue
    view.setFloat64(at, value, true)
    at += 8
  }
  into.length = at
}

export function putInt32(into: Bytes, values: ArrayLike<number>, from: number, to: number): void {
  into.reserve((to - from) * 4)
  const view = new DataView(into.array.buffer)
  let at = into.length
  for (let i = from; i < to; i++, at += 4) view.setInt32(at, values[i], true)
  into.length = at
}

/** One bit a row, the first in the lowest. */
export function putBits(into: Bytes, values: ArrayLike<number>, from: number, to: number): void {
  const length = (to - from + 7) >> 3
  into.reserve(length)
  into.array.fill(0, into.length, into.length + length)
  for (let i = from; i < to; i++) if (values[i] !== 0) into.array[into.length + ((i - from) >> 3)] |= 1 << ((i - from) & 7)
  into.length += length
}

export function putTexts(into: Bytes, texts: readonly string[]): void {
  for (const text of texts) {
    const bytes = Buffer.from(text)
    into.u32(bytes.length)
    into.put(bytes)
  }
}
