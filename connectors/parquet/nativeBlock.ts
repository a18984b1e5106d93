import type { Column } from '../../core/batch.ts'

/** A block of ClickHouse's Native format: for each column a name, a type and its values, one after the other. */
export interface NativeBlock {
  readonly n: number
  readonly columns: readonly Column[]
  readonly end: number
}

const latin = new TextDecoder('latin1')

/** Reads the block at `at` of Float64 and Int32 columns; columns are views where aligned, else copies. Throws on another type. */
export function readBlock(bytes: Uint8Array, at: number): NativeBlock {
  const cursor = { at }
  const width = varint(bytes, cursor)
  const n = varint(bytes, cursor)
  const columns: Column[] = []
  for (let i = 0; i < width; i++) {
    text(bytes, cursor)
    const type = text(bytes, cursor)
    if (type !== 'Float64' && type !== 'Int32') throw new TypeError(`the engine sent a column of type ${type}`)
    columns.push(type === 'Float64' ? float64(bytes, cursor.at, n) : int32(bytes, cursor.at, n))
    cursor.at += n * (type === 'Float64' ? 8 : 4)
  }
  return { n, columns, end: cursor.at }
}

/**
 * A column name that makes the values after it start at a multiple of 8, given that the bytes before do: an unaligned
 * column has to be copied. `head` is what comes before the name: 4 bytes for the first column (one for the number of
 * columns, three for 16,384 rows or more), else 0.
 */
export function paddedName(name: string, type: 'Float64' | 'Int32', head: number): string {
  const fixed = head + 1 + 1 + type.length
  const shortest = name.length
  return name + '_'.repeat(((-(fixed + shortest) % 8) + 8) % 8)
}

function float64(bytes: Uint8Array, at: number, n: number): Float64Array {
  const offset = bytes.byteOffset + at
  if (offset % 8 === 0) return new Float64Array(bytes.buffer as ArrayBuffer, offset, n)
  return new Float64Array(bytes.buffer.slice(offset, offset + n * 8) as ArrayBuffer)
}

function int32(bytes: Uint8Array, at: number, n: number): Int32Array {
  const offset = bytes.byteOffset + at
  if (offset % 4 === 0) return new Int32Array(bytes.buffer as ArrayBuffer, offset, n)
  return new Int32Array(bytes.buffer.slice(offset, offset + n * 4) as ArrayBuffer)
}

function varint(bytes: Uint8Array, cursor: { at: number }): number {
  let value = 0
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[cursor.at++]
    value += (byte & 127) * scale
    if (byte < 128) return value
  }
}

function text(bytes: Uint8Array, cursor: { at: number }): string {
  const length = varint(bytes, cursor)
  const value = latin.decode(bytes.subarray(cursor.at, cursor.at + length))
  cursor.at += length
  return value
}
