import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { TickloomError } from '../../core/errors.ts'

/** Bytes at either end of a file that go into its identity: a zip has its directory there. */
const END = 64 << 10

/** What an input was when it was read. */
export interface InputIdentity {
  /** Absolute. */
  readonly path: string
  readonly size: number
  readonly mtime: number
  /** SHA-256 of its first and its last bytes. */
  readonly sha: string
}

/** Throws INPUT_UNREADABLE where there is no such file. */
export function identify(path: string): InputIdentity {
  try {
    const { size, mtimeMs } = statSync(path)
    const hash = createHash('sha256')
    const descriptor = openSync(path, 'r')
    try {
      const bytes = Buffer.alloc(Math.min(END, size))
      hash.update(bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0)))
      hash.update(bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, size - bytes.length)))
    } finally {
      closeSync(descriptor)
    }
    return { path: resolve(path), size, mtime: mtimeMs, sha: hash.digest('hex') }
  } catch (cause) {
    throw new TickloomError('INPUT_UNREADABLE', `${path} cannot be read: ${(cause as Error).message}`, { file: path }, cause)
  }
}

export function sameInput(a: InputIdentity, b: InputIdentity): boolean {
  return a.path === b.path && a.size === b.size && a.mtime === b.mtime && a.sha === b.sha
}

/** A name for a set of inputs read in one way. */
export function jobOf(inputs: readonly InputIdentity[], options: unknown): string {
  const hash = createHash('sha256').update(JSON.stringify(options))
  for (const { path, size, mtime, sha } of inputs) hash.update(JSON.stringify([path, size, mtime, sha]))
  return hash.digest('hex').slice(0, 12)
}
