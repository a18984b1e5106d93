import { createReadStream, createWriteStream, mkdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'
import { failureOf } from '../parquet/atomic.ts'
import { damageOf, type Found, HEAD, isUnreadable, kindOf, type Member, peek, type Unreadable } from './container.ts'
import { Damage } from './reasons.ts'
import { sevenZipMembers } from './sevenZip.ts'
import { type Bytes, bytesOfFile, bytesOfMemory, type Share, type ZipMember, zipMembers } from './zip.ts'

/** An archive inside an archive up to this size is kept in memory, a larger one as it is (still packed) in the staging folder. */
const IN_MEMORY = 32 << 20
const PIECE = 1 << 20
/** The largest Parquet file, or archive in an archive, that is put into the staging folder: the others' room, and what a bomb may take. */
const SPOOLED = 8 * 2 ** 30

export interface InputFile extends Share {
  readonly path: string
  readonly size: number
  /** A folder for what has to be read from its end and lies inside a compressed archive: Parquet files and archives, one at a time. */
  readonly staging: string
}

/**
 * The files of data in an input, whatever it is packed in, in the order they lie there. `onBytes` is told how many bytes
 * of the input were read. Read a member to its end, or leave it, before asking for the next.
 */
export async function* inputMembers(input: InputFile, onBytes: (bytes: number) => void): AsyncGenerator<Found> {
  const { path, size } = input
  const name = basename(path)
  const file = bytesOfFile(path, size)
  try {
    const head = new Uint8Array(HEAD)
    const kind = kindOf(head.subarray(0, file.read(head, 0)))
    if (kind === 'zip') yield* fromZip(counted(file, onBytes), name, '', input)
    // Only a zip can be shared out.
    else if (input.part > 0) return
    else if (kind === 'parquet') {
      yield { name, parquet: path }
      onBytes(size)
    } else if (kind === '7z') {
      onBytes(size)
      for await (const entry of sevenZipMembers(path, name)) yield* inside(entry, '', input)
    } else yield* inside({ name, pieces: fileStream(path, onBytes) }, '', input)
  } finally {
    file.close()
  }
}

async function* fileStream(path: string, onBytes: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const piece of createReadStream(path, { highWaterMark: PIECE }) as AsyncIterable<Uint8Array>) {
    onBytes(piece.length)
    yield piece
  }
}

function counted(bytes: Bytes, onBytes: (bytes: number) => void): Bytes {
  return {
    ...bytes,
    read(into, at) {
      const got = bytes.read(into, at)
      onBytes(got)
      return got
    },
  }
}

async function* fromZip(bytes: Bytes, name: string, within: string, input: InputFile): AsyncGenerator<Found> {
  const share = within === '' ? input : { part: 0, parts: 1 }
  for await (const entry of zipMembers(bytes, name, share)) yield* inside(entry, within, input)
}

/** What a member holds: itself, or, when it is a container, what is in that. */
async function* inside(entry: Member | ZipMember | Unreadable, within: string, input: InputFile): AsyncGenerator<Found> {
  const name = within + entry.name
  if (isUnreadable(entry)) return yield { name, damage: entry.damage }
  if ('stored' in entry && /\.zip$/i.test(entry.name)) {
    const stored = await entry.stored().catch(() => undefined)
    if (stored !== undefined) return yield* fromZip(stored, name, `${name}!`, input)
  }
  const { head, whole } = await peek(entry.pieces, HEAD)
  const kind = kindOf(head)
  if (kind === 'plain') yield { name, pieces: whole }
  else if (kind === 'gzip')
    yield* inside({ name: entry.name.replace(/\.gz$/i, '').replace(/\.tgz$/i, '.tar'), pieces: gunzipped(whole, name) }, within, input)
  else if (kind === 'tar') yield* fromTar(whole, name, input)
  else yield* spooled(whole, name, kind, input)
}

async function* gunzipped(pieces: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const source = Readable.from(pieces)
  const gunzip = createGunzip({ chunkSize: PIECE })
  source.on('error', (cause) => gunzip.destroy(cause))
  source.pipe(gunzip)
  try {
    yield* gunzip as AsyncIterable<Uint8Array>
  } catch (cause) {
    throw damageOf(cause, name)
  } finally {
    source.destroy()
    gunzip.destroy()
  }
}

async function* fromTar(pieces: AsyncIterable<Uint8Array>, name: string, input: InputFile): AsyncGenerator<Found> {
  const source = Readable.from(pieces)
  const tar = extract()
  source.on('error', (cause) => tar.destroy(cause))
  source.pipe(tar)
  let last = ''
  try {
    for await (const entry of tar) {
      last = entry.header.name
      if (entry.header.type === 'file')
        yield* inside({ name: last, pieces: entryPieces(entry as unknown as AsyncIterable<Uint8Array>, last) }, `${name}!`, input)
      entry.resume()
    }
  } catch (cause) {
    yield { name: `${name}!`, damage: damageOf(cause, last === '' ? name : `${name} after ${last}`) }
  } finally {
    source.destroy()
  }
}

async function* entryPieces(entry: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  try {
    yield* entry
  } catch (cause) {
    throw damageOf(cause, name)
  }
}

/** An archive whose directory is at its end, or a Parquet file, that came as a stream. */
async function* spooled(pieces: AsyncIterable<Uint8Array>, name: string, kind: 'zip' | '7z' | 'parquet', input: InputFile): AsyncGenerator<Found> {
  const path = join(input.staging, `inner-${process.pid}-${++spools}.${kind}`)
  let bytes: Bytes | undefined
  try {
    const { head, whole, failed } = await peek(pieces, IN_MEMORY)
    if (failed !== undefined) throw failed
    if (kind === 'zip' && head.length < IN_MEMORY) bytes = bytesOfMemory(head)
    else {
      mkdirSync(input.staging, { recursive: true })
      let size = 0
      await pipeline(async function* () {
        for await (const piece of whole) {
          size += piece.length
          if (size > SPOOLED) throw new Damage('unreadable_container', `${name} is larger than ${SPOOLED / 2 ** 30} GB: take it out of its archive`)
          yield piece
        }
      }, createWriteStream(path))
      if (kind === 'zip') bytes = bytesOfFile(path, size)
    }
  } catch (cause) {
    rmSync(path, { force: true })
    // A disk that is full is no fault of the input.
    if ((cause as NodeJS.ErrnoException).syscall !== undefined) throw failureOf(path, cause)
    return yield { name, damage: damageOf(cause, name) }
  }
  try {
    if (kind === 'parquet') yield { name, parquet: path }
    else if (bytes !== undefined) yield* fromZip(bytes, name, `${name}!`, input)
    else for await (const entry of sevenZipMembers(path, name)) yield* inside(entry, `${name}!`, input)
  } finally {
    bytes?.close()
    rmSync(path, { force: true })
  }
}

let spools = 0
