import type { Schema } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import { type CacheContents, openCache, unusable } from './cacheFile.ts'
import { cachePath, touch } from './cacheFolder.ts'
import { type DayKey, dayKeys, type Kept, ticksKept, type Wanted } from './cacheKey.ts'
import { discover } from './layout.ts'
import { nothingPruned, type Plan, planReplay } from './plan.ts'
import { wantsFile } from './prune.ts'

/** A cache of decoded days (docs/decisions/column-cache.md). */
export interface CacheOptions {
  readonly dir: string
  /** The folder is kept below so many bytes. */
  readonly bytes: number
}

/** A day of the plan and its place in the cache. */
export interface CachedDay extends DayKey {
  readonly path: string
  /** It was there when the replay was planned. */
  readonly held: boolean
  /** Of a day held: rows that making it dropped or remarked on. */
  readonly counts: Readonly<Record<string, number>>
}

/** A plan whose days are read from the cache where it has them, and written to it where it has not. Plain data. */
export interface CachedPlan extends Plan {
  readonly cache: CacheOptions & {
    /** When the replay was planned, milliseconds since the epoch. */
    readonly since: number
    readonly days: readonly CachedDay[]
  }
}

/** Told of what nothing depends on, such as a cache file that cannot be used. */
export type Warn = (message: string) => void

/**
 * The plan of planReplay, without opening a file of the lake for the days that the cache holds; of those `pruned` does
 * not tell. Throws what planReplay throws. `warn` is told of cache files that cannot be used.
 */
export async function planCached(
  lake: string,
  wanted: Wanted & { readonly columns: Schema },
  options: CacheOptions,
  warn: Warn,
): Promise<CachedPlan> {
  const { held, cache } = await lookUp(lake, wanted, ticksKept(wanted.columns), options, warn)
  const plan = await planMissing(lake, wanted, cache, (filter) => planReplay(lake, { ...filter, columns: wanted.columns }))
  const days = [...[...held.values()].map(({ day }) => day), ...plan.days].sort((a, b) => (a.date < b.date ? -1 : 1))
  return { ...plan, days, columns: wanted.columns, cache }
}

export interface LookedUp {
  readonly cache: CachedPlan['cache']
  /** What the cache files of the days held say of themselves, by date. */
  readonly held: ReadonlyMap<string, CacheContents>
}

/** Which days of the lake the cache holds; they count as used now. Throws LAKE_MISSING, LAKE_MANIFEST. */
export async function lookUp(lake: string, wanted: Wanted, kept: Kept, { dir, bytes }: CacheOptions, warn: Warn): Promise<LookedUp> {
  const since = Date.now()
  const always = { from: -Infinity, to: Infinity }
  const files = discover(lake).filter((file) => wantsFile(file, wanted, always) === undefined)
  const held = new Map<string, CacheContents>()
  const days: CachedDay[] = []
  for (const key of await dayKeys(lake, files, wanted, kept)) {
    const path = cachePath(dir, key)
    const contents = await contentsOf(path, key, warn)
    days.push({ ...key, path, held: contents !== undefined, counts: contents?.counts ?? {} })
    if (contents === undefined) continue
    held.set(key.date, contents)
    touch(path, since)
  }
  return { held, cache: { dir, bytes, since, days } }
}

/** What the cache file says of itself; undefined when it is not there or cannot be used. */
async function contentsOf(path: string, { key }: DayKey, warn: Warn): Promise<CacheContents | undefined> {
  try {
    const { file, contents } = await openCache(path, key)
    await file.close()
    return contents
  } catch (cause) {
    const { absent, message } = unusable(cause)
    if (!absent) warn(`${path} is not used, ${message}; the day is read from the lake`)
    return undefined
  }
}

/** The plan of the days that the cache does not hold, made by `plan` for a filter from the first of them to the last. */
export async function planMissing<P extends Plan>(
  lake: string,
  wanted: Wanted,
  { days }: CachedPlan['cache'],
  plan: (filter: Wanted) => Promise<P>,
): Promise<P | Plan> {
  const missing = days.filter(({ held }) => !held).map(({ date }) => date)
  const someHeld = missing.length < days.length
  const pruned = nothingPruned()
  const none: Plan = { lake, days: [], pruned, columns: {} }
  if (someHeld && missing.length === 0) return none
  try {
    const planned = await plan(someHeld ? { ...wanted, from: missing[0], to: missing[missing.length - 1] } : wanted)
    return someHeld ? { ...planned, days: planned.days.filter(({ date }) => missing.includes(date)) } : planned
  } catch (thrown) {
    // The days that are left have no row that is wanted.
    if (someHeld && thrown instanceof TickloomError && thrown.code === 'LAKE_EMPTY') return none
    throw thrown
  }
}
