import type { Calendar, Session } from '../../core/calendar.ts'
import { attach, dayOf, IST, parseDate, startOfDay } from '../../core/time.ts'

/** Hours as '09:15:00-09:15:05 09:15:10-09:15:12', by underlying. */
export type Hours = Readonly<Record<string, string>>

/**
 * A calendar of a few seconds, so that a whole session fits into a table. An underlying is a segment of its own; the
 * days of `dates` have other hours than the rest.
 */
export function calendarOf(hours: Hours, dates: Readonly<Record<string, Hours>> = {}): Calendar {
  const segments = Object.keys(hours)
  const special = new Map(Object.entries(dates).map(([date, own]) => [parseDate(date), own]))
  return {
    zone: IST,
    segments,
    segmentOf: (contract) => segments.indexOf(contract.underlying),
    sessions: (day, segment) => sessionsOf(startOfDay(day, IST), (special.get(day) ?? hours)[segments[segment]] ?? ''),
  }
}

function sessionsOf(midnight: number, text: string): Session[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map((span) => {
      const [open, close] = span.split('-').map((clock) => midnight + sinceMidnight(clock))
      return { open, close }
    })
}

function sinceMidnight(clock: string): number {
  const ts = attach(`2025-01-06 ${clock}`, IST)
  return ts - startOfDay(dayOf(ts, IST), IST)
}
