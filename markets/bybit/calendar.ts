import type { Calendar, Session } from '../../core/calendar.ts'
import { startOfDay, UTC } from '../../core/time.ts'

const days = new Map<number, readonly Session[]>()

/** Bybit never closes: one session a UTC day, from midnight to midnight, the same for everything it lists. */
export const bybitCalendar: Calendar = {
  zone: UTC,
  segments: ['all'],
  segmentOf: () => 0,
  sessions(day) {
    let found = days.get(day)
    if (found === undefined) days.set(day, (found = [{ open: startOfDay(day, UTC), close: startOfDay(day + 1, UTC) }]))
    return found
  },
}
