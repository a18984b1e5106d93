import { type Dirent, readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { type CacheKind, type DayKey, KINDS } from './cacheKey.ts'

const OURS = /^\d{4}-\d\d-\d\d-[0-9a-f]{40}\.columns(\.[0-9a-f]+\.tmp)?$/
/** Milliseconds after which a temporary file that nobody writes to is a dead process's leftover. */
const ABANDONED = 3_600_000

/** Where the cache keeps the day. */
export function cachePath(dir: string, { date, key, origin }: DayKey): string {
  return join(dir, origin.kind, `${date}-${key.slice(0, 40)}.columns`)
}

/** Notes that a file of the cache is in use by the replay that began at `since`: its time is when it was last used. */
export function touch(path: string, since: number): void {
  try {
    utimesSync(path, since / 1000, since / 1000)
  } catch {
    // A cache that others keep and this user may only read serves as well; or the file is gone, which reading will tell.
  }
}

/**
 * Removes what was not used for longest until the folder is below the limit; answers whether it is. What was used since
 * the replay began stays, so that a replay of more days than fit has the same ones cached each time. `need` is what is
 * about to be written, beside what others are writing; without it only files that are finished count.
 */
export function makeRoom(dir: string, limit: number, since: number, need?: number): boolean {
  const files = filesOf(dir).sort((a, b) => a.used - b.used)
  for (const file of files) if (isAbandoned(file)) rmSync(file.path, { force: true })
  const counted = files.filter((file) => !file.temporary || (need !== undefined && !isAbandoned(file)))
  let free = limit - (need ?? 0) - counted.reduce((sum, { bytes }) => sum + bytes, 0)
  for (const { path, bytes, used, temporary } of counted) {
    if (free >= 0) break
    if (temporary || used >= since) continue
    rmSync(path, { force: true })
    free += bytes
  }
  return free >= 0
}

/** A file of the cache, as the file system tells of it. */
export interface CacheEntry {
  readonly kind: CacheKind
  readonly path: string
  readonly bytes: number
  /** Milliseconds since the epoch: when it was last used, or written to. */
  readonly used: number
  /** It is being written, or whoever wrote it died. */
  readonly temporary: boolean
}

/** The files of the cache; none of others that lie beside them. */
export function filesOf(dir: string): CacheEntry[] {
  return KINDS.flatMap((kind) => {
    const folder = join(dir, kind)
    return entriesOf(folder).flatMap((entry) => {
      const path = join(folder, entry.name)
      // Another process may remove it meanwhile.
      const stat = entry.isFile() && OURS.test(entry.name) ? statSync(path, { throwIfNoEntry: false }) : undefined
      return stat === undefined ? [] : [{ kind, path, bytes: stat.size, used: Math.round(stat.mtimeMs), temporary: entry.name.endsWith('.tmp') }]
    })
  })
}

/** Whether nobody writes to it any more. */
export function isAbandoned({ temporary, used }: CacheEntry): boolean {
  return temporary && used < Date.now() - ABANDONED
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw cause
  }
}
