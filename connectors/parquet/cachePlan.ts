import type { Schema } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import type { Zone } from '../../core/time.ts'
import { ChunkLayout, openCache, unusable } from './cacheFile.ts'
import { cachePath, touch } from './cacheFolder.ts'
import { type DayKey, dayKeys } from './cacheKey.ts'
import { discover } from './layout.ts'
import { type DayPlan, type Plan, planReplay } from './plan.ts'
import { type ReplayFilter, wantsFile } from './prune.ts'

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
}

/** A plan whose days are read from the cache where it has them, and written to it where it has not. Plain data. */
export interface CachedPlan extends Plan {
  readonly cache: CacheOptions & {
    /** When the replay was planned, milliseconds since the epoch. */
    readonly since: number
    readonly days: readonly CachedDay[]
  }
}

/**
 * The plan of planReplay, without opening a file of the lake for the days that the cache holds; of those `pruned` does
 * not tell. Throws what planReplay throws. `warn` is told of cache files that cannot be used.
 */
export async function planCached(
  lake: string,
  filter: ReplayFilter & { readonly columns: Schema; readonly zone?: Zone },
  { dir, bytes }: CacheOptions,
  warn: (message: string) => void,
): Promise<CachedPlan> {
  const since = Date.now()
  const always = { from: -Infinity, to: Infinity }
  const keys = await dayKeys(
    discover(lake).filter((file) => wantsFile(file, filter, always) === undefined),
    filter,
  )
  const layout = new ChunkLayout(filter.columns)
  const held = new Map<string, DayPlan>()
  for (const key of keys) {
    const day = await dayOf(cachePath(dir, key), key, layout, warn)
    if (day === undefined) continue
    held.set(key.date, day)
    touch(cachePath(dir, key), since)
  }
  const missing = keys.map(({ date }) => date).filter((date) => !held.has(date))
  const planned = await planMissing(lake, filter, missing, held.size > 0)
  const days = [...held.values(), ...planned.days.filter(({ date }) => !held.has(date))].sort((a, b) => (a.date < b.date ? -1 : 1))
  const places = keys.map((key) => ({ ...key, path: cachePath(dir, key), held: held.has(key.date) }))
  return { ...planned, days, cache: { dir, bytes, since, days: places } }
}

/** The plan of a day as its cache file has it; undefined when the file is not there or cannot be used. */
async function dayOf(path: string, { key }: DayKey, layout: ChunkLayout, warn: (message: string) => void): Promise<DayPlan | undefined> {
  try {
    const { file, contents } = await openCache(path, key, layout)
    await file.close()
    return contents.day
  } catch (cause) {
    const { absent, message } = unusable(cause)
    if (!absent) warn(`${path} is not used, ${message}; the day is read from the lake`)
    return undefined
  }
}

async function planMissing(
  lake: string,
  filter: ReplayFilter & { readonly columns: Schema; readonly zone?: Zone },
  missing: readonly string[],
  someHeld: boolean,
): Promise<Plan> {
  const none: Plan = {
    lake,
    days: [],
    pruned: { date: 0, symbol: 0, expiry: 0, strike: 0, type: 0, time: 0, groups: 0, groupsBy: {}, rows: 0 },
    columns: filter.columns,
  }
  if (someHeld && missing.length === 0) return none
  try {
    return await planReplay(lake, someHeld ? { ...filter, from: missing[0], to: missing[missing.length - 1] } : filter)
  } catch (thrown) {
    // The days that are left have no row that is wanted.
    if (someHeld && thrown instanceof TickloomError && thrown.code === 'LAKE_EMPTY') return none
    throw thrown
  }
}
