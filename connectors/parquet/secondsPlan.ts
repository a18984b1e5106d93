import { Second, Trade } from '../../core/market.ts'
import type { Kept, Wanted } from './cacheKey.ts'
import { type CachedPlan, type CacheOptions, lookUp, planCached, planMissing, type Warn } from './cachePlan.ts'
import type { DayPlan } from './dayPlan.ts'
import { type Plan, planReplay } from './plan.ts'

/** How seconds are made of ticks: what their rows depend on beside the ticks. */
export type SecondsKept = Pick<Kept, 'code' | 'settings'>

/** What a replay reads that starts from seconds. Plain data. */
export interface SecondsPlan extends Plan {
  /** The plan of the ticks that seconds are made of, for every day: also one that the cache holds may turn out damaged. */
  readonly ticks: Plan | CachedPlan
  /** Where seconds are kept; undefined: nowhere. */
  readonly cache?: CachedPlan['cache']
}

/**
 * The plan of a replay that starts from seconds. How many rows a day has is known of those that the cache holds.
 * Ticks are taken from the cache where it has them; they are not added to it. Throws what planReplay throws.
 */
export async function planSeconds(
  lake: string,
  wanted: Wanted,
  how: SecondsKept,
  options: CacheOptions | undefined,
  warn: Warn,
): Promise<SecondsPlan> {
  if (options === undefined) {
    const ticks = await planReplay(lake, { ...wanted, columns: Trade })
    return { ...ticks, days: ticks.days.map(uncounted), columns: Second, ticks }
  }
  const { held, cache } = await lookUp(lake, wanted, { kind: 'seconds', columns: Second, ...how }, options, warn)
  const ticks = await planMissing(lake, wanted, cache, (filter) => planCached(lake, { ...filter, columns: Trade }, options, warn))
  const made = ticks.days.map(uncounted)
  const days = [...[...held.values()].map(({ day, rows }) => ({ ...day, rows })), ...made].sort((a, b) => (a.date < b.date ? -1 : 1))
  return { ...ticks, days, columns: Second, cache, ticks: { ...onlyHeld(ticks), days, columns: Trade } }
}

function uncounted(day: DayPlan): DayPlan {
  return { ...day, rows: undefined }
}

/** The plan without places for ticks that are not in the cache yet. */
function onlyHeld(ticks: Plan | CachedPlan): Plan | CachedPlan {
  return 'cache' in ticks ? { ...ticks, cache: { ...ticks.cache, days: ticks.cache.days.filter(({ held }) => held) } } : ticks
}
