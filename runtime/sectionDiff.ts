import type { SavedArray } from '../core/table.ts'
import type { Section } from './state.ts'

/** Bytes that are compared, and sent, as one. */
const BLOCK = 4096

/** What a section's difference holds instead of the JSON that did not change. */
const SAME = { same: true } as const

/**
 * The sections of `after` as differences from those of `before`, which have the same keys in the same order.
 *
 *     json      { same: true } when it is the same, else { json }
 *     array x   nothing when it is the same; `x` whole when its length changed;
 *               else `x@at`, the numbers of the 4 KiB blocks that changed, and `x@bytes`, those blocks
 */
export function diffSections(before: readonly Section[], after: readonly Section[]): Section[] {
  return after.map(({ key, version, json, arrays }, i) => {
    const old = before[i]
    const changed: Record<string, SavedArray> = {}
    for (const name in arrays) diffArray(name, old.arrays[name], arrays[name], changed)
    return { key, version, json: sameJson(old.json, json) ? SAME : { json }, arrays: changed }
  })
}

/** The `after` that `diffSections(before, after)` was made of. Its arrays are those of `before`, written into: nobody may need `before` any more. */
export function applySections(before: readonly Section[], difference: readonly Section[]): Section[] {
  return difference.map(({ key, version, json, arrays }, i) => {
    const whole: Record<string, SavedArray> = { ...before[i].arrays }
    for (const name in arrays) if (!name.includes('@')) whole[name] = arrays[name]
    for (const name in before[i].arrays) if (`${name}@at` in arrays) patch(whole[name], arrays[`${name}@at`], arrays[`${name}@bytes`])
    const { same } = json as { same?: true }
    return { key, version, json: same ? before[i].json : (json as { json: unknown }).json, arrays: whole }
  })
}

function diffArray(name: string, before: SavedArray | undefined, after: SavedArray, into: Record<string, SavedArray>): void {
  if (before?.length !== after.length || before.constructor !== after.constructor) {
    into[name] = after
    return
  }
  const [a, b] = [bytesOf(before), bytesOf(after)]
  if (a.equals(b)) return
  const blocks: number[] = []
  for (let at = 0; at < b.length; at += BLOCK) {
    if (a.compare(b, at, Math.min(b.length, at + BLOCK), at, Math.min(a.length, at + BLOCK)) !== 0) blocks.push(at / BLOCK)
  }
  const bytes = new Uint8Array(blocks.length * BLOCK)
  blocks.forEach((block, i) => {
    bytes.set(b.subarray(block * BLOCK, (block + 1) * BLOCK), i * BLOCK)
  })
  into[`${name}@at`] = Int32Array.from(blocks)
  into[`${name}@bytes`] = bytes
}

function patch(array: SavedArray, blocks: SavedArray, bytes: SavedArray): void {
  const to = bytesOf(array)
  for (let i = 0; i < blocks.length; i++) {
    const at = blocks[i] * BLOCK
    to.set(bytesOf(bytes).subarray(i * BLOCK, i * BLOCK + Math.min(BLOCK, to.length - at)), at)
  }
}

function bytesOf(array: SavedArray): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength)
}

/** Long lists of names are the usual case, and the same strings: told without making text of them. */
function sameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => sameJson(item, b[i]))
  return a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b))
}
