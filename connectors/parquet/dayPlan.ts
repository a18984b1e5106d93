import type { ColumnPlan, Conditions, InstrumentPlan } from './columns.ts'
import type { ReplayFilter } from './prune.ts'

/** One file to be read, as data: what a reader needs to know and nothing else. */
export interface FilePlan {
  readonly path: string
  /** Rows that will be read; undefined when a condition inside the file decides. */
  readonly rows: number | undefined
  /** Rows the file holds. */
  readonly fileRows: number
  readonly groups: number
  readonly groupsRead: number
  readonly columns: readonly ColumnPlan[]
  readonly instrument: InstrumentPlan
  readonly where: Conditions
  /** Its rows must never fall in time. */
  readonly sorted: boolean
  /** Where it stands among files with rows of the same time: spot first, then by name. */
  readonly rank: string
}

export interface DayPlan {
  /** The partition's name: the date; of a recording the date and the partition recorded, `2025-01-06.p0`. */
  readonly date: string
  readonly files: readonly FilePlan[]
  readonly rows: number | undefined
  /** Of a recording: its files are one stream, in their order. */
  readonly recorded?: RecordedDay
}

/** What a partition of a replay reads of a recording, as data. */
export interface RecordedDay {
  readonly date: string
  readonly partition: string
  /** Which rows are wanted; heartbeats always are. */
  readonly filter: ReplayFilter
  /** Conditions leave rows out. */
  readonly limited: boolean
}

export type RecordedPlan = DayPlan & { readonly recorded: RecordedDay }

export function isRecorded(day: DayPlan): day is RecordedPlan {
  return day.recorded !== undefined
}
