import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listingOf } from '../../../cli/coverageListing.ts'
import { briefCoverage, COVERAGE, missingIn, saveCoverage } from '../../../connectors/parquet/coverage/brief.ts'
import { type CoverageOptions, type CoverageReport, coverage } from '../../../connectors/parquet/coverage/coverage.ts'
import { expectedOf } from '../../../connectors/parquet/coverage/expected.ts'
import { SecondsSeen, Sighting } from '../../../connectors/parquet/coverage/secondsSeen.ts'
import { duckRows } from '../../../connectors/parquet/duck.ts'
import { writeLakeDay } from '../../../connectors/parquet/lakeWriter.ts'
import { contractOf, Instruments } from '../../../core/instruments.ts'
import { HEARTBEAT, Quote, Tick } from '../../../core/market.ts'
import { parseDate } from '../../../core/time.ts'
import { nseCalendar } from '../../../markets/nse/calendar.ts'
import { calendarOf } from '../../kit/calendar.ts'
import { runHere } from '../../kit/inProcess.ts'
import { recordedLake } from '../../kit/recordedLake.ts'
import { at, clock, type Row, toBatch } from '../../kit/table.ts'
import { input } from '../archives/packing.ts'
import { gdflCsv, zipOf } from '../archives/vendors.ts'

const base = mkdtempSync(join(tmpdir(), 'coverage-'))
const lake = join(base, 'lake')
afterAll(() => rmSync(base, { recursive: true }))

/** A row every minute from open to close of the date, but for the minutes [from, to) given as clock times. */
function minutes(instrument: string, date: string, quiet: readonly [string, string][] = [], price = 100): Row[] {
  const rows: Row[] = []
  for (let ts = at(`${date} 09:15:30`); ts < at(`${date} 15:30:00`); ts += 60e6)
    if (!quiet.some(([from, to]) => ts >= at(`${date} ${from}`) && ts < at(`${date} ${to}`)))
      rows.push({ ts, instrument, price, volume: 0, oi: 0, bid: price, ask: price })
  return rows
}

async function writeDay(date: string, rows: readonly Row[], order: 'time' | 'arrival' = 'time', into = lake): Promise<void> {
  const instruments = new Instruments()
  await writeLakeDay({ lake: into, date, order, instruments, ticks: toBatch(Tick, rows, instruments) })
}

const options = (more: Partial<CoverageOptions> = {}): CoverageOptions => ({
  listing: listingOf(),
  calendarOf: () => nseCalendar,
  gap: 60,
  near: 1,
  listed: 3,
  ...more,
})
const find = ({ days }: CoverageReport, date: string) => days.find((day) => day.date === date)

// Strikes 23900, 23950 and 24050 of 01-09, a call too few at 23950 and no 24000 at all; nothing of the 01-16 between 01-09 and 01-23.
const C = (strike: number, type: string, expiry = '2025-01-09'): string => `NIFTY:${expiry}:${strike}:${type}`
beforeAll(async () => {
  await writeDay('2025-01-06', [
    ...minutes('NIFTY', '2025-01-06', [], 24010),
    ...[C(23900, 'CE'), C(23900, 'PE'), C(23950, 'PE'), C(24050, 'CE')].flatMap((name) => minutes(name, '2025-01-06')),
    ...minutes(C(24050, 'PE'), '2025-01-06', [
      ['09:15', '09:20'],
      ['10:00', '10:03'],
      ['15:00', '15:31'],
    ]),
    ...minutes(C(24000, 'CE', '2025-01-23'), '2025-01-06'),
  ])
  // Of the next trading day nothing, of the day after no index, and the feed was away from 11:00 to 11:30.
  await writeDay(
    '2025-01-08',
    [C(24000, 'CE'), C(24000, 'PE')].flatMap((name) => minutes(name, '2025-01-08', [['11:00', '11:30']])),
  )
})

describe('coverage', () => {
  it('tells the expiry that is missing, and the contracts between the lowest and the highest strike without a row', async () => {
    expect(find(await coverage(lake, options()), '2025-01-06')?.expiries).toEqual([
      {
        expiry: '2025-01-09',
        kind: 'weekly',
        expected: true,
        seen: 5,
        strikes: { lowest: 23900, highest: 24050, step: 50, grid: 4, seen: 3 },
        near: { grid: 3, seen: 1 },
        withoutRows: [C(23950, 'CE'), C(24000, 'CE'), C(24000, 'PE')],
      },
      { expiry: '2025-01-16', kind: 'weekly', expected: true, seen: 0, strikes: undefined, near: undefined, withoutRows: [] },
      {
        expiry: '2025-01-23',
        kind: 'weekly',
        expected: true,
        seen: 1,
        strikes: { lowest: 24000, highest: 24000, step: 50, grid: 1, seen: 1 },
        near: { grid: 3, seen: 0 },
        withoutRows: [C(24000, 'PE', '2025-01-23')],
      },
    ])
  })

  it('tells stretches of the session without a row, from the open to the close, the longest first', async () => {
    const day = find(await coverage(lake, options()), '2025-01-06')
    expect([day?.gaps, day?.contractsWithGaps, day?.silences]).toEqual([3, 1, []])
    expect(day?.longest.map(({ instrument, from, to }) => [instrument, clock(from), clock(to)])).toEqual([
      [C(24050, 'PE'), '14:59:31', '15:30:00'],
      [C(24050, 'PE'), '09:15:00', '09:20:30'],
      [C(24050, 'PE'), '09:59:31', '10:03:30'],
    ])
  })

  it('tells a feed that was away from a contract that was quiet', async () => {
    const day = find(await coverage(lake, options()), '2025-01-08')
    expect(day?.silences.map(({ from, to }) => [clock(from), clock(to)])).toEqual([['10:59:31', '11:30:30']])
    expect([day?.underlying, day?.gaps]).toEqual([false, 2])
  })

  it('tells trading days without a row, between the first and the last or those asked for', async () => {
    expect((await coverage(lake, options())).daysWithoutRows).toEqual([{ symbol: 'NIFTY', date: '2025-01-07' }])
    const asked = await coverage(lake, options({ from: '2025-01-08', to: '2025-01-12' }))
    expect(asked.daysWithoutRows.map(({ date }) => date)).toEqual(['2025-01-09', '2025-01-10'])
  })

  it('is of the contracts and days asked for', async () => {
    const { days, whole } = await coverage(lake, options({ strikes: [23900], from: '2025-01-06', to: '2025-01-06' }))
    expect(days[0].expiries.map(({ expiry, seen }) => [expiry, seen])).toEqual([['2025-01-09', 2]])
    expect(whole).toBe(true)
  })

  it('counts rows as they come, late or out of session ones too', async () => {
    const arrived = join(base, 'arrived')
    const rows = minutes('NIFTY', '2025-01-06')
    const early = { ...rows[0], ts: at('2025-01-06 09:07:00') }
    const instrument = C(24000, 'CE')
    await writeDay('2025-01-06', [...rows.slice(100), { ...early, instrument }, ...rows.slice(0, 100), early], 'arrival', arrived)
    const [day] = (await coverage(arrived, options())).days
    expect([day.rows, day.contracts, day.gaps]).toEqual([rows.length, 1, 0])
  })

  it('is of recordings, too', async () => {
    const instruments = new Instruments()
    instruments.id(HEARTBEAT)
    const quotes = minutes('NIFTY', '2025-01-06', [['12:00', '12:10']]).map((row) => ({ ...row, bidSize: 1, askSize: 1, received: 0, lastTrade: 0 }))
    const recorded = await recordedLake({ 0: [toBatch(Quote, quotes, instruments)] }, { instruments, lake: join(base, 'recorded') })
    const [day] = (await coverage(recorded, options())).days
    expect([day.date, day.symbol, day.longest.map(({ from, to }) => [clock(from), clock(to)])]).toEqual([
      '2025-01-06',
      'NIFTY',
      [['11:59:31', '12:10:30']],
    ])
  })
})

describe('what is expected', () => {
  const seen = (...names: string[]) => names.map(contractOf)
  const expiries = (symbol: string, date: string, ...names: string[]): string[] =>
    expectedOf(symbol, date, seen(...names), listingOf())
      .filter(({ expected }) => expected)
      .map(({ expiry, seen }) => `${expiry}${seen === 0 ? ' missing' : ''}`)

  it('is the nearest expiry, and those of a kind up to the furthest seen', () => {
    expect(expiries('NIFTY', '2025-01-06', C(24000, 'CE', '2025-01-16'))).toEqual(['2025-01-09 missing', '2025-01-16'])
    expect(expiries('NIFTY', '2025-01-06', C(24000, 'CE'), 'NIFTY:2025-02-27:FUT')).toEqual(['2025-01-09', '2025-01-30 missing', '2025-02-27'])
  })

  it('is none of the months between a far quarter and the third month, which are not listed', () => {
    expect(expiries('BANKNIFTY', '2025-01-06', 'BANKNIFTY:2025-12-24:50000:CE')).toEqual([
      '2025-01-30 missing',
      '2025-02-27 missing',
      '2025-03-27 missing',
    ])
  })

  it('is an expiry by the name it had then: 2025-09-04 became 2025-09-09, 2023-06-29 became 06-28', () => {
    expect(expiries('NIFTY', '2025-07-10', C(25000, 'CE', '2025-07-10'), C(25000, 'CE', '2025-09-04'))).toContain('2025-09-04')
    expect(expiries('NIFTY', '2023-06-26', C(18700, 'CE', '2023-06-28'))).toEqual(['2023-06-28'])
    expect(expiries('NIFTY', '2023-06-26', C(18700, 'CE', '2023-06-29'))).toEqual(['2023-06-29'])
  })

  it('is a grid as wide as strikes are apart, where that is more than the market’s step', () => {
    const [{ strikes }] = expectedOf('NIFTY', '2025-01-06', seen(C(23000, 'CE'), C(23200, 'CE'), C(23600, 'CE')), listingOf())
    expect(strikes).toEqual({ lowest: 23000, highest: 23600, step: 200, grid: 4, seen: 3 })
  })

  it('is nothing by expiry of what the calendar does not know', () => {
    expect(expectedOf('BTC', '2025-01-06', seen('BTC:2025-01-31:90000:CE', 'BTC:2025-01-31:92000:PE'), listingOf())).toMatchObject([
      {
        expiry: '2025-01-31',
        kind: 'not in the calendar',
        expected: false,
        strikes: { step: 2000, grid: 2 },
        withoutRows: ['BTC:2025-01-31:90000:PE', 'BTC:2025-01-31:92000:CE'],
      },
    ])
  })
})

it('gaps are what walking the seconds one by one finds, whatever the sessions and the order of rows', () => {
  const calendar = calendarOf({ NIFTY: '09:15:00-09:15:20 09:16:00-09:16:15' })
  const sessions = [...Array(20).keys()].map((s) => at('09:15:00') + s * 1e6).concat([...Array(15).keys()].map((s) => at('09:16:00') + s * 1e6))
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5_000_000, max: 80_000_000 })), fc.integer({ min: 1, max: 10 }), (offsets, longest) => {
      const instruments = new Instruments()
      const rows = offsets.map((offset) => ({ ts: at('09:15:00') + offset, instrument: 'NIFTY', price: 1 }))
      const seen = new SecondsSeen(parseDate('2025-01-06'), instruments, () => calendar)
      seen.add(toBatch(Sighting, [{ ts: 0, instrument: 'NIFTY', price: 1 }, ...rows], instruments))
      const quiet = sessions.filter((second) => !rows.some(({ ts }) => ts >= second && ts < second + 1e6))
      const runs: number[][] = []
      for (const second of quiet) {
        const last = runs.at(-1)
        if (last?.at(-1) === second - 1e6) last.push(second)
        else runs.push([second])
      }
      const expected = runs.filter((run) => run.length > longest).map((run) => ({ from: run[0], to: (run.at(-1) as number) + 1e6 }))
      expect(seen.gaps([0], longest)).toEqual(expected)
    }),
    { numRuns: 100 },
  )
})

describe('in brief, by the manifest', () => {
  it('says what is missing of a day in a line, and keeps it as Parquet', async () => {
    const days = briefCoverage(lake, listingOf())
    expect(days.map((day) => [day.date, missingIn(day)])).toEqual([
      ['2025-01-06', 'no rows of the weekly expiry 2025-01-16; 3 of 8 options of 2025-01-09 without rows; 1 of 2 options of 2025-01-23 without rows'],
      ['2025-01-08', undefined],
    ])
    await saveCoverage(lake, days)
    expect(
      await duckRows(
        `SELECT strftime(expiry, '%m-%d') AS e, contracts, strikes_seen || '/' || strikes_expected AS s, len(without_rows)::INTEGER AS n FROM '${join(lake, COVERAGE)}' ORDER BY date, expiry`,
      ),
    ).toEqual([
      { e: '01-09', contracts: 5, s: '3/4', n: 3 },
      { e: '01-16', contracts: 0, s: null, n: 0 },
      { e: '01-23', contracts: 1, s: '1/1', n: 1 },
      { e: '01-09', contracts: 2, s: '1/1', n: 0 },
    ])
  })
})

it('pack says at its end what is missing of the days that it packed, a line each', async () => {
  const packed = join(base, 'packed')
  const tickers = [
    'NIFTY04JAN2421500CE.NFO',
    'NIFTY04JAN2421500PE.NFO',
    'NIFTY04JAN2421600CE.NFO',
    'NIFTY18JAN2421500CE.NFO',
    'NIFTY18JAN2421500PE.NFO',
  ]
  const rows = [{ time: '09:15:01', price: 100, quantity: 1 }]
  const zip = input(
    base,
    'GDFLNFO_TICK_02012024.zip',
    zipOf(tickers.map((name) => ({ name: `${name}.csv`, bytes: gdflCsv(name, '2024-01-02', rows) }))),
  )
  const said = await runHere(['pack', zip, '--lake', packed, '--workers', '1'])
  expect([said.code, said.stdout]).toEqual([
    0,
    expect.stringContaining(
      'missing: 2024-01-02 NIFTY: no rows of the weekly expiry 2024-01-11; 1 of 4 options of 2024-01-04 without rows\n`tickloom coverage` shows which, and gaps.\n',
    ),
  ])
  const holes = `SELECT strftime(expiry, '%m-%d') AS e FROM '${join(packed, COVERAGE)}' WHERE expected AND (contracts = 0 OR len(without_rows) > 0)`
  expect(await duckRows(holes)).toEqual([{ e: '01-04' }, { e: '01-11' }])
  expect((await runHere(['verify', '--lake', packed])).code).toBe(0)
})

describe('tickloom coverage', () => {
  it('shows it, and ends with 0, or with 1 under --strict', async () => {
    const shown = await runHere(['coverage', '--lake', lake, '--quiet'])
    expect([shown.code, shown.stderr]).toEqual([0, ''])
    for (const line of [
      /2025-01-06 .*NIFTY .*2 of 3 .*4 of 5 /,
      /2025-01-06 .*an expiry .*2025-01-16, weekly/,
      /2025-01-06 .*contracts .*2025-01-09: 23950 CE, 24000 CE, 24000 PE/,
      /2025-01-07 .*the day .*a trading day without a row/,
      /2025-01-08 .*every contract .*10:59:31 to 11:30:30, 1859 s/,
      /2025-01-08 .*the underlying .*NIFTY has rows on other days/,
      /NIFTY:2025-01-09:24050:PE .*14:59:31 .*15:30:00 .*1,829/,
    ])
      expect(shown.stdout).toMatch(line)
    const json = await runHere(['coverage', '--lake', lake, '--strict', '--json', '--gap', '3600'])
    expect([json.code, JSON.parse(json.stdout)]).toMatchObject([1, { gap: 3600, whole: false, days: [{ gaps: 0 }, { gaps: 0 }] }])
    const whole = ['--strikes', '23900', '--to', '2025-01-06', '--gap', '90', '--strict']
    expect((await runHere(['coverage', '--lake', lake, ...whole])).code).toBe(0)
  })

  it.each([
    [['--lake', 'nowhere'], 'LAKE_MISSING'],
    [['--lake', 'LAKE', '--from', '2025-02-01'], 'LAKE_EMPTY'],
    [['--lake', 'LAKE', '--from', '2025-02-01', '--to', '2025-01-01'], 'lies before'],
    [['--lake', 'LAKE', '--gap', 'long'], '--gap'],
  ])('refuses %j', async (args, message) => {
    const answer = await runHere(['coverage', ...args.map((arg) => (arg === 'LAKE' ? lake : arg))])
    expect([answer.code, answer.stderr]).toEqual([2, expect.stringContaining(message)])
  })
})
