import { readSync } from 'node:fs'
import { crc32, zstdDecompressSync } from 'node:zlib'
import { Compact } from './compact.ts'
import { CODEC, type ColumnPages } from './footer.ts'
import { unsnap } from './snappy.ts'

/** Readable behind every page's bytes, so that whole words can be read at its end. */
export const PADDING = 8
const WINDOW = 262_144
const LARGEST_HEADER = 65_536
const LARGEST_PAGE = 2 ** 30

/** A page as its header has it; `bytes` are decompressed, with PADDING readable bytes behind them. */
export interface Page {
  readonly dictionary: boolean
  readonly values: number
  readonly encoding: number
  /** Definition levels, of a data page of the second kind, where they do not stand among `bytes`. */
  readonly levels: Uint8Array | undefined
  readonly bytes: Uint8Array
}

/** What was read of files last: columns take turns, and a page is decompressed at once, so one such memory is enough for all. */
const last: { reader: Pages | undefined; from: number; length: number; bytes: Buffer } = {
  reader: undefined,
  from: 0,
  length: 0,
  bytes: Buffer.allocUnsafeSlow(WINDOW),
}

/** Gives a page's memory back at once: the garbage collector would see it late, and look for it often. */
export function free({ bytes }: Page): void {
  // Small ones lie in a pool that they share.
  if (bytes.buffer.byteLength > Buffer.poolSize) (bytes.buffer as ArrayBuffer).transfer(0)
}

/** The pages of one column in one row group, in their order. Throws RangeError where they are damaged. */
export class Pages {
  readonly #fd: number
  readonly #chunk: ColumnPages
  #at: number

  constructor(fd: number, chunk: ColumnPages) {
    this.#fd = fd
    this.#chunk = chunk
    this.#at = chunk.start
  }

  /** undefined behind the last one. */
  next(): Page | undefined {
    for (;;) {
      if (this.#at >= this.#chunk.end) return undefined
      const { header, length } = this.#header()
      const [type, size, compressed] = [header.number(1), header.number(2) ?? -1, header.number(3) ?? -1]
      if (size < 0 || compressed < 0 || size > LARGEST_PAGE || this.#at + length + compressed > this.#chunk.end)
        throw new RangeError('a page is longer than its column')
      const body = this.#bytes(this.#at + length, compressed)
      this.#at += length + compressed
      const sum = header.number(4)
      if (sum !== undefined && crc32(body) !== sum >>> 0) throw new RangeError('a page does not match its checksum')
      const plain = header.struct(type === 2 ? 7 : 5)
      if ((type === 0 || type === 2) && plain !== undefined) {
        const bytes = decompress(this.#chunk.codec, body, size)
        return { dictionary: type === 2, values: plain.number(1) ?? -1, encoding: plain.number(2) ?? -1, levels: undefined, bytes }
      }
      const second = header.struct(8)
      if (type !== 3 || second === undefined) continue
      const before = (second.number(5) ?? 0) + (second.number(6) ?? 0)
      if (before > compressed || (second.number(6) ?? 0) !== 0) throw new RangeError('a page has levels it cannot have')
      const codec = second.fields[7] === false ? CODEC.none : this.#chunk.codec
      const bytes = decompress(codec, body.subarray(before), size - before)
      return { dictionary: false, values: second.number(1) ?? -1, encoding: second.number(4) ?? -1, levels: padded(body.subarray(0, before)), bytes }
    }
  }

  #header(): { header: ReturnType<Compact['struct']>; length: number } {
    const left = this.#chunk.end - this.#at
    for (let want = 256; ; want *= 8) {
      const bytes = this.#bytes(this.#at, Math.min(want, left))
      const reader = new Compact(bytes)
      try {
        return { header: reader.struct(), length: reader.at }
      } catch (cause) {
        if (!(cause instanceof RangeError) || want >= LARGEST_HEADER || want >= left) throw cause
      }
    }
  }

  /** Bytes of the file; valid until the next call, of any column. */
  #bytes(position: number, length: number): Buffer {
    const from = position - last.from
    if (last.reader === this && from >= 0 && from + length <= last.length) return last.bytes.subarray(from, from + length)
    const wanted = Math.max(length, Math.min(WINDOW, this.#chunk.end - position))
    last.reader = undefined
    if (wanted > last.bytes.length) last.bytes = Buffer.allocUnsafeSlow(wanted)
    for (let at = 0; at < wanted; ) {
      const read = readSync(this.#fd, last.bytes, at, wanted - at, position + at)
      if (read === 0) throw new RangeError('it ends too soon')
      at += read
    }
    last.reader = this
    last.from = position
    last.length = wanted
    return last.bytes.subarray(0, length)
  }
}

function decompress(codec: number, bytes: Uint8Array, size: number): Uint8Array {
  let plain: Uint8Array
  if (codec === CODEC.none) plain = padded(bytes)
  else if (codec === CODEC.snappy) plain = unsnap(bytes, size, PADDING)
  else
    plain =
      size === 0
        ? new Uint8Array(PADDING).subarray(0, 0)
        : withPadding(zstdDecompressSync(bytes, { chunkSize: roomFor(size + PADDING), maxOutputLength: size + PADDING }))
  if (plain.length !== size) throw new RangeError(`a page has ${plain.length} bytes where its header says ${size}`)
  return plain
}

/** Rounded up by a quarter at most: memory of few sizes is found again when it was given back, of all sizes it falls to pieces over many days. */
export function roomFor(size: number): number {
  const step = 2 ** Math.max(6, 29 - Math.clz32(size))
  return Math.ceil(size / step) * step
}

function withPadding(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset + bytes.length + PADDING <= bytes.buffer.byteLength ? bytes : padded(bytes)
}

function padded(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length + PADDING)
  copy.set(bytes)
  return copy.subarray(0, bytes.length)
}
