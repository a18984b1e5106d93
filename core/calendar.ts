import type { Contract } from './instruments.ts'
import type { Zone } from './time.ts'

/** Trading hours, half-open: open <= ts < close. Microseconds UTC. */
export interface Session {
  readonly open: number
  readonly close: number
}

/** When a market trades. Sessions are keyed by date and segment, because both change them. */
export interface Calendar {
  readonly zone: Zone
  /** Every segment that has hours of its own; an instrument's segment is an index into this list. */
  readonly segments: readonly string[]
  segmentOf(contract: Contract): number
  /** Sessions of a local day in time order, none on a day without trading. */
  sessions(day: number, segment: number): readonly Session[]
}
