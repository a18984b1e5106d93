import type { Calendar } from './calendar.ts'
import type { Instruments } from './instruments.ts'
import { dayOf, startOfDay } from './time.ts'

/**
 * The calendar as hot loops ask it: for each segment the interval [from, to) around the last time sought, inside
 * which the answer does not change. A cache of the calendar, no state.
 *
 *     if (ts < windows.from[seg] || ts >= windows.to[seg]) windows.seek(ts, seg)
 *     if (windows.trading[seg] === 1) ...
 */
export class SessionWindows {
  readonly from: Float64Array
  readonly to: Float64Array
  /** 1 where [from, to) is a session, 0 where it is a gap between two. */
  readonly trading: Uint8Array
  /** Instrument id to segment; valid after `cover`. */
  segmentOf = new Uint8Array(0)
  readonly #calendar: Calendar
  readonly #instruments: Instruments
  #covered = 0

  constructor(calendar: Calendar, instruments: Instruments) {
    this.#calendar = calendar
    this.#instruments = instruments
    this.from = new Float64Array(calendar.segments.length).fill(Infinity)
    this.to = new Float64Array(calendar.segments.length).fill(-Infinity)
    this.trading = new Uint8Array(calendar.segments.length)
  }

  /** Looks up the segments of instruments not seen before. */
  cover(): void {
    const size = this.#instruments.size
    if (size > this.segmentOf.length) {
      const grown = new Uint8Array(size * 2)
      grown.set(this.segmentOf)
      this.segmentOf = grown
    }
    for (; this.#covered < size; this.#covered++) {
      this.segmentOf[this.#covered] = this.#calendar.segmentOf(this.#instruments.contract(this.#covered))
    }
  }

  /** Moves the segment's interval to the one around ts; a time that is none lies in no session and leaves no interval. */
  seek(ts: number, segment: number): void {
    if (!Number.isFinite(ts)) {
      this.from[segment] = Infinity
      this.to[segment] = -Infinity
      this.trading[segment] = 0
      return
    }
    const { zone } = this.#calendar
    const day = dayOf(ts, zone)
    let from = startOfDay(day, zone)
    let to = startOfDay(day + 1, zone)
    let trading = 0
    for (const session of this.#calendar.sessions(day, segment)) {
      if (ts < session.open) {
        to = session.open
        break
      }
      if (ts < session.close) {
        from = session.open
        to = session.close
        trading = 1
        break
      }
      from = session.close
    }
    this.from[segment] = from
    this.to[segment] = to
    this.trading[segment] = trading
  }
}
