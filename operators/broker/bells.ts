import type { Calendar } from '../../core/calendar.ts'
import { dayOf } from '../../core/time.ts'

/** Days looked ahead for the next one with sessions: more than any run of holidays. */
const FURTHEST = 30

/**
 * The bell of a day: where the last of its sessions closes. A pause between two sessions ends nothing. A cache of the
 * calendar, no state.
 */
export class Bells {
  readonly calendar: Calendar
  readonly #closes: { day: number; close: number }[]

  constructor(calendar: Calendar) {
    this.calendar = calendar
    this.#closes = calendar.segments.map(() => ({ day: NaN, close: NaN }))
  }

  dayOf(ts: number): number {
    return dayOf(ts, this.calendar.zone)
  }

  /** -Infinity on a day without sessions. */
  of(day: number, segment: number): number {
    const known = this.#closes[segment]
    if (known.day !== day) {
      known.day = day
      known.close = this.calendar.sessions(day, segment).at(-1)?.close ?? -Infinity
    }
    return known.close
  }

  /** The next day with sessions after `day`; Infinity where the calendar has none. */
  nextDay(day: number, segment: number): number {
    for (let next = day + 1; next <= day + FURTHEST; next++) if (this.calendar.sessions(next, segment).length > 0) return next
    return Infinity
  }

  isOpen(ts: number, segment: number): boolean {
    return this.calendar.sessions(this.dayOf(ts), segment).some(({ open, close }) => open <= ts && ts < close)
  }
}
