import { expect, test } from 'vitest'
import { attach, parseDate, UTC } from '../../core/time.ts'
import { bybitCalendar } from '../../markets/bybit/calendar.ts'

test('one session a UTC day, each beginning where the day before ends', () => {
  const day = parseDate('2026-11-08')
  const [today, ...none] = bybitCalendar.sessions(day, 0)
  expect(none).toEqual([])
  expect(today).toEqual({ open: attach('2026-11-08 00:00', UTC), close: attach('2026-11-09 00:00', UTC) })
  expect(bybitCalendar.sessions(day + 1, 0)[0].open).toBe(today.close)
  expect(bybitCalendar.sessions(day, 0)).toBe(bybitCalendar.sessions(day, 0))
})

test('everything is of the one segment', () => {
  expect(bybitCalendar.segments).toHaveLength(1)
  expect(bybitCalendar.segmentOf({ kind: 'spot', underlying: 'BTC' })).toBe(0)
})
