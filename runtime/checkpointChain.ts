import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompressSync } from 'node:zlib'
import { messageOf, TickloomError } from '../core/errors.ts'
import type { SavedCheckpoint } from '../core/ports.ts'
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts'
import { applySections, diffSections } from './sectionDiff.ts'
import type { Section } from './state.ts'

const compress = promisify(zstdCompress)
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** Differences after which a full checkpoint is due, whatever their size. */
const MOST_DIFFERENCES = 60

/**
 * The checkpoints of one partition as they are kept: a full one now and then, and between two of them what changed,
 * compressed. A full one is due when the differences since the last have grown larger than it is, when their number
 * has, or when the graph's sections are others.
 *
 * `encode` must have resolved before it is called again.
 */
export class CheckpointChain {
  #sections: readonly Section[] | undefined
  #fullBytes = 0
  #differenceBytes = 0
  #differences = 0

  /** Starts after what `decode` gave back, so that the next checkpoint may be a difference; a full one otherwise. */
  constructor(last?: { readonly checkpoint: Checkpoint; readonly kept: readonly SavedCheckpoint[] }) {
    if (last === undefined || last.checkpoint.sections.length === 0) return
    this.#sections = last.checkpoint.sections
    this.#fullBytes = last.kept[0].bytes.length
    this.#differences = last.kept.length - 1
    this.#differenceBytes = last.kept.slice(1).reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  async encode(checkpoint: Checkpoint): Promise<SavedCheckpoint> {
    const before = this.#sections
    const full = before === undefined || this.#due() || !sameKeys(before, checkpoint.sections)
    const sections = full ? checkpoint.sections : diffSections(before, checkpoint.sections)
    const bytes = await compress(encodeCheckpoint({ ...checkpoint, sections }), FAST)
    this.#sections = checkpoint.sections
    this.#fullBytes = full ? bytes.length : this.#fullBytes
    this.#differences = full ? 0 : this.#differences + 1
    this.#differenceBytes = full ? 0 : this.#differenceBytes + bytes.length
    return { full, bytes }
  }

  #due(): boolean {
    return this.#differences >= MOST_DIFFERENCES || this.#differenceBytes > this.#fullBytes
  }
}

/** The checkpoint that a full one and the differences after it amount to; undefined of nothing. Throws CHECKPOINT_CORRUPT naming `from`. */
export function decodeChain(kept: readonly SavedCheckpoint[], from: string): Checkpoint | undefined {
  let checkpoint: Checkpoint | undefined
  for (const { full, bytes } of kept) {
    const next = decodeCheckpoint(decompress(bytes, from), from)
    if (!full && checkpoint === undefined)
      throw new TickloomError('CHECKPOINT_CORRUPT', `checkpoint ${from} starts with a difference`, { path: from })
    checkpoint = full || checkpoint === undefined ? next : { ...next, sections: applySections(checkpoint.sections, next.sections) }
  }
  return checkpoint
}

function decompress(bytes: Uint8Array, from: string): Uint8Array {
  try {
    return zstdDecompressSync(bytes)
  } catch (cause) {
    throw new TickloomError('CHECKPOINT_CORRUPT', `checkpoint ${from} cannot be decompressed: ${messageOf(cause)}`, { path: from }, cause)
  }
}

function sameKeys(a: readonly Section[], b: readonly Section[]): boolean {
  return a.length === b.length && a.every(({ key, version }, i) => key === b[i].key && version === b[i].version)
}
