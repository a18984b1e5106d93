import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { formatDate, parseDate } from '../../core/time.ts'
import { readDatedTable } from '../../markets/datedTable.ts'
import { NseExpiries } from '../../markets/nse/expiries.ts'
import { NseHolidays } from '../../markets/nse/holidays.ts'
import { expiriesOf, finalExpiry, isTradingDay, nseExpiries, revisedExpiry, sessionOf, tradingDays } from '../../markets/nse/market.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** The expiries of one kind, as dates. */
function dates(symbol: string, kind: string, from: string, to: string, knownAt?: string): string[] {
  return expiriesOf(symbol, from, to, knownAt)
    .filter((expiry) => expiry.kind === kind)
    .map(({ expiry }) => expiry)
}

/** The weekdays that the rule names, of all expiries of a kind in a stretch. */
function weekdays(symbol: string, kind: string, from: string, to: string): string[] {
  const names = expiriesOf(symbol, from, to)
    .filter((expiry) => expiry.kind === kind)
    .map(({ nominal }) => new Date(nominal).toUTCString().slice(0, 3))
  return [...new Set(names)]
}

describe('weekdays of expiries', () => {
  test.each([
    ['NIFTY', 'weekly', '2019-02-11', '2025-08-28', ['Thu']],
    ['NIFTY', 'weekly', '2025-08-29', '2026-12-31', ['Tue']],
    ['NIFTY', 'monthly', '2019-01-01', '2025-08-28', ['Thu']],
    ['NIFTY', 'monthly', '2025-08-29', '2026-12-31', ['Tue']],
    ['BANKNIFTY', 'weekly', '2019-01-01', '2023-08-31', ['Thu']],
    ['BANKNIFTY', 'weekly', '2023-09-01', '2024-11-13', ['Wed']],
    ['BANKNIFTY', 'weekly', '2024-11-14', '2026-12-31', []],
    ['BANKNIFTY', 'monthly', '2019-01-01', '2024-02-29', ['Thu']],
    ['BANKNIFTY', 'monthly', '2024-03-01', '2024-12-31', ['Wed']],
    ['BANKNIFTY', 'monthly', '2025-01-01', '2025-08-31', ['Thu']],
    ['BANKNIFTY', 'monthly', '2025-09-01', '2026-12-31', ['Tue']],
    ['FINNIFTY', 'weekly', '2021-10-15', '2024-11-19', ['Tue']],
    ['FINNIFTY', 'weekly', '2024-11-20', '2026-12-31', []],
    ['MIDCPNIFTY', 'weekly', '2023-04-26', '2023-08-16', ['Wed']],
    ['MIDCPNIFTY', 'weekly', '2023-08-17', '2024-11-18', ['Mon']],
    ['MIDCPNIFTY', 'weekly', '2024-11-19', '2026-12-31', []],
  ])('%s %s, %s to %s: %j', (symbol, kind, from, to, expected) => expect(weekdays(symbol, kind, from, to)).toEqual(expected))

  test.each([
    ['NIFTY', 'weekly', '2019-02-14'],
    ['NIFTY', 'weekly', '2025-09-02'],
    ['BANKNIFTY', 'weekly', '2023-09-06'],
    ['BANKNIFTY', 'monthly', '2024-03-27'],
    ['BANKNIFTY', 'monthly', '2025-09-30'],
    ['MIDCPNIFTY', 'weekly', '2023-08-21'],
    ['FINNIFTY', 'weekly', '2021-10-19'],
  ])('%s %s begins its weekday on %s', (symbol, kind, first) => expect(dates(symbol, kind, first, first)).toEqual([first]))

  test.each([
    ['BANKNIFTY', '2023-08-31', 'monthly'],
    ['BANKNIFTY', '2024-11-13', 'weekly'],
    ['FINNIFTY', '2024-11-19', 'weekly'],
    ['MIDCPNIFTY', '2024-11-18', 'weekly'],
    ['NIFTY', '2025-08-28', 'monthly'],
  ])('%s ends its weekday on %s', (symbol, last, kind) => expect(dates(symbol, kind, last, last)).toEqual([last]))

  test('no weekly of BANKNIFTY exists in the week of a monthly', () => {
    const never = ['2023-09-27', '2023-10-25', '2023-11-29', '2023-12-27', '2024-01-24', '2024-02-28']
    expect(never.flatMap((date) => expiriesOf('BANKNIFTY', date, date))).toEqual([])
  })

  test('every symbol has one monthly a month, and none on a day without trading', () => {
    const since: Record<string, string> = {
      NIFTY: '2019-01',
      BANKNIFTY: '2019-01',
      FINNIFTY: '2021-02',
      MIDCPNIFTY: '2022-02',
      NIFTYNXT50: '2024-05',
    }
    for (const symbol of nseExpiries().symbols) {
      const found = dates(symbol, 'monthly', `${since[symbol]}-01`, '2026-12-31')
      expect(found.map((date) => date.slice(0, 7)).join(' ')).toBe(monthsSince(since[symbol]).join(' '))
      expect(expiriesOf(symbol, '2019-01-01', '2026-12-31').filter(({ expiry }) => !isTradingDay(expiry))).toEqual([])
    }
  })
})

describe('a holiday moves the expiry to the trading day before', () => {
  test.each([
    ['NIFTY', '2021-11-04', '2021-11-03', 'Muhurat is no reason to stay'],
    ['NIFTY', '2026-03-31', '2026-03-30', 'a monthly one'],
    ['NIFTY', '2026-11-24', '2026-11-23', 'a monthly one'],
    ['NIFTY', '2020-04-02', '2020-04-01', 'Ram Navami'],
    ['NIFTY', '2025-10-21', '2025-10-20', 'Diwali'],
    ['BANKNIFTY', '2024-12-25', '2024-12-24', 'Christmas'],
    ['MIDCPNIFTY', '2023-10-02', '2023-09-29', 'over a weekend'],
    ['MIDCPNIFTY', '2024-05-20', '2024-05-17', 'not to the Saturday of a drill'],
    ['MIDCPNIFTY', '2024-01-22', '2024-01-20', 'to a Saturday that traded in full: an exception'],
  ])('%s %s -> %s, %s', (symbol, nominal, expiry) => {
    expect(expiriesOf(symbol, expiry, expiry)).toMatchObject([{ expiry, nominal }])
    expect(expiriesOf(symbol, nominal, nominal)).toEqual([])
  })
})

describe('final expiry, as-of forward', () => {
  test('an expiry day maps to itself, the day after to the next one', () => {
    expect(finalExpiry('NIFTY', '2024-01-04', 'weekly')).toBe('2024-01-04')
    expect(finalExpiry('NIFTY', '2024-01-05', 'weekly')).toBe('2024-01-11')
  })

  test('in the week of the monthly, weekly is the week after, nearest the monthly', () => {
    expect(finalExpiry('NIFTY', '2024-01-22', 'weekly')).toBe('2024-02-01')
    expect(finalExpiry('NIFTY', '2024-01-22', 'monthly')).toBe('2024-01-25')
    expect(finalExpiry('NIFTY', '2024-01-22', 'nearest')).toBe('2024-01-25')
  })

  test('none when the series has ended', () => {
    expect(finalExpiry('BANKNIFTY', '2024-11-13', 'weekly')).toBe('2024-11-13')
    expect(finalExpiry('BANKNIFTY', '2024-11-14', 'weekly')).toBeUndefined()
    expect(finalExpiry('BANKNIFTY', '2024-11-14', 'nearest')).toBe('2024-11-27')
  })

  test('an unknown symbol, and a date that is none, are refused', () => {
    expect(() => finalExpiry('SENSEX', '2024-01-22', 'weekly')).toThrow(
      expect.objectContaining({ code: 'INSTRUMENT_INVALID', at: { symbol: 'SENSEX' } }),
    )
    expect(() => finalExpiry('NIFTY', '2024-02-30', 'weekly')).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })
})

describe('as it was known then', () => {
  test('2023-06-29 became a holiday by a circular of 2023-06-27: the expiry moved to 2023-06-28', () => {
    expect(finalExpiry('NIFTY', '2023-06-26', 'monthly', '2023-06-26')).toBe('2023-06-29')
    expect(finalExpiry('NIFTY', '2023-06-26', 'monthly', '2023-06-27')).toBe('2023-06-28')
    expect(finalExpiry('NIFTY', '2023-06-26', 'monthly')).toBe('2023-06-28')
    expect([isTradingDay('2023-06-28'), isTradingDay('2023-06-29')]).toEqual([true, false])
  })

  test('NIFTY 2025-09-04 became 2025-09-09', () => {
    const september = (knownAt?: string) => dates('NIFTY', 'weekly', '2025-09-01', '2025-09-12', knownAt)
    expect(september('2025-06-16')).toEqual(['2025-09-04', '2025-09-11'])
    expect(september('2025-06-17')).toEqual(['2025-09-02', '2025-09-09'])
    expect(september()).toEqual(['2025-09-02', '2025-09-09'])
    expect(revisedExpiry('NIFTY', '2025-09-04', '2025-06-22')).toBe('2025-09-04')
    expect(revisedExpiry('NIFTY', '2025-09-04')).toBe('2025-09-09')
    expect(revisedExpiry('NIFTY', '2025-09-09')).toBe('2025-09-09')
  })

  test('the Monday plan of April 2025 was believed from 2025-03-04 until it was withdrawn on 2025-03-27', () => {
    const monthly = (knownAt: string) => dates('NIFTY', 'monthly', '2025-04-01', '2025-05-31', knownAt)
    expect(monthly('2025-03-03')).toEqual(['2025-04-24', '2025-05-29'])
    expect(monthly('2025-03-04')).toEqual(['2025-04-28', '2025-05-26'])
    expect(monthly('2025-03-26')).toEqual(['2025-04-28', '2025-05-26'])
    expect(monthly('2025-03-27')).toEqual(['2025-04-24', '2025-05-29'])
  })

  test('and so was the Friday plan for BANKNIFTY in June 2023', () => {
    const weekly = (knownAt: string) => dates('BANKNIFTY', 'weekly', '2023-07-03', '2023-07-14', knownAt)
    expect(weekly('2023-06-06')).toEqual(['2023-07-06', '2023-07-14'])
    expect(weekly('2023-06-27')).toEqual(['2023-07-06', '2023-07-13'])
  })

  test('an election becomes a holiday by its circular', () => {
    const expiry = (knownAt: string) => finalExpiry('MIDCPNIFTY', '2024-05-14', 'weekly', knownAt)
    expect([expiry('2024-04-07'), expiry('2024-04-08')]).toEqual(['2024-05-20', '2024-05-17'])
  })

  test('the end of the weeklies was known a month before', () => {
    expect(dates('BANKNIFTY', 'weekly', '2024-11-14', '2024-11-22', '2024-10-09')).toEqual(['2024-11-20'])
    expect(dates('BANKNIFTY', 'weekly', '2024-11-14', '2024-11-22', '2024-10-10')).toEqual([])
  })

  test('every revision leads from an expiry that was believed to one that is', () => {
    for (const row of readDatedTable('markets/nse', 'expiry-revisions.csv', ['symbol', 'kind', 'was', 'becomes', 'effective', 'known', 'source'])) {
      const [symbol, was, becomes] = [row.text('symbol'), row.text('was'), row.text('becomes')]
      expect(expiriesOf(symbol, was, was, formatDate(row.day('known') - 7)), `${symbol} ${was}`).toMatchObject([{ kind: row.text('kind') }])
      expect(expiriesOf(symbol, becomes, becomes), `${symbol} ${becomes}`).toHaveLength(1)
    }
  })
})

describe('trading days', () => {
  test('holidays and weekends are none, sessions on weekends and Muhurat are', () => {
    expect(tradingDays('2024-01-17', '2024-01-24')).toEqual(['2024-01-17', '2024-01-18', '2024-01-19', '2024-01-20', '2024-01-23', '2024-01-24'])
    expect(['2020-02-01', '2024-01-20', '2024-03-02', '2024-05-18', '2025-02-01', '2025-10-21', '2026-11-08'].every(isTradingDay)).toBe(true)
  })

  test('so many a year', () => {
    const counts = [2019, 2020, 2021, 2022, 2023, 2024, 2025].map((year) => tradingDays(`${year}-01-01`, `${year}-12-31`).length)
    expect(counts).toEqual([245, 252, 248, 248, 246, 249, 249])
  })

  test('all holidays of 2026', () => {
    const md = '01-15 01-26 03-03 03-26 03-31 04-03 04-14 05-01 05-28 06-26 09-14 10-02 10-20 11-10 11-24 12-25'
    expect(md.split(' ').filter((day) => isTradingDay(`2026-${day}`))).toEqual([])
  })

  test('hours by segment', () => {
    const length = (date: string, segment: 'equity' | 'derivatives') => sessionOf(date, segment).map(({ open, close }) => (close - open) / 60e6)
    expect([length('2026-07-31', 'derivatives'), length('2026-08-03', 'derivatives'), length('2026-08-03', 'equity')]).toEqual([[375], [385], [375]])
    expect([length('2025-10-21', 'derivatives'), length('2021-02-24', 'derivatives')]).toEqual([[60], [145, 75]])
  })
})

describe('a row that does not hold is refused with its file and line', () => {
  test.each([
    ['expiry-rules.csv', 'NIFTY,weekly,noon,2027-01-01,2026-12-01,,me', 'weekday "noon" is none of'],
    ['expiry-rules.csv', 'NIFTY,weekly,mon,2020-01-01,2019-12-01,,me', 'is not later than the row above it'],
    ['expiry-rules.csv', 'NIFTY,daily,mon,2027-01-01,2026-12-01,,me', 'kind "daily" is none of'],
    ['expiry-exceptions.csv', 'NIFTY,2027-01-01,,2026-12-01,me', 'expiry is empty'],
    ['expiry-revisions.csv', 'NIFTY,weekly,2025-09-04,2025-09-10,2025-08-29,2025-06-23,me', 'NIFTY 2025-09-04 is there twice'],
    ['expiry-revisions.csv', 'NIFTY,weekly,2027-09-04,2027-09-10,2027-08-29,2027-09-23,me', 'effective is before known'],
    ['holiday-years.csv', '2026,15,complete,me', 'holidays.csv has 16 holidays of 2026, not 15'],
  ])('%s: %s', (name, line, reason) => {
    const folder = mkdtempSync(join(tmpdir(), 'expiries-'))
    folders.push(folder)
    cpSync('markets/nse', folder, { recursive: true })
    const table = readFileSync(join(folder, name), 'utf8')
    writeFileSync(join(folder, name), `${table}${line}\n`)
    const read = () => new NseExpiries(folder, new NseHolidays(folder))
    expect(read).toThrow(
      expect.objectContaining({ code: 'MARKET_DATA_INVALID', message: expect.stringContaining(`${name}:${table.split('\n').length}: `) }),
    )
    expect(read).toThrow(reason)
  })
})

/** 'YYYY-MM' from the one given to the end of 2026. */
function monthsSince(first: string): string[] {
  const days = Array.from({ length: parseDate('2026-12-31') - parseDate(`${first}-01`) + 1 }, (_, i) => formatDate(parseDate(`${first}-01`) + i))
  return [...new Set(days.map((date) => date.slice(0, 7)))]
}
