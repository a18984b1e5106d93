import { crc32 } from 'node:zlib'
import type { Column, Schema } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import { CacheUnusable, CHUNK_ROWS, ChunkLayout, FIRST_CHUNK, openCache, readWhole, unusable } from './cacheFile.ts'
import type { Chunk } from './chunk.ts'
import type { FilePlan } from './dayPlan.ts'

/** The row that reading starts at so that row `from` is among those read: chunks are checked whole. */
export function firstRow(from: number): number {
  return from - (from % CHUNK_ROWS)
}

/**
 * The rows of a cached day from `firstRow(from)` on. A chunk stays valid while the next one is read, not longer.
 * Throws CacheUnusable, before any row of a chunk that is damaged.
 */
export async function* readCache(
  path: string,
  key: string,
  columns: Schema,
  instruments: Instruments,
  from: number,
): AsyncGenerator<Chunk, void, undefined> {
  const layout = new ChunkLayout(columns)
  const { file, contents } = await openCache(path, key)
  try {
    const { rows, checksums } = contents
    announce(contents.day.files, instruments)
    const ids = Int32Array.from(contents.names, (name) => instruments.id(name))
    const foreign = ids.some((id, local) => id !== local)
    const slots = [0, 1].map(() => new Slot(layout))
    for (let first = firstRow(from), turn = 0; first < rows; first += CHUNK_ROWS, turn ^= 1) {
      const n = Math.min(CHUNK_ROWS, rows - first)
      const bytes = slots[turn].bytes.subarray(0, n * layout.rowBytes)
      await readWhole(file, bytes, FIRST_CHUNK + first * layout.rowBytes)
      if (crc32(bytes) !== checksums[first / CHUNK_ROWS]) throw new CacheUnusable(`its rows from ${first} on are damaged`)
      const col = slots[turn].columns(n)
      if (foreign && 'instrument' in col) translate(col['instrument'] as Int32Array, ids, n)
      yield { n, col }
    }
  } catch (cause) {
    throw unusable(cause)
  } finally {
    await file.close()
  }
}

/** Gives instruments their ids in the order in which reading the files does. */
function announce(files: readonly FilePlan[], instruments: Instruments): void {
  for (const { instrument } of files) {
    if (instrument.kind === 'constant') instruments.id(instrument.name)
    else if (instrument.kind === 'names') for (const name of instrument.names) instruments.id(name)
  }
}

function translate(column: Int32Array, ids: Int32Array, n: number): void {
  for (let i = 0; i < n; i++) column[i] = ids[column[i]]
}

/** The memory of one chunk, with the views of a whole one made once. */
class Slot {
  readonly bytes: Uint8Array
  readonly #layout: ChunkLayout
  readonly #memory: ArrayBuffer
  readonly #whole: Record<string, Column>

  constructor(layout: ChunkLayout) {
    this.#layout = layout
    this.#memory = new ArrayBuffer(CHUNK_ROWS * layout.rowBytes)
    this.bytes = new Uint8Array(this.#memory)
    this.#whole = layout.views(this.#memory, CHUNK_ROWS)
  }

  columns(n: number): Record<string, Column> {
    return n === CHUNK_ROWS ? this.#whole : this.#layout.views(this.#memory, n)
  }
}
