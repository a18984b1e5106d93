import { createHash } from 'node:crypto'
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { TickloomError } from '../../core/errors.ts'
import { discover } from './layout.ts'
import type { ReplayFilter } from './prune.ts'
import { wantsFile } from './prune.ts'
import { isRecording, recordingsOf } from './recording.ts'

/**
 * What the rows of a lake are told by, without reading them: the first 64 bits, in hex, of SHA-256 over its files in the
 * order of their paths, each by its path below the lake, its size, the bytes of its Parquet footer (rows, statistics and
 * compressed sizes of every row group) and what the manifest tells of it. A copy of the lake elsewhere has the same.
 *
 * With a filter, of the files that it leaves: other days may come without changing it. Whether a file still holds what was
 * written to it, footer aside, is what `tickloom verify` asks. Throws LAKE_MISSING, LAKE_MANIFEST, LAKE_EMPTY, FILE_CORRUPT.
 */
export function lakeFingerprint(lake: string, filter: ReplayFilter = {}): string {
  const files = isRecording(lake) ? recorded(lake) : packed(lake, filter)
  if (files.length === 0) throw new TickloomError('LAKE_EMPTY', `no file of ${lake} is of those days and contracts`, { lake })
  const hash = createHash('sha256')
  for (const { path, told } of files.sort((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(JSON.stringify([relative(lake, path).split(sep).join('/'), told])).update(footerOf(path))
  }
  return hash.digest('hex').slice(0, 16)
}

interface Told {
  readonly path: string
  readonly told: unknown
}

function packed(lake: string, filter: ReplayFilter): Told[] {
  const always = { from: -Infinity, to: Infinity }
  return discover(lake)
    .filter((file) => wantsFile(file, filter, always) === undefined)
    .map(({ path, order, symbol, shares }) => ({ path, told: [order, symbol, shares] }))
}

/** Recordings are in the order of their arrival, which the list of their files says. */
function recorded(lake: string): Told[] {
  return recordingsOf(lake).flatMap(({ date, partition, files }) =>
    files.map((file, i) => ({ path: join(lake, file.path), told: [date, partition, i] })),
  )
}

const MAGIC = 'PAR1'
/** Length of the footer, four bytes, and the magic word. */
const TAIL = 8

function footerOf(path: string): Buffer {
  const corrupt = (why: string): TickloomError => new TickloomError('FILE_CORRUPT', `${path} ${why}`, { file: path })
  if (!existsSync(path)) throw corrupt('is not there')
  const descriptor = openSync(path, 'r')
  try {
    const { size } = fstatSync(descriptor)
    const tail = Buffer.alloc(TAIL)
    if (size < TAIL || readSync(descriptor, tail, 0, TAIL, size - TAIL) < TAIL || tail.toString('latin1', 4) !== MAGIC)
      throw corrupt('does not end as Parquet does')
    const length = tail.readUInt32LE(0)
    if (length > size - TAIL) throw corrupt('has a footer longer than itself')
    const footer = Buffer.alloc(8 + length)
    footer.writeDoubleLE(size, 0)
    readSync(descriptor, footer, 8, length, size - TAIL - length)
    return footer
  } finally {
    closeSync(descriptor)
  }
}
