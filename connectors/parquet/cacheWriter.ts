import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Column, Schema } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import { type CacheContents, CHUNK_ROWS, ChunkLayout, endOf, FIRST_CHUNK, headOf } from './cacheFile.ts'
import type { Chunk } from './chunk.ts'

/** The memory of a chunk being filled, and the writing of the one before it that may still use it. */
interface Slot {
  readonly memory: ArrayBuffer
  readonly col: Record<string, Column>
  writing: Promise<void>
}

/**
 * Writes a day's rows into a temporary neighbour of `path`, which takes its place when all of them are there.
 * Two writers of one path do not disturb each other. Whatever throws: call `abort`.
 */
export class CacheWriter {
  readonly #path: string
  readonly #temporary: string
  readonly #layout: ChunkLayout
  readonly #names: string[] = []
  readonly #checksums: number[] = []
  readonly #slots: readonly Slot[]
  readonly #instruments: Instruments
  #file: FileHandle | undefined
  /** Ids of this file by ids of the process; -1: not met yet. */
  #local = new Int32Array(0)
  #turn = 0
  #filled = 0
  #rows = 0

  constructor(path: string, columns: Schema, instruments: Instruments) {
    this.#path = path
    // No two writers have one name, also not in two containers that share the folder.
    this.#temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
    this.#layout = new ChunkLayout(columns)
    this.#instruments = instruments
    this.#slots = [0, 1].map(() => {
      const memory = new ArrayBuffer(CHUNK_ROWS * this.#layout.rowBytes)
      return { memory, col: this.#layout.views(memory, CHUNK_ROWS), writing: Promise.resolve() }
    })
  }

  async start(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true })
    this.#file = await open(this.#temporary, 'wx')
    await this.#write(headOf(), 0)
  }

  /** Copies the rows of the chunk; waits only where the disk is slower than the reader. */
  async add({ n, col }: Chunk): Promise<void> {
    for (let from = 0; from < n; ) {
      const slot = this.#slots[this.#turn]
      if (this.#filled === 0) await slot.writing
      const to = Math.min(n, from + CHUNK_ROWS - this.#filled)
      for (const name in slot.col) {
        if (name === 'instrument') this.#localize(col[name] as Int32Array, from, to, slot.col[name] as Int32Array, this.#filled)
        else slot.col[name].set(col[name].subarray(from, to), this.#filled)
      }
      this.#filled += to - from
      from = to
      if (this.#filled === CHUNK_ROWS) this.#send(slot, new Uint8Array(slot.memory))
    }
  }

  /** Makes the file appear, whole. Answers its bytes. */
  async commit(about: Pick<CacheContents, 'key' | 'origin' | 'day' | 'counts'>): Promise<number> {
    if (this.#filled > 0) this.#sendRest()
    for (const { writing } of this.#slots) await writing
    const end = endOf({ ...about, rows: this.#rows, names: this.#names, checksums: this.#checksums })
    const at = FIRST_CHUNK + this.#rows * this.#layout.rowBytes
    await this.#write(end, at)
    await this.#file?.sync()
    await rename(this.#temporary, this.#path)
    await this.#file?.close()
    this.#file = undefined
    return at + end.length
  }

  /** Leaves nothing behind. */
  async abort(): Promise<void> {
    await Promise.allSettled(this.#slots.map(({ writing }) => writing))
    // Never begun, or whole.
    if (this.#file === undefined) return
    await this.#file.close()
    this.#file = undefined
    rmSync(this.#temporary, { force: true })
  }

  #localize(from: Int32Array, first: number, end: number, to: Int32Array, at: number): void {
    if (this.#local.length < this.#instruments.size) {
      const grown = new Int32Array(this.#instruments.size * 2).fill(-1)
      grown.set(this.#local)
      this.#local = grown
    }
    const local = this.#local
    for (let i = first, k = at; i < end; i++, k++) {
      const id = from[i]
      let known = local[id]
      if (known < 0) known = local[id] = this.#names.push(this.#instruments.name(id)) - 1
      to[k] = known
    }
  }

  #send(slot: Slot, bytes: Uint8Array): void {
    this.#checksums.push(crc32(bytes))
    slot.writing = this.#write(bytes, FIRST_CHUNK + this.#rows * this.#layout.rowBytes)
    // Until it is awaited, a failure would count as unhandled.
    slot.writing.catch(keep)
    this.#rows += this.#filled
    this.#filled = 0
    this.#turn ^= 1
  }

  /** The last chunk is shorter, so its columns lie closer together. */
  #sendRest(): void {
    const slot = this.#slots[this.#turn]
    const memory = new ArrayBuffer(this.#filled * this.#layout.rowBytes)
    const col = this.#layout.views(memory, this.#filled)
    for (const name in col) col[name].set(slot.col[name].subarray(0, this.#filled))
    this.#send(slot, new Uint8Array(memory))
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    const file = this.#file as FileHandle
    for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten
  }
}

function keep(): void {}
