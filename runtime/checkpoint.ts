import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { messageOf, TickloomError } from '../core/errors.ts'
import type { Position } from '../core/ports.ts'
import type { SavedArray } from '../core/table.ts'
import type { Section } from './state.ts'

/** Where one partition stands at the end of an epoch. */
export interface Checkpoint {
  readonly topology: string
  readonly epoch: number
  readonly position: Position
  /** The running maximum of event time and the source's watermark, which the cutting of epochs goes on from. */
  readonly maximum: number
  readonly watermark: number
  /** True when the partition has been read to its end. */
  readonly done: boolean
  readonly rowsIn: number
  readonly rowsOut: Readonly<Record<string, number>>
  /** Rows the steps counted, as `step/reason`. */
  readonly counts: Readonly<Record<string, number>>
  readonly sections: readonly Section[]
}

/** The digit is the version of the format; 1 left the header's length out of its checksum, 2 knew neither u16 nor u32. */
const MAGIC = 'TLOOMCP3'
type ArrayKind = 'f64' | 'i32' | 'u32' | 'u16' | 'u8'

/**
 * A checkpoint as bytes: magic, header length, crc32 of all but itself and the magic, a JSON header, then the arrays as they are,
 * each on an 8-byte boundary. Numbers that JSON cannot say (NaN, infinities) are only in arrays or in `times`.
 */
export function encodeCheckpoint(c: Checkpoint): Uint8Array {
  const arrays: SavedArray[] = []
  let offset = 0
  const sections = c.sections.map(({ key, version, json, arrays: named }) => ({
    key,
    version,
    json,
    arrays: Object.entries(named).map(([name, array]) => {
      const at = offset
      arrays.push(array)
      offset = align(at + array.byteLength)
      return { name, kind: kindOf(array), length: array.length, at }
    }),
  }))
  const { maximum, watermark, sections: _, ...rest } = c
  const header = new TextEncoder().encode(JSON.stringify({ ...rest, times: [String(maximum), String(watermark)], sections }))
  const start = align(16 + header.length)
  const bytes = new Uint8Array(start + offset)
  bytes.set(new TextEncoder().encode(MAGIC))
  bytes.set(header, 16)
  let at = start
  for (const array of arrays) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at)
    at += align(array.byteLength)
  }
  const view = new DataView(bytes.buffer)
  view.setUint32(8, header.length, true)
  view.setUint32(12, checksum(bytes), true)
  return bytes
}

/** Throws CHECKPOINT_CORRUPT naming `from` when the bytes are not a whole checkpoint of this version. */
export function decodeCheckpoint(bytes: Uint8Array, from: string): Checkpoint {
  const corrupt = (why: string) => new TickloomError('CHECKPOINT_CORRUPT', `checkpoint ${from} ${why}`, { path: from })
  if (bytes.length < 16 || new TextDecoder().decode(bytes.subarray(0, 8)) !== MAGIC) throw corrupt('is not a checkpoint of this version')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (checksum(bytes) !== view.getUint32(12, true)) throw corrupt('fails its checksum')
  const headerLength = view.getUint32(8, true)
  const { times, sections, ...rest } = JSON.parse(new TextDecoder().decode(bytes.subarray(16, 16 + headerLength))) as EncodedHeader
  const start = align(16 + headerLength)
  return {
    ...rest,
    maximum: Number(times[0]),
    watermark: Number(times[1]),
    sections: sections.map((s) => ({
      ...s,
      arrays: Object.fromEntries(s.arrays.map((a) => [a.name, arrayAt(bytes, start + a.at, a.kind, a.length)])),
    })),
  }
}

/** Replaces the file as a whole: a crash at any moment leaves the old checkpoint or the new one. */
export function writeCheckpoint(path: string, c: Checkpoint): void {
  const temporary = `${path}.tmp`
  try {
    mkdirSync(dirname(path), { recursive: true })
    const file = openSync(temporary, 'w')
    try {
      const bytes = encodeCheckpoint(c)
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
    syncFolder(dirname(path))
  } catch (cause) {
    discard(temporary)
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
      throw new TickloomError('DISK_FULL', `no space left to write the checkpoint ${path}`, { path }, cause)
    throw new TickloomError('OUTPUT_UNWRITABLE', `cannot write the checkpoint ${path}: ${messageOf(cause)}`, { path }, cause)
  }
}

/** Removes what is half written, if anything is: why it is only half written is what the caller wants to know. */
function discard(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // Where it could not be made, it cannot be removed either.
  }
}

/** The checkpoint in the file, or undefined when there is no file. */
export function readCheckpoint(path: string): Checkpoint | undefined {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new TickloomError('CHECKPOINT_CORRUPT', `cannot read the checkpoint ${path}: ${messageOf(cause)}`, { path }, cause)
  }
  return decodeCheckpoint(bytes, path)
}

interface EncodedHeader extends Omit<Checkpoint, 'sections' | 'maximum' | 'watermark'> {
  times: [string, string]
  sections: (Omit<Section, 'arrays'> & { arrays: { name: string; kind: ArrayKind; length: number; at: number }[] })[]
}

/** Of the header's length and everything after the checksum itself. */
function checksum(bytes: Uint8Array): number {
  return crc32(bytes.subarray(16), crc32(bytes.subarray(8, 12)))
}

function align(n: number): number {
  return (n + 7) & ~7
}

function kindOf(array: SavedArray): ArrayKind {
  if (array instanceof Float64Array) return 'f64'
  if (array instanceof Int32Array) return 'i32'
  if (array instanceof Uint32Array) return 'u32'
  return array instanceof Uint16Array ? 'u16' : 'u8'
}

function arrayAt(bytes: Uint8Array, at: number, kind: ArrayKind, length: number): SavedArray {
  const size = { f64: 8, i32: 4, u32: 4, u16: 2, u8: 1 }[kind]
  // Not bytes.slice: of a Buffer, which files are read into, that is a view on the whole file.
  const copy = new Uint8Array(bytes.subarray(at, at + length * size)).buffer
  if (kind === 'f64') return new Float64Array(copy)
  if (kind === 'i32') return new Int32Array(copy)
  if (kind === 'u32') return new Uint32Array(copy)
  return kind === 'u16' ? new Uint16Array(copy) : new Uint8Array(copy)
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
