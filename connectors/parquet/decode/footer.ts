import { readSync } from 'node:fs'
import { Compact, Struct } from './compact.ts'

/** Parquet's physical types, by their numbers. */
export const PHYSICAL = { boolean: 0, int32: 1, int64: 2, int96: 3, float: 4, double: 5, bytes: 6, fixed: 7 } as const
export const CODEC = { none: 0, snappy: 1, zstd: 6 } as const
export const ENCODING = { plain: 0, plainDictionary: 2, rle: 3, rleDictionary: 8 } as const

/** A column of plain values, one a row. */
export interface Leaf {
  readonly name: string
  readonly physical: number
  /** Rows may have no value. */
  readonly optional: boolean
  /** Of a time in UTC: how many of its units are a second. */
  readonly perSecond: 1e3 | 1e6 | 1e9 | undefined
  readonly integer: 'signed' | 'other'
  readonly date: boolean
}

/** Where the pages of a column in a row group lie. */
export interface ColumnPages {
  readonly rows: number
  readonly start: number
  readonly end: number
  readonly uncompressed: number
  readonly codec: number
  readonly encodings: readonly number[]
  /** In another file, or encrypted. */
  readonly elsewhere: boolean
}

export interface Footer {
  readonly rows: number
  /** Columns by their names; those nested in others are left out. */
  readonly leaves: ReadonlyMap<string, { readonly leaf: Leaf; readonly groups: readonly ColumnPages[] }>
}

const MAGIC = 'PAR1'
/** Read at once from a file's end: most footers are smaller. */
const TAIL = 16_384
/** Footers are parsed one at a time, and nothing keeps a view on one. */
const tailBytes = Buffer.allocUnsafeSlow(TAIL)

/** Reads the footer of an open file of `size` bytes. Throws RangeError for what is no Parquet file. */
export function readFooter(fd: number, size: number): Footer {
  if (size < 12) throw new RangeError('it is too short for a Parquet file')
  let tail = readAt(fd, Math.max(0, size - TAIL), Math.min(size, TAIL))
  if (tail.toString('latin1', tail.length - 4) !== MAGIC) throw new RangeError('it does not end as a Parquet file does')
  const length = tail.readUInt32LE(tail.length - 8)
  if (length > size - 12) throw new RangeError('its footer is longer than the file')
  if (length > tail.length - 8) tail = readAt(fd, size - 8 - length, length + 8)
  return footerOf(new Compact(tail.subarray(tail.length - 8 - length, tail.length - 8)).struct(), size)
}

function readAt(fd: number, position: number, length: number): Buffer {
  const bytes = length <= TAIL ? tailBytes.subarray(0, length) : Buffer.allocUnsafeSlow(length)
  for (let at = 0; at < length; ) {
    const read = readSync(fd, bytes, at, length - at, position + at)
    if (read === 0) throw new RangeError('it ends too soon')
    at += read
  }
  return bytes
}

function footerOf(file: Struct, size: number): Footer {
  const groups = file.list(4).map((group) => (group as Struct).list(1).map((column) => pagesOf(column as Struct, rowsOf(group as Struct), size)))
  const leaves = new Map<string, { leaf: Leaf; groups: ColumnPages[] }>()
  const elements = file.list(2) as readonly Struct[]
  let column = 0
  // Elements stand in the order of a walk; how many are still inside a group tells what is nested.
  let inside = 0
  for (const element of elements.slice(1)) {
    const children = element.number(5) ?? 0
    const nested = inside > 0
    inside += children - (nested ? 1 : 0)
    if (children > 0) continue
    const leaf = nested ? undefined : leafOf(element)
    if (leaf !== undefined) leaves.set(leaf.name, { leaf, groups: groups.map((columns) => columns[column]) })
    column++
  }
  if (groups.some((columns) => columns.length !== column)) throw new RangeError('its row groups have other columns than its schema')
  return { rows: file.number(3) ?? 0, leaves }
}

function rowsOf(group: Struct): number {
  return group.number(3) ?? 0
}

function leafOf(element: Struct): Leaf | undefined {
  const [physical, repetition, name] = [element.number(1), element.number(3), element.text(4)]
  if (physical === undefined || name === undefined || repetition === 2) return undefined
  const converted = element.number(6)
  const logical = element.struct(10)
  const timestamp = logical?.struct(8)
  const plain = converted === undefined && logical === undefined
  const integer = logical?.struct(10)
  const signed = plain || (integer === undefined ? converted !== undefined && converted >= 15 && converted <= 18 : integer.fields[2] === true)
  return {
    name,
    physical,
    optional: repetition === 1,
    perSecond: timestamp === undefined ? perSecond(logical === undefined ? converted : undefined) : unitOf(timestamp),
    integer: signed ? 'signed' : 'other',
    date: converted === 6 || logical?.struct(6) !== undefined,
  }
}

function perSecond(converted: number | undefined): Leaf['perSecond'] {
  return converted === 9 ? 1e3 : converted === 10 ? 1e6 : undefined
}

function unitOf(timestamp: Struct): Leaf['perSecond'] {
  const unit = timestamp.struct(2)
  if (timestamp.fields[1] !== true || unit === undefined) return undefined
  return unit.struct(1) ? 1e3 : unit.struct(2) ? 1e6 : unit.struct(3) ? 1e9 : undefined
}

function pagesOf(chunk: Struct, rows: number, size: number): ColumnPages {
  const meta = chunk.struct(3) ?? new Struct()
  const [data, dictionary, length] = [meta.number(9) ?? -1, meta.number(11) ?? 0, meta.number(7) ?? -1]
  // Some writers say 0 where there is no dictionary.
  const start = dictionary > 0 ? Math.min(dictionary, data) : data
  const elsewhere = chunk.text(1) !== undefined || chunk.fields[8] !== undefined || chunk.struct(3) === undefined
  if (!elsewhere && (start < 4 || length < 0 || start + length > size)) throw new RangeError('a column lies outside of it')
  const encodings = meta.list(2).filter((encoding) => typeof encoding === 'number')
  return { rows, start, end: start + length, uncompressed: meta.number(6) ?? 0, codec: meta.number(4) ?? -1, encodings, elsewhere }
}
