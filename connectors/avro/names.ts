import { TickloomError } from '../../core/errors.ts'
import type { Instruments } from '../../core/instruments.ts'
import { HEARTBEAT } from '../../core/market.ts'
import type { Cursor } from './cursor.ts'

/** A contract's name is 30 bytes; nobody's is longer than this. */
const LONGEST = 128

/**
 * Names as they stand in records, to ids, without making a string of them: a hash over the bytes and a comparison. Only
 * names that `Instruments` takes are kept, and no more than `most`.
 */
export class NameTable {
  readonly #instruments: Instruments
  readonly #most: number
  // A guess of who sends names must not tell which of them collide.
  readonly #seed = (Math.random() * 0x100000000) | 0
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  /** Number of the entry plus one; 0 is free. The length is a power of two, at least twice the entries. */
  #slots = new Int32Array(2048)
  #hashes = new Int32Array(1024)
  #ids = new Int32Array(1024)
  #starts = new Int32Array(1025)
  #n = 0
  #bytes = new Uint8Array(32_768)
  #view = new DataView(this.#bytes.buffer)

  constructor(instruments: Instruments, most: number) {
    this.#instruments = instruments
    this.#most = most
  }

  get size(): number {
    return this.#n
  }

  /** The id of the `length` bytes at the cursor, or -1 where they name no instrument. Does not move the cursor. */
  find(cursor: Cursor, length: number): number {
    const hash = this.#hash(cursor, length)
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] - 1
      if (entry < 0) return this.#add(cursor, length, hash)
      if (this.#hashes[entry] === hash && this.#same(entry, cursor, length)) return this.#ids[entry]
    }
  }

  /** Four bytes at a time, the last four once more where the length is no multiple of four. */
  #hash({ view, bytes, pos }: Cursor, length: number): number {
    let hash = this.#seed ^ length
    if (length >= 4) {
      const last = pos + length - 4
      for (let p = pos; p < last; p += 4) hash = mix(hash, view.getInt32(p, true))
      hash = mix(hash, view.getInt32(last, true))
    } else {
      for (let p = pos; p < pos + length; p++) hash = mix(hash, bytes[p])
    }
    return hash ^ (hash >>> 15)
  }

  #same(entry: number, { view, bytes, pos }: Cursor, length: number): boolean {
    const start = this.#starts[entry]
    if (this.#starts[entry + 1] - start !== length) return false
    if (length < 4) {
      for (let i = 0; i < length; i++) if (this.#bytes[start + i] !== bytes[pos + i]) return false
      return true
    }
    const last = length - 4
    for (let i = 0; i < last; i += 4) if (this.#view.getInt32(start + i, true) !== view.getInt32(pos + i, true)) return false
    return this.#view.getInt32(start + last, true) === view.getInt32(pos + last, true)
  }

  #add(cursor: Cursor, length: number, hash: number): number {
    if (length > LONGEST || this.#n >= this.#most) return -1
    const bytes = cursor.bytes.subarray(cursor.pos, cursor.pos + length)
    const id = this.#idOf(bytes)
    if (id < 0) return -1
    this.#reserve(length)
    const entry = this.#n++
    this.#bytes.set(bytes, this.#starts[entry])
    this.#starts[entry + 1] = this.#starts[entry] + length
    this.#hashes[entry] = hash
    this.#ids[entry] = id
    this.#place(entry)
    return id
  }

  #idOf(bytes: Uint8Array): number {
    try {
      const name = this.#utf8.decode(bytes)
      return name === HEARTBEAT ? -1 : this.#instruments.id(name)
    } catch (failure) {
      // TypeError: not UTF-8.
      if (failure instanceof TypeError || (failure instanceof TickloomError && failure.code === 'INSTRUMENT_INVALID')) return -1
      throw failure
    }
  }

  #place(entry: number): void {
    const mask = this.#slots.length - 1
    let slot = this.#hashes[entry] & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = entry + 1
  }

  #reserve(length: number): void {
    if (this.#starts[this.#n] + length > this.#bytes.length) {
      this.#bytes = grown(this.#bytes, new Uint8Array(this.#bytes.length * 2))
      this.#view = new DataView(this.#bytes.buffer)
    }
    if (this.#n < this.#ids.length) return
    this.#ids = grown(this.#ids, new Int32Array(this.#n * 2))
    this.#hashes = grown(this.#hashes, new Int32Array(this.#n * 2))
    this.#starts = grown(this.#starts, new Int32Array(this.#n * 2 + 1))
    this.#slots = new Int32Array(this.#n * 4)
    for (let entry = 0; entry < this.#n; entry++) this.#place(entry)
  }
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1)
  return mixed ^ (mixed >>> 15)
}

function grown<T extends Uint8Array | Int32Array>(from: T, to: T): T {
  to.set(from)
  return to
}
