import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { attach, DAY, dayOf, formatDate, formatTime, IST, parseDate, startOfDay, UTC } from '../../core/time.ts'

const zone = fc.constantFrom(IST, UTC)
const instant = fc.integer({ min: 0, max: 4_000_000_000_000_000 })
const day = fc.integer({ min: -20_000, max: 50_000 })

describe('a naive wall time is attached to its zone', () => {
  test.each([
    ['2024-01-04 09:15:00', 1704339900000000],
    ['2024-01-04T09:15', 1704339900000000],
    ['2024-01-04 09:15:00.5', 1704339900500000],
    ['2024-01-04 09:15:00.000001', 1704339900000001],
    ['1970-01-01 05:30:00', 0],
    ['2024-01-04 00:00', 1704306600000000],
  ])('%s IST', (text, ts) => expect(attach(text, IST)).toBe(ts))

  test.each([
    '',
    '2024-01-04',
    '2024-02-30 09:15',
    '2024-01-04 24:00',
    '2024-01-04 09:60',
    '2024-01-04 9:15',
    '2024-01-04 09:15:00+05:30',
    '2024-13-01 09:15',
  ])('"%s" is no time', (text) => expect(attach(text, IST)).toBeNaN())

  test('what is formatted attaches to what it was', () => {
    fc.assert(
      fc.property(instant, zone, (ts, z) => {
        expect(attach(formatTime(ts, z), z)).toBe(ts)
      }),
    )
  })
})

describe('days', () => {
  test('a date formats and parses back', () => {
    fc.assert(
      fc.property(day, (d) => {
        expect(parseDate(formatDate(d))).toBe(d)
      }),
    )
  })

  test('a day begins at its start and ends a microsecond before the next', () => {
    fc.assert(
      fc.property(day, zone, (d, z) => {
        expect([startOfDay(d, z) - 1, startOfDay(d, z), startOfDay(d, z) + DAY - 1].map((ts) => dayOf(ts, z))).toEqual([d - 1, d, d])
      }),
    )
  })

  test.each(['2025-02-29', '2025-1-01', '2025-00-10', 'today', ''])('"%s" is no date', (text) => expect(parseDate(text)).toBeNaN())
})

test('what is no instant formats as what it is', () => {
  expect([NaN, Infinity, -Infinity].map((ts) => formatTime(ts, IST))).toEqual(['NaN', 'Infinity', '-Infinity'])
})
