import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { attach, formatTime, IST, parseDate } from '../../core/time.ts'
import { NseCalendar, nseCalendar } from '../../markets/nse/calendar.ts'

const [equity, derivatives] = [0, 1]
const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** '09:15-15:30', and so on, of a date. */
function hours(date: string, segment: number, calendar = nseCalendar): string {
  const clock = (ts: number) => formatTime(ts, IST).slice(11, 16)
  return calendar
    .sessions(parseDate(date), segment)
    .map(({ open, close }) => `${clock(open)}-${clock(close)}`)
    .join(' ')
}

/** A calendar whose table `name` has one more line. */
function withLine(name: string, line: string): NseCalendar {
  const folder = mkdtempSync(join(tmpdir(), 'calendar-'))
  folders.push(folder)
  cpSync('markets/nse', folder, { recursive: true })
  writeFileSync(join(folder, name), `${readFileSync(join(folder, name), 'utf8')}${line}\n`)
  return new NseCalendar(folder)
}

describe('hours by date and segment', () => {
  test.each([
    ['a Friday before the change', '2026-07-31', '09:15-15:30', '09:15-15:30'],
    ['the weekend of the change', '2026-08-01', '', ''],
    ['the Monday of the change', '2026-08-03', '09:15-15:30', '09:15-15:40'],
    ['a Saturday', '2025-01-04', '', ''],
    ['a Sunday', '2025-01-05', '', ''],
    ['Muhurat on a weekday', '2025-10-21', '13:45-14:45', '13:45-14:45'],
    ['Muhurat on a Sunday', '2023-11-12', '18:15-19:15', '18:15-19:15'],
    ['the outage', '2021-02-24', '09:15-11:40 15:45-17:00', '09:15-11:40 15:45-17:00'],
    ['a whole Saturday', '2024-01-20', '09:15-15:30', '09:15-15:30'],
    ['a recovery drill on a Saturday', '2024-03-02', '09:15-10:00 11:30-12:30', '09:15-10:00 11:30-12:30'],
    ['the second drill', '2024-05-18', '09:15-10:00 11:30-12:30', '09:15-10:00 11:30-12:30'],
    ['budgets on a weekend', '2020-02-01', '09:15-15:30', '09:15-15:30'],
    ['budgets on a weekend', '2025-02-01', '09:15-15:30', '09:15-15:30'],
    ['a budget on a Sunday', '2026-02-01', '09:15-15:30', '09:15-15:30'],
    ['election day', '2026-01-15', '', ''],
    ['a holiday', '2026-12-25', '', ''],
    ['the day vendors write for no date', '1970-01-01', '', ''],
  ])('%s, %s', (_, date, inEquity, inDerivatives) => {
    expect([hours(date, equity), hours(date, derivatives)]).toEqual([inEquity, inDerivatives])
  })

  test('the open is inside, the close is not', () => {
    const [{ open, close }] = nseCalendar.sessions(parseDate('2024-01-04'), derivatives)
    expect(open).toBe(1704339900000000)
    expect(close).toBe(attach('2024-01-04 15:30:00', IST))
    const inside = (ts: number) => open <= ts && ts < close
    expect([open - 1, open, close - 1, close].map(inside)).toEqual([false, true, true, false])
  })

  test('a date whose hours are not known trades at none, and is named', () => {
    expect(hours('2026-11-08', derivatives)).toBe('')
    expect(nseCalendar.unannounced).toEqual(['2026-11-08'])
  })

  test('the same answer is the same object, so that asking is cheap', () => {
    const day = parseDate('2025-01-06')
    expect(nseCalendar.sessions(day, derivatives)).toBe(nseCalendar.sessions(day, derivatives))
  })

  test('all 16 holidays of 2026 are there', () => {
    const days = Array.from({ length: 365 }, (_, i) => parseDate('2026-01-01') + i)
    const weekdays = days.filter((day) => ![0, 6].includes(new Date(day * 86_400_000).getUTCDay()))
    expect(weekdays.filter((day) => nseCalendar.sessions(day, equity).length === 0)).toHaveLength(16)
  })
})

test('spot is of the equity segment, what is derived of the other', () => {
  expect(nseCalendar.segmentOf({ kind: 'spot', underlying: 'NIFTY' })).toBe(equity)
  expect(nseCalendar.segmentOf({ kind: 'future', underlying: 'NIFTY', expiry: '2025-01-30' })).toBe(derivatives)
  expect(nseCalendar.segmentOf({ kind: 'option', underlying: 'NIFTY', expiry: '2025-01-30', strike: 24000, type: 'PE' })).toBe(derivatives)
})

describe('a row that does not hold is refused with its file and line', () => {
  test.each([
    ['holidays.csv', '2026-02-30,Nothing,chosen,2025-12-31,,me', 'date "2026-02-30" is not a date'],
    ['holidays.csv', '2026-12-25,Christmas,chosen,2025-12-31,,me', 'there twice'],
    ['holidays.csv', '2026-12-26,A Saturday,chosen,2025-12-31,,me', 'no weekday'],
    ['holidays.csv', '2026-12-24,Nobody said so,chosen,2025-12-31,,', 'source is empty'],
    ['holidays.csv', '2026-12-24,Eve,perhaps,2025-12-31,,me', 'status "perhaps" is none of chosen, rejected'],
    ['holidays.csv', '2026-12-24,Eve,chosen,2025-12-31,2025-12-31,me', 'withdrawn is not after known'],
    ['holidays.csv', '2026-12-24,Eve,chosen,,,me', 'known is empty'],
    ['holidays.csv', '2026-12-24,Too few', '2 cells where there are 6 columns'],
    ['sessions.csv', '2027-01-01,,derivatives,09:15,15:50,2027-01-01,me', 'overlaps'],
    ['sessions.csv', '2001-01-01,2000-01-01,equity,09:15,15:50,2027-01-01,me', 'effective_to is before'],
    ['sessions.csv', '2001-01-01,2002-01-01,bonds,09:15,15:50,2027-01-01,me', 'segment "bonds" is none of equity, derivatives'],
    ['special-sessions.csv', '2027-01-02,equity,9:15,15:30,weekend,2027-01-01,me', 'open "9:15" is not a time'],
    ['special-sessions.csv', '2027-01-02,equity,15:30,09:15,weekend,2027-01-01,me', 'close is not after open'],
    ['special-sessions.csv', '2027-01-02,equity,09:15,,weekend,2027-01-01,me', 'close is empty'],
    ['special-sessions.csv', '2027-01-02,equity,09:15,15:30,party,2027-01-01,me', 'kind "party" is none of'],
    ['special-sessions.csv', '2021-02-24,equity,16:00,17:30,outage,2027-01-01,me', 'begins before the session above it closes'],
  ])('%s: %s', (name, line, reason) => {
    const number = readFileSync(join('markets/nse', name), 'utf8').split('\n').length
    const read = () => hours('2026-01-15', equity, withLine(name, line))
    expect(read).toThrow(expect.objectContaining({ code: 'MARKET_DATA_INVALID', message: expect.stringContaining(`${name}:${number}: `) }))
    expect(read).toThrow(reason)
  })

  test('another heading', () => {
    const calendar = withLine('holidays.csv', '')
    writeFileSync(join(folders[folders.length - 1], 'holidays.csv'), 'day,name\n')
    expect(() => calendar.unannounced).toThrow('holidays.csv:1: the first line is not date,holiday,status,known,withdrawn,source')
  })
})
