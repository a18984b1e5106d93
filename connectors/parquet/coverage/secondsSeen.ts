import type { Batch } from '../../../core/batch.ts'
import type { Calendar, Session } from '../../../core/calendar.ts'
import type { Contract, Instruments } from '../../../core/instruments.ts'
import { SECOND } from '../../../core/time.ts'

/** What coverage reads of a tick. */
export const Sighting = { ts: 'time', instrument: 'instrument', price: 'f64' } as const
export type Sighting = typeof Sighting

/** A stretch of a session in which nothing was seen; `to` is excluded. Microseconds. */
export interface Gap {
  readonly from: number
  readonly to: number
}

/** Sessions of a segment one behind the other: second `base[i]` is the first of session i. */
interface Clock {
  readonly sessions: readonly Session[]
  readonly base: readonly number[]
  readonly seconds: number
}

/** One instrument's seconds with a row, a bit each. */
interface Line {
  readonly clock: Clock
  readonly bits: Uint32Array
  /** Rows in session. */
  rows: number
  low: number
  high: number
}

/**
 * In which seconds of a day's sessions each instrument had a row, whatever the order in which they come. Rows outside the
 * sessions count for nothing. Holds a bit an instrument and second: 3 kB an instrument.
 */
export class SecondsSeen {
  readonly #day: number
  readonly #calendarOf: (contract: Contract) => Calendar
  readonly #instruments: Instruments
  readonly #lines: (Line | undefined)[] = []
  readonly #clocks = new Map<Calendar, Clock[]>()

  /** `day` as core/time.ts counts them. */
  constructor(day: number, instruments: Instruments, calendarOf: (contract: Contract) => Calendar) {
    this.#day = day
    this.#instruments = instruments
    this.#calendarOf = calendarOf
  }

  add({ n, col: { ts, instrument, price } }: Batch<Sighting>): void {
    for (let i = 0; i < n; i++) {
      const line = (this.#lines[instrument[i]] ??= this.#line(instrument[i]))
      const second = secondOf(line.clock, ts[i])
      if (second < 0) continue
      line.rows++
      line.bits[second >>> 5] |= 1 << (second & 31)
      if (price[i] < line.low) line.low = price[i]
      if (price[i] > line.high) line.high = price[i]
    }
  }

  /** Ids of the instruments that had a row, in session or not. */
  ids(): number[] {
    return [...this.#lines.keys()].filter((id) => this.#lines[id] !== undefined)
  }

  /** Rows in session. */
  rowsOf(id: number): number {
    return this.#lines[id]?.rows ?? 0
  }

  /** Lowest and highest price of the sessions. */
  range(id: number): { readonly low: number; readonly high: number } | undefined {
    const line = this.#lines[id]
    return line === undefined || !(line.low <= line.high) ? undefined : { low: line.low, high: line.high }
  }

  /** Seconds of the sessions of a contract. */
  secondsOf(contract: Contract): number {
    return this.#clockOf(contract).seconds
  }

  /** Stretches of more than `longest` seconds without a row of any of the instruments, from open to close. */
  gaps(ids: readonly number[], longest: number): Gap[] {
    const lines = ids.flatMap((id) => this.#lines[id] ?? [])
    const clocks = [...new Set(lines.map(({ clock }) => clock))].sort((a, b) => b.seconds - a.seconds)
    if (clocks.length === 0) return []
    // Of instruments with other hours those with the longest day count: the bits of the others mean other seconds.
    const alike = lines.filter(({ clock }) => clock === clocks[0])
    if (alike.length === 1) return gapsIn(clocks[0], alike[0].bits, longest)
    const together = new Uint32Array(alike[0].bits.length)
    for (const { bits } of alike) for (let i = 0; i < together.length; i++) together[i] |= bits[i]
    return gapsIn(clocks[0], together, longest)
  }

  #line(id: number): Line {
    const clock = this.#clockOf(this.#instruments.contract(id))
    return { clock, bits: new Uint32Array((clock.seconds + 31) >>> 5), rows: 0, low: Infinity, high: -Infinity }
  }

  #clockOf(contract: Contract): Clock {
    const calendar = this.#calendarOf(contract)
    let clocks = this.#clocks.get(calendar)
    if (clocks === undefined)
      this.#clocks.set(calendar, (clocks = calendar.segments.map((_, segment) => clockOf(calendar.sessions(this.#day, segment)))))
    return clocks[calendar.segmentOf(contract)]
  }
}

function clockOf(sessions: readonly Session[]): Clock {
  const base: number[] = []
  let seconds = 0
  for (const { open, close } of sessions) {
    base.push(seconds)
    seconds += Math.ceil((close - open) / SECOND)
  }
  return { sessions, base, seconds }
}

/** Which second of the day's sessions a time is in; -1 outside them. */
function secondOf({ sessions, base }: Clock, ts: number): number {
  for (let i = 0; i < sessions.length; i++)
    if (ts >= sessions[i].open && ts < sessions[i].close) return base[i] + Math.floor((ts - sessions[i].open) / SECOND)
  return -1
}

function gapsIn({ sessions, base }: Clock, bits: Uint32Array, longest: number): Gap[] {
  const gaps: Gap[] = []
  for (const [i, { open, close }] of sessions.entries()) {
    const end = base[i] + Math.ceil((close - open) / SECOND)
    let from = base[i]
    const upTo = (second: number): void => {
      if (second - from > longest) gaps.push({ from: open + (from - base[i]) * SECOND, to: Math.min(close, open + (second - base[i]) * SECOND) })
    }
    for (let second = base[i]; second < end; second++) {
      if ((bits[second >>> 5] & (1 << (second & 31))) === 0) continue
      upTo(second)
      from = second + 1
    }
    upTo(end)
  }
  return gaps
}
