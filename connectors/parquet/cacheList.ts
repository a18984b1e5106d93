import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { messageOf } from '../../core/errors.ts'
import { type CacheContents, contentsAt, unusable } from './cacheFile.ts'
import { type CacheEntry, filesOf, isAbandoned } from './cacheFolder.ts'
import { type CacheKind, dayKeys, type FileState, type Origin } from './cacheKey.ts'
import type { LakeFile } from './lakeFile.ts'
import { discover } from './layout.ts'
import { wantsFile } from './prune.ts'

/** A file of the cache and what it is of. */
export interface CacheLine {
  readonly kind: CacheKind
  readonly path: string
  readonly bytes: number
  /** Milliseconds since the epoch. */
  readonly used: number
  /** What it is of; undefined where it cannot be read, or is still being written. */
  readonly of: Pick<Origin, 'lake' | 'date' | 'columns' | 'filter' | 'settings'> | undefined
  readonly rows: number | undefined
  /** Why no replay will use it; undefined: one may. */
  readonly stale: string | undefined
}

/** The digest of today's code, by what it makes. */
export type CodeOf = (kind: CacheKind) => string

/** Every file of the cache in the folder. Rows are not looked at, so damage among them is not told. */
export async function listCache(dir: string, codeOf: CodeOf): Promise<CacheLine[]> {
  const lakes = new Map<string, LakeFile[] | string>()
  const lines: CacheLine[] = []
  for (const entry of filesOf(dir)) {
    const line = await lineOf(entry, codeOf, lakes)
    if (line !== undefined) lines.push(line)
  }
  return lines.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
}

/** Removes the files; whoever reads one reads on, and whoever writes one loses what he wrote. Throws what the file system does. */
export function clearCache(lines: readonly CacheLine[]): void {
  for (const { path } of lines) rmSync(path, { force: true })
}

function sortKey({ kind, of, path }: CacheLine): string {
  return [kind, of?.lake, of?.date, path].join('\n')
}

/** Undefined when somebody removed the file meanwhile. */
async function lineOf(entry: CacheEntry, codeOf: CodeOf, lakes: Map<string, LakeFile[] | string>): Promise<CacheLine | undefined> {
  const { kind, path, bytes, used } = entry
  const line = { kind, path, bytes, used, of: undefined, rows: undefined, stale: undefined }
  if (entry.temporary) return isAbandoned(entry) ? { ...line, stale: 'half-written: whoever wrote it has stopped' } : line
  let contents: CacheContents
  try {
    contents = await contentsAt(path)
  } catch (cause) {
    const { absent, message } = unusable(cause)
    return absent ? undefined : { ...line, stale: message }
  }
  const { origin, rows } = contents
  return { ...line, of: origin, rows, stale: await whyStale(contents, codeOf(kind), lakes) }
}

/** Why a replay that asked for the same today would not take it. */
async function whyStale({ key, origin }: CacheContents, code: string, lakes: Map<string, LakeFile[] | string>): Promise<string | undefined> {
  if (origin.code !== code) return 'made by another version of the code'
  const { lake, date, zone, filter } = origin
  const found = lakes.get(lake) ?? filesIn(lake)
  lakes.set(lake, found)
  if (typeof found === 'string') return found
  const always = { from: -Infinity, to: Infinity }
  const files = found.filter((file) => file.date === date && wantsFile(file, filter, always) === undefined)
  const [now] = await dayKeys(lake, files, { ...filter, zone }, origin)
  if (now?.key === key) return undefined
  return difference(origin.files, now?.origin.files ?? []) ?? 'made on a machine of another byte order'
}

function filesIn(lake: string): LakeFile[] | string {
  try {
    return discover(lake)
  } catch (cause) {
    return messageOf(cause)
  }
}

function difference(before: readonly FileState[], now: readonly FileState[]): string | undefined {
  const [old, fresh] = [before, now].map((files) => new Map(files.map((file) => [file.path, file])))
  for (const { path, state, told } of before) {
    const today = fresh.get(path)
    if (today === undefined) return `${path} is no longer part of the day`
    if (today.state === 'missing') return `${path} is gone`
    if (today.state !== state) return `${path} has changed`
    if (today.told !== told) return `the manifest says other things of ${path}`
  }
  const added = now.find(({ path }) => !old.has(path))
  return added && `${added.path} was added to the day`
}

/** Whether the line is of the lake. */
export function isOfLake({ of }: CacheLine, lake: string): boolean {
  return of?.lake === resolve(lake)
}
