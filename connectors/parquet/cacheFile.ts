import { type FileHandle, open } from 'node:fs/promises'
import { deserialize, serialize } from 'node:v8'
import { crc32 } from 'node:zlib'
import type { Column, Kind, Schema } from '../../core/batch.ts'
import type { Origin } from './cacheKey.ts'
import type { DayPlan } from './dayPlan.ts'

/**
 * A day's rows as they lie in memory (docs/decisions/column-cache.md):
 *
 *     magic, 16 bytes
 *     chunks of CHUNK_ROWS rows, the last one shorter; in each its columns one after the other, the widest first
 *     contents (v8.serialize)
 *     length and crc32 of the contents, two uint32
 *     magic
 */
const MAGIC = Buffer.from('tickloom-cache-2')
const TAIL = 8 + MAGIC.length

export const CHUNK_ROWS = 65_536
export const FIRST_CHUNK = MAGIC.length

/** What a cache file says of itself. */
export interface CacheContents {
  readonly key: string
  /** What the key is the hash of. */
  readonly origin: Origin
  /** What was read, as it was planned; paths are absolute. */
  readonly day: DayPlan
  readonly rows: number
  /** Names of the instrument ids 0, 1, 2 ... of this file. */
  readonly names: readonly string[]
  /** Checksums of the chunks. */
  readonly checksums: readonly number[]
  /** Rows that making them dropped or remarked on, by step and reason. */
  readonly counts: Readonly<Record<string, number>>
}

/** Why a cache file cannot be used; its rows are then read from the lake. */
export class CacheUnusable extends Error {
  /** It is simply not there. */
  readonly absent: boolean
  constructor(message: string, absent = false) {
    super(message)
    this.absent = absent
  }
}

/** Bytes of a value, as allocate (core/batch.ts) makes columns. */
function widthOf(kind: Kind): 8 | 4 | 1 {
  return kind === 'time' || kind === 'f64' ? 8 : kind === 'bool' ? 1 : 4
}

/** How the columns of a projection lie in a chunk. */
export class ChunkLayout {
  readonly #columns: readonly (readonly [string, Kind])[]
  readonly rowBytes: number

  constructor(projection: Schema) {
    // Whatever a projection calls it, readers call the column of instruments so.
    const columns = Object.entries<Kind>({ ts: 'time', ...projection }).map(([name, kind]) => [kind === 'instrument' ? kind : name, kind] as const)
    this.#columns = [...new Map(columns)].sort(([, a], [, b]) => widthOf(b) - widthOf(a))
    this.rowBytes = this.#columns.reduce((sum, [, kind]) => sum + widthOf(kind), 0)
  }

  /** The columns of a chunk of so many rows that lies at the start of `memory`. */
  views(memory: ArrayBuffer, rows: number): Record<string, Column> {
    const col: Record<string, Column> = {}
    let at = 0
    for (const [name, kind] of this.#columns) {
      const width = widthOf(kind)
      if (width === 8) col[name] = new Float64Array(memory, at, rows)
      else col[name] = width === 4 ? new Int32Array(memory, at, rows) : new Uint8Array(memory, at, rows)
      at += rows * width
    }
    return col
  }
}

export function headOf(): Uint8Array {
  return MAGIC
}

export function endOf(contents: CacheContents): Uint8Array {
  const bytes = serialize(contents)
  const tail = Buffer.alloc(8)
  tail.writeUInt32LE(bytes.length, 0)
  tail.writeUInt32LE(crc32(bytes), 4)
  return Buffer.concat([bytes, tail, MAGIC])
}

/** Opens the file that must have the key. Throws CacheUnusable; then nothing stays open. */
export async function openCache(path: string, key: string): Promise<{ file: FileHandle; contents: CacheContents }> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    const contents = await contentsOf(file)
    if (contents.key !== key) throw new CacheUnusable('it is of another day')
    return { file, contents }
  } catch (cause) {
    await file?.close()
    throw unusable(cause)
  }
}

/** What the file says of itself, whatever its key; its rows are not looked at. Throws CacheUnusable. */
export async function contentsAt(path: string): Promise<CacheContents> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    return await contentsOf(file)
  } catch (cause) {
    throw unusable(cause)
  } finally {
    await file?.close()
  }
}

export function unusable(cause: unknown): CacheUnusable {
  if (cause instanceof CacheUnusable) return cause
  const { code, message } = cause as NodeJS.ErrnoException
  return new CacheUnusable(message, code === 'ENOENT' || code === 'ENOTDIR')
}

async function contentsOf(file: FileHandle): Promise<CacheContents> {
  const { size } = await file.stat()
  if (size < FIRST_CHUNK + TAIL) throw new CacheUnusable('it is too short')
  const tail = Buffer.alloc(TAIL)
  const head = Buffer.alloc(FIRST_CHUNK)
  await readWhole(file, tail, size - TAIL)
  await readWhole(file, head, 0)
  if (!head.equals(MAGIC) || !tail.subarray(8).equals(MAGIC)) throw new CacheUnusable('it is cut off, or of another version')
  const length = tail.readUInt32LE(0)
  if (length > size - FIRST_CHUNK - TAIL) throw new CacheUnusable('its contents are damaged')
  const bytes = Buffer.alloc(length)
  await readWhole(file, bytes, size - TAIL - length)
  if (crc32(bytes) !== tail.readUInt32LE(4)) throw new CacheUnusable('its contents are damaged')
  const contents = deserialize(bytes) as CacheContents
  const { rowBytes } = new ChunkLayout(contents.origin.columns)
  if (size !== FIRST_CHUNK + contents.rows * rowBytes + length + TAIL) throw new CacheUnusable('it has lost rows')
  return contents
}

/** Fills `into` from the file. Throws CacheUnusable when the file ends before. */
export async function readWhole(file: FileHandle, into: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < into.length; ) {
    const { bytesRead } = await file.read(into, at, into.length - at, position + at)
    if (bytesRead === 0) throw new CacheUnusable('it is cut off')
    at += bytesRead
  }
}
