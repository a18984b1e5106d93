import { crc32, zstdCompressSync } from 'node:zlib'
import { Bytes } from './bytes.ts'
import { CompactWriter } from './compactWriter.ts'
import { Doubles } from './dictionary.ts'
import { ENCODING, PAGE, type Stored } from './format.ts'
import { type Positions, putHybrid, putRun, widthOf } from './hybrid.ts'
import { putBits, putDoubles, putInt32, putInt64, putTexts } from './plain.ts'

/** A column of a file: what its values are, and for text which text each number stands for. */
export interface FileColumn {
  readonly name: string
  readonly stored: Stored
  readonly values: Float64Array | Int32Array | Uint8Array
  readonly texts?: (position: number) => string
}

/** One column in one row group: its pages, and what the footer says of them. */
export interface Chunk {
  readonly pages: readonly Uint8Array[]
  readonly encoding: number
  /** Bytes of the dictionary's page at the start; 0 without one. */
  readonly dictionary: number
  readonly compressed: number
  readonly uncompressed: number
  readonly nulls: number
  readonly min: Uint8Array | undefined
  readonly max: Uint8Array | undefined
}

/** Encodes columns, a row group at a time; its memory is used again for the next. */
export class ChunkEncoder {
  readonly #doubles = new Doubles()
  readonly #page = new Bytes(1 << 16)
  readonly #header = new CompactWriter()
  #levels = new Uint8Array(0)
  #positions = new Int32Array(0)
  /** Of a number: its position + 1, 0 without one. */
  #known = new Int32Array(1024)
  #pages: Uint8Array[] = []
  #compressed = 0
  #uncompressed = 0

  encode(column: FileColumn, from: number, to: number): Chunk {
    this.#pages = []
    this.#compressed = this.#uncompressed = 0
    const { stored, values } = column
    if (stored === 'text') return this.#texts(column, from, to)
    if (stored === 'int' || stored === 'bool') return this.#small(stored, values, from, to)
    return this.#numbers(stored, values as Float64Array, from, to)
  }

  /** Times, doubles and whole doubles: by a dictionary where values come again. */
  #numbers(stored: 'time' | 'double' | 'whole', given: Float64Array, from: number, to: number): Chunk {
    const values = stored === 'time' ? finite(given, from, to) : given
    const doubles = this.#doubles
    const put = stored === 'double' ? putDoubles : putInt64
    const byDictionary = doubles.read(values, from, to)
    const { present, distinct, min, max } = doubles
    const nulls = to - from - present
    if (byDictionary) {
      put(this.#page.clear(), doubles.values, 0, distinct)
      this.#dictionaryPage(distinct)
    }
    this.#putLevels(values, from, to, nulls)
    if (byDictionary) this.#putPositions(doubles.positions, present, distinct, doubles.runs)
    else if (stored === 'double' || nulls === 0) put(this.#page, values, from, to)
    else {
      const there = values.subarray(from, to).filter((value) => !Number.isNaN(value))
      put(this.#page, there, 0, there.length)
    }
    const encoding = byDictionary ? ENCODING.dictionary : ENCODING.plain
    this.#dataPage(to - from, encoding)
    const bound = (value: number): Uint8Array => one((into) => put(into, Float64Array.of(value), 0, 1))
    // Zeros of either sign are between these bounds, as Parquet asks.
    return this.#chunk(encoding, nulls, present > 0 ? { min: bound(min === 0 ? -0 : min), max: bound(max === 0 ? 0 : max) } : {})
  }

  #small(stored: 'int' | 'bool', values: ArrayLike<number>, from: number, to: number): Chunk {
    this.#putLevels(undefined, from, to, 0)
    if (stored === 'int') putInt32(this.#page, values, from, to)
    else putBits(this.#page, values, from, to)
    this.#dataPage(to - from, ENCODING.plain)
    let [min, max] = [Infinity, -Infinity]
    for (let i = from; i < to; i++) {
      if (values[i] < min) min = values[i]
      if (values[i] > max) max = values[i]
    }
    const bound = (value: number): Uint8Array => one((into) => (stored === 'int' ? putInt32(into, [value], 0, 1) : into.u8(value === 0 ? 0 : 1)))
    return this.#chunk(ENCODING.plain, 0, to > from ? { min: bound(min), max: bound(max) } : {})
  }

  #texts({ values, texts }: FileColumn, from: number, to: number): Chunk {
    const { all, runs } = this.#positionsOf(values as Int32Array, from, to)
    const words = all.map((value) => (texts as (position: number) => string)(value))
    putTexts(this.#page.clear(), words)
    this.#dictionaryPage(all.length)
    this.#putLevels(undefined, from, to, 0)
    this.#putPositions(this.#positions, to - from, all.length, runs)
    this.#dataPage(to - from, ENCODING.dictionary)
    const sorted = words.map((text) => Buffer.from(text)).sort(Buffer.compare)
    return this.#chunk(ENCODING.dictionary, 0, { min: sorted[0], max: sorted.at(-1) })
  }

  /** Positions of numbers from 0 on among those that occur, which it answers. */
  #positionsOf(values: Int32Array, from: number, to: number): { all: number[]; runs: number } {
    if (this.#positions.length < to - from) this.#positions = new Int32Array(to - from)
    const positions = this.#positions
    this.#known.fill(0)
    const all: number[] = []
    let [runs, before] = [0, -1]
    for (let i = from; i < to; i++) {
      const value = values[i]
      if (value !== before) {
        before = value
        runs++
        if (value >= this.#known.length) this.#known = grown(this.#known, value)
        if (this.#known[value] === 0) this.#known[value] = all.push(value)
      }
      positions[i - from] = this.#known[value] - 1
    }
    return { all, runs }
  }

  /** Begins a data page: which values are there. Without missing ones that is one run. */
  #putLevels(values: Float64Array | undefined, from: number, to: number, nulls: number): void {
    const page = this.#page.clear()
    page.u32(0)
    if (nulls === 0 || values === undefined) putRun(page, 1, to - from, 1)
    else this.#putMissing(values, from, to)
    new DataView(page.array.buffer).setUint32(0, page.length - 4, true)
  }

  #putMissing(values: Float64Array, from: number, to: number): void {
    if (this.#levels.length < to - from) this.#levels = new Uint8Array(to - from)
    const levels = this.#levels
    let runs = 1
    for (let i = from; i < to; i++) {
      const level = Number.isNaN(values[i]) ? 0 : 1
      levels[i - from] = level
      if (i > from && level !== levels[i - from - 1]) runs++
    }
    putHybrid(this.#page, levels, to - from, 1, runs)
  }

  #putPositions(positions: Positions, n: number, distinct: number, runs: number): void {
    const width = widthOf(distinct)
    this.#page.u8(width)
    putHybrid(this.#page, positions, n, width, runs)
  }

  #dictionaryPage(distinct: number): void {
    this.#add((header) => {
      header.struct(7, () => {
        header.i32(1, distinct)
        header.i32(2, ENCODING.plain)
      })
    }, PAGE.dictionary)
  }

  #dataPage(rows: number, encoding: number): void {
    this.#add((header) => {
      header.struct(5, () => {
        header.i32(1, rows)
        header.i32(2, encoding)
        header.i32(3, ENCODING.runs)
        header.i32(4, ENCODING.runs)
      })
    }, PAGE.data)
  }

  #add(kind: (header: CompactWriter) => void, type: number): void {
    const plain = this.#page.written()
    const packed = zstdCompressSync(plain)
    const header = this.#header.whole(() => {
      this.#header.i32(1, type)
      this.#header.i32(2, plain.length)
      this.#header.i32(3, packed.length)
      this.#header.i32(4, crc32(packed) | 0)
      kind(this.#header)
    })
    this.#pages.push(header.slice(), packed)
    this.#compressed += header.length + packed.length
    this.#uncompressed += header.length + plain.length
  }

  #chunk(encoding: number, nulls: number, { min, max }: { min?: Uint8Array; max?: Uint8Array }): Chunk {
    const pages = this.#pages
    const dictionary = encoding === ENCODING.dictionary ? pages[0].length + pages[1].length : 0
    return { pages, encoding, dictionary, compressed: this.#compressed, uncompressed: this.#uncompressed, nulls, min, max }
  }
}

function one(put: (into: Bytes) => void): Uint8Array {
  const bytes = new Bytes(8)
  put(bytes)
  return bytes.written()
}

/** Times with those that are no instant missing. */
function finite(times: Float64Array, from: number, to: number): Float64Array {
  for (let i = from; i < to; i++) if (Math.abs(times[i]) === Infinity) return times.map((time) => (Number.isFinite(time) ? time : NaN))
  return times
}

function grown(known: Int32Array<ArrayBuffer>, value: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(value + 1, known.length * 2))
  larger.set(known)
  return larger
}
