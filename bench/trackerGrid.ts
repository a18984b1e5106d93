import { ours, type Profile } from './trackerCandidates.ts'
import type { Figures, Load } from './trackerRun.ts'
import { measure } from './trackerRun.ts'

/** One measurement of the grid: what the load was and what it came to. */
export interface GridPoint extends Pick<Load, 'symbols' | 'updates'> {
  readonly profile: Profile
  /** MB, the highest of the run. */
  readonly rss: number
  /** Percent of one core. */
  readonly cpu: number
  /** After a checkpoint, and the log beside it at the end. */
  readonly fileMb: number
  readonly logMb: number
  readonly writtenGbPerDay: number
}

const points: readonly (readonly [Profile, number, number])[] = [
  ['minimal', 500, 100],
  ['minimal', 2000, 100],
  ['minimal', 2000, 500],
  ['minimal', 2000, 2000],
  ['standard', 500, 500],
  ['standard', 500, 2000],
  ['standard', 2000, 500],
  ['standard', 2000, 2000],
  ['standard', 2000, 5000],
  ['standard', 5000, 2000],
  ['performance', 500, 2000],
  ['performance', 2000, 5000],
  ['performance', 5000, 5000],
  ['performance', 10_000, 500],
  ['performance', 10_000, 2000],
  ['performance', 10_000, 5000],
]

/** Measures the grid, one point after the other, `seconds` each. */
export async function measureGrid(main: string, seconds: number, say: (line: string) => void): Promise<GridPoint[]> {
  const measured: GridPoint[] = []
  for (const [profile, symbols, updates] of points) {
    const point = pointOf(profile, await measure(ours(profile, main), { symbols, updates, seconds }))
    say(JSON.stringify(point))
    measured.push(point)
  }
  return measured
}

function pointOf(profile: Profile, { symbols, updates, rss, cpu, fileMb, checkpointedMb, writtenGbPerDay }: Figures): GridPoint {
  const rounded = (value: number): number => Math.round(value * 1000) / 1000
  return {
    profile,
    symbols,
    updates,
    rss: rounded(rss),
    cpu: rounded(cpu),
    fileMb: rounded(checkpointedMb),
    logMb: rounded(Math.max(0, fileMb - checkpointedMb)),
    writtenGbPerDay: rounded(writtenGbPerDay),
  }
}
