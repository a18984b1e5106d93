import { closeSync, openSync, readSync } from 'node:fs'
import { Readable } from 'node:stream'
import { crc32, inflateRawSync } from 'node:zlib'
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl'
import { damageOf, type Member, type Unreadable } from './container.ts'
import { Damage } from './reasons.ts'

/** Members up to this size are inflated at one go, which is several times as fast as a stream of their own. */
const AT_ONCE = 4 << 20
const PIECE = 256 << 10

/** Bytes that can be read anywhere. */
export interface Bytes {
  readonly size: number
  read(into: Uint8Array, at: number): number
  close(): void
}

export function bytesOfFile(path: string, size: number): Bytes {
  const descriptor = openSync(path, 'r')
  return {
    size,
    read: (into, at) => readSync(descriptor, into, 0, into.length, at),
    close: () => closeSync(descriptor),
  }
}

export function bytesOfMemory(bytes: Uint8Array): Bytes {
  return {
    size: bytes.length,
    read(into, at) {
      const part = bytes.subarray(at, at + into.length)
      into.set(part)
      return part.length
    },
    close: () => undefined,
  }
}

/** A part of other bytes: a zip that is stored in a zip is read where it lies. */
export function partOf(bytes: Bytes, from: number, size: number): Bytes {
  return {
    size,
    read: (into, at) => bytes.read(into.subarray(0, Math.max(0, Math.min(into.length, size - at))), from + at),
    close: () => undefined,
  }
}

class Reader extends RandomAccessReader {
  readonly #bytes: Bytes

  constructor(bytes: Bytes) {
    super()
    this.#bytes = bytes
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(piecesOf(this.#bytes, start, end))
  }

  override read(buffer: Buffer, offset: number, length: number, position: number, callback: (err: Error | null) => void): void {
    let got = 0
    try {
      got = this.#bytes.read(buffer.subarray(offset, offset + length), position)
    } catch (cause) {
      callback(cause as Error)
      return
    }
    callback(got < length ? new Error('unexpected end of the file') : null)
  }

  override close(callback: (err: Error | null) => void): void {
    callback(null)
  }
}

function* piecesOf(bytes: Bytes, start: number, end: number): Generator<Uint8Array> {
  for (let at = start; at < end; ) {
    const piece = new Uint8Array(Math.min(PIECE, end - at))
    const got = bytes.read(piece, at)
    if (got === 0) return
    yield piece.subarray(0, got)
    at += got
  }
}

/** One entry of a zip, with a way to lay hands on it without inflating it where it is stored. */
export interface ZipMember extends Member {
  readonly size: number
  readonly compressed: number
  /** The bytes where they lie; undefined when they are compressed. */
  stored(): Promise<Bytes | undefined>
}

/** Which of so many equal parts of a zip, by compressed bytes, in the order of its directory. */
export interface Share {
  readonly part: number
  readonly parts: number
}

/** The files of a zip in the order of its directory; its damage, where that cannot be read. */
export async function* zipMembers(bytes: Bytes, name: string, { part, parts }: Share): AsyncGenerator<ZipMember | Unreadable> {
  let zip: ZipFile
  try {
    zip = await fromRandomAccessReaderPromise(new Reader(bytes), bytes.size, { lazyEntries: true, autoClose: false, strictFileNames: false })
  } catch (cause) {
    const { message } = cause as Error
    const cut = /end of central directory|unexpected end/i.test(message)
    // Told once, by whoever has the first share.
    if (part === 0) yield { name, damage: new Damage(cut ? 'truncated_container' : 'corrupt_container', `${name}: ${message}`) }
    return
  }
  let before = 0
  const [from, to] = [(bytes.size * part) / parts, (bytes.size * (part + 1)) / parts]
  try {
    for await (const entry of zip.eachEntry()) {
      const mine = before >= from && (before < to || part === parts - 1)
      before += entry.compressedSize
      if (mine && !entry.fileName.endsWith('/')) yield memberOf(zip, entry, bytes, name)
    }
  } catch (cause) {
    if (part === 0) yield { name, damage: damageOf(cause, name) }
  } finally {
    zip.close()
  }
}

function memberOf(zip: ZipFile, entry: Entry, bytes: Bytes, container: string): ZipMember | Unreadable {
  const name = entry.fileName
  if (entry.isEncrypted()) return { name, damage: new Damage('unreadable_container', `${name} in ${container} is encrypted`) }
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8)
    return { name, damage: new Damage('unreadable_container', `${name} in ${container} is compressed by method ${entry.compressionMethod}`) }
  const small = entry.uncompressedSize <= AT_ONCE && entry.compressedSize <= AT_ONCE
  return {
    name,
    size: entry.uncompressedSize,
    compressed: entry.compressedSize,
    pieces: small ? atOnce(bytes, entry, name) : streamed(zip, entry, name),
    async stored() {
      if (entry.compressionMethod !== 0) return undefined
      const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true })
      return partOf(bytes, fileDataStart, entry.compressedSize)
    },
  }
}

let kept = new Uint8Array(0)

/** Memory for one compressed member, which is done with before anything is waited for. */
function scratch(size: number): Uint8Array<ArrayBuffer> {
  if (kept.length < size) kept = new Uint8Array(size * 2)
  return kept.subarray(0, size)
}

async function* atOnce(bytes: Bytes, entry: Entry, name: string): AsyncGenerator<Uint8Array> {
  const header = new Uint8Array(30)
  const at = entry.relativeOffsetOfLocalHeader
  if (bytes.read(header, at) < 30) throw new Damage('truncated_container', `${name}: the container ends before it`)
  if (header[0] !== 0x50 || header[1] !== 0x4b || header[2] !== 3 || header[3] !== 4)
    throw new Damage('corrupt_container', `${name}: its header is not where the directory says`)
  const start = at + 30 + (header[26] | (header[27] << 8)) + (header[28] | (header[29] << 8))
  const packed = entry.compressionMethod === 0 ? new Uint8Array(entry.compressedSize) : scratch(entry.compressedSize)
  if (bytes.read(packed, start) < packed.length) throw new Damage('truncated_container', `${name}: the container ends inside it`)
  let plain: Uint8Array
  try {
    const most = Math.max(64, entry.uncompressedSize)
    // Into one piece, so that it is not put together of many.
    plain = entry.compressionMethod === 0 ? packed : inflateRawSync(packed, { maxOutputLength: most, chunkSize: most })
  } catch (cause) {
    throw new Damage('corrupt_container', `${name}: ${(cause as Error).message}`)
  }
  // First, so that its rows are counted before they are disbelieved.
  yield plain
  check(name, entry, plain.length, crc32(plain))
}

async function* streamed(zip: ZipFile, entry: Entry, name: string): AsyncGenerator<Uint8Array> {
  let sum = 0
  let length = 0
  try {
    for await (const piece of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Uint8Array>) {
      sum = crc32(piece, sum)
      length += piece.length
      yield piece
    }
  } catch (cause) {
    throw new Damage('corrupt_container', `${name}: ${(cause as Error).message}`)
  }
  check(name, entry, length, sum)
}

function check(name: string, entry: Entry, length: number, sum: number): void {
  if (length !== entry.uncompressedSize)
    throw new Damage('corrupt_container', `${name} has ${length} bytes where its container says ${entry.uncompressedSize}`)
  if (sum !== entry.crc32) throw new Damage('corrupt_container', `${name}: its checksum is wrong`)
}
