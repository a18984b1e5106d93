import type { Spilled } from './spill.ts'
import { rowsOf } from './spilledRows.ts'

/** Rows of one Parquet file: what is sorted, and held, at once. */
export const PART_ROWS = 500_000

/** What was spilled for one folder of the lake, by reader in the order of the inputs, to become files. */
export interface WriteTask {
  readonly lake: string
  readonly date: string
  readonly folder: string
  /** Names of the job's files begin with it. */
  readonly job: string
  /** Number of the first of them. */
  readonly part: number
  readonly spilled: readonly (Spilled & { readonly reader: number })[]
  /** File for rows on their way, where there are too many at once. */
  readonly staging: string
  readonly clean: boolean
  readonly partRows?: number
}

/**
 * The task as several that follow each other in time, of at most `partRows` rows as far as one span has no more. Their
 * files' numbers rise with time.
 */
export function partsOf(task: WriteTask): WriteTask[] {
  const most = task.partRows ?? PART_ROWS
  const rowsIn = new Map<number, number>()
  for (const { segments } of task.spilled) for (const { span, rows } of segments) rowsIn.set(span, (rowsIn.get(span) ?? 0) + rows)
  const groups: { readonly spans: Set<number>; rows: number }[] = []
  for (const [span, rows] of [...rowsIn].sort(([a], [b]) => a - b)) {
    const last = groups.at(-1)
    if (last === undefined || last.rows + rows > most) groups.push({ spans: new Set([span]), rows })
    else {
      last.spans.add(span)
      last.rows += rows
    }
  }
  let part = task.part
  return groups.map(({ spans, rows }) => {
    const spilled = task.spilled
      .map((one) => ({ ...one, segments: one.segments.filter(({ span }) => spans.has(span)) }))
      .filter(({ segments }) => segments.length > 0)
    const first = part
    // Two files that follow each other hold more than `most` together, where a span has to be cut.
    part += rows <= most ? 1 : 2 * Math.ceil(rows / most) + 1
    return { ...task, spilled, part: first }
  })
}

export function rowsToWrite({ spilled }: WriteTask): number {
  return spilled.reduce((sum, { segments }) => sum + rowsOf(segments), 0)
}
