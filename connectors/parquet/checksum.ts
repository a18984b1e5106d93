import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'

const PIECE = 4 << 20

/** The first 128 bits of SHA-256 of a file's bytes, in hex: what the manifest keeps of a file, to tell that it is the one written. */
export function checksumOf(path: string): string {
  const hash = createHash('sha256')
  const piece = Buffer.allocUnsafe(PIECE)
  const descriptor = openSync(path, 'r')
  try {
    for (let n = readSync(descriptor, piece, 0, PIECE, null); n > 0; n = readSync(descriptor, piece, 0, PIECE, null))
      hash.update(piece.subarray(0, n))
  } finally {
    closeSync(descriptor)
  }
  return hash.digest('hex').slice(0, 32)
}
