import { createHash } from 'node:crypto'
import { SECONDS } from '../topologies/seconds/fromTicks.ts'
import { planOf, type ReplayPlan } from './replayPorts.ts'
import type { SweepJob } from './sweepJob.ts'
import { replayOptionsOf, type Sweep } from './sweepSpec.ts'

/** Sets of a job at most: what a process keeps in memory at once. */
export const MOST_SETS_A_JOB = 250

/** Sets that read the same rows, in pieces of a job each, and what they read. */
interface Group {
  readonly plan: ReplayPlan
  readonly chunks: readonly (readonly number[])[]
}

export interface SweepPlan {
  /** Trading days that the lake has, in order. */
  readonly dates: readonly string[]
  /** Rows of each of them, where known. */
  readonly rows: ReadonlyMap<string, number | undefined>
  readonly jobs: readonly SweepJob[]
  /** What a job reads: its day alone. */
  planOf(job: SweepJob): ReplayPlan
}

/**
 * Days times pieces of the grid. `atOnce`: pieces are made smaller where days alone would not keep so many workers busy.
 * Sets that make their seconds of ticks in different ways read different rows, so are in different jobs.
 * Reads no row but those of spots, of a topology that says by them what else it reads: then what any set needs is read.
 * Throws what planReplay throws.
 */
export async function planSweep(
  sweep: Sweep,
  name: string,
  { atOnce, most = MOST_SETS_A_JOB }: { atOnce: number; most?: number },
): Promise<SweepPlan> {
  const numbers = sweep.sets.map((_, i) => i)
  const alike = [...Map.groupBy(numbers, (i) => JSON.stringify(sweep.sets[i][SECONDS] ?? null)).values()]
  const plans: ReplayPlan[] = []
  for (const sets of alike) {
    const params = sets.map((set) => sweep.sets[set])
    plans.push(await planOf(replayOptionsOf(sweep.spec), sweep.topology, params[0], params))
  }
  const { days } = plans[0]
  const size = Math.min(most, Math.ceil(numbers.length / Math.ceil(atOnce / days.length)))
  const groups = alike.map((sets, i): Group => ({ plan: plans[i], chunks: chunksOf(sets, size) }))
  const groupOf = new Map(groups.flatMap((group) => group.chunks.flatMap((chunk) => chunk.map((set) => [set, group] as const))))
  return {
    dates: days.map(({ date }) => date),
    rows: new Map(days.map(({ date, rows }) => [date, rows])),
    jobs: days.flatMap(({ date }) => groups.flatMap(({ chunks }) => chunks.map((sets) => ({ id: jobId(name, date, sets), date, sets })))),
    planOf: ({ date, sets }) => ofDay((groupOf.get(sets[0]) as Group).plan, date),
  }
}

/** One name for one day and those sets, of one sweep. */
function jobId(name: string, date: string, sets: readonly number[]): string {
  const [first, last] = [sets[0], sets[sets.length - 1]]
  const together = last - first + 1 === sets.length
  return `${name}/${date}/${together ? `${first}-${last}` : createHash('sha256').update(sets.join()).digest('hex').slice(0, 16)}`
}

function chunksOf(sets: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(sets.length / size) }, (_, i) => sets.slice(i * size, (i + 1) * size))
}

/** The jobs without those sets that have an answer for their day. */
export function without(name: string, jobs: readonly SweepJob[], done: (date: string, set: number) => boolean): SweepJob[] {
  return jobs.flatMap(({ date, sets: all }) => {
    const sets = all.filter((set) => !done(date, set))
    return sets.length === 0 ? [] : [{ id: jobId(name, date, sets), date, sets }]
  })
}

/** The plan of one of its days: a plan of years is long, and a job takes its own along. */
export function ofDay<P extends ReplayPlan>(plan: P, day: string): P {
  const kept = <D extends { readonly date: string }>(days: readonly D[]): D[] => days.filter(({ date }) => date === day)
  return {
    ...plan,
    days: kept(plan.days),
    ...('cache' in plan && plan.cache !== undefined ? { cache: { ...plan.cache, days: kept(plan.cache.days) } } : {}),
    ...('ticks' in plan ? { ticks: ofDay(plan.ticks, day) } : {}),
  }
}
