import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { contractOf } from '../../core/instruments.ts'
import { optionFees, readOptionFees } from '../../markets/nse/fees.ts'
import { expiriesOf, freezeQuantity, lotSize, strikeStep, tickSize } from '../../markets/nse/market.ts'
import { NseTerms } from '../../markets/nse/terms.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** The lot of the future or call that expires on that date. */
const lot = (symbol: string, expiry: string, when = {}) => lotSize(contractOf(`${symbol}:${expiry}:20000:CE`), when)

describe('lots belong to contracts', () => {
  test.each<[string, ...[number, string][]]>([
    ['NIFTY', [75, '2021-07-22'], [50, '2021-07-29'], [75, '2021-06-24']],
    ['NIFTY', [50, '2021-08-05'], [50, '2024-04-25'], [25, '2024-05-02'], [25, '2024-05-30']],
    ['NIFTY', [25, '2024-12-19'], [25, '2024-12-26'], [75, '2025-01-02'], [25, '2025-01-30'], [75, '2025-02-06'], [75, '2025-02-27']],
    ['NIFTY', [75, '2025-12-30'], [65, '2026-01-06'], [65, '2026-01-27'], [65, '2026-12-29']],
    ['BANKNIFTY', [20, '2020-07-23'], [25, '2020-07-30'], [25, '2023-06-28'], [25, '2023-07-20'], [15, '2023-07-27'], [15, '2023-08-03']],
    [
      'BANKNIFTY',
      [15, '2024-11-13'],
      [15, '2025-01-30'],
      [30, '2025-02-27'],
      [30, '2025-06-26'],
      [35, '2025-07-31'],
      [35, '2025-12-30'],
      [30, '2026-01-27'],
    ],
    ['FINNIFTY', [40, '2024-06-25'], [25, '2024-07-30'], [40, '2024-07-23'], [25, '2024-08-06'], [65, '2025-02-27'], [60, '2026-01-27']],
    ['MIDCPNIFTY', [75, '2024-06-24'], [50, '2024-07-29'], [50, '2024-08-05'], [120, '2025-02-27'], [140, '2025-07-31'], [120, '2026-01-27']],
  ])('%s: %j', (symbol, ...expected) => expect(expected.map(([, expiry]) => [lot(symbol, expiry), expiry])).toEqual(expected))

  test('two sizes are live on one day around a change', () => {
    const date = '2021-07-20'
    expect([lot('NIFTY', '2021-07-22', { date }), lot('NIFTY', '2021-07-29', { date })]).toEqual([75, 50])
  })

  test('a contract listed long before changes while it lives', () => {
    const march = (date: string) => lot('NIFTY', '2025-03-27', { date })
    expect([march('2024-12-26'), march('2024-12-27')]).toEqual([25, 75])
  })

  test('a lot is not known before its circular', () => {
    expect([lot('NIFTY', '2026-01-27', { knownAt: '2025-10-02' }), lot('NIFTY', '2026-01-27', { knownAt: '2025-10-03' })]).toEqual([75, 65])
  })

  test('a contract whose expiry was revised has the lot of its kind', () => expect(lot('NIFTY', '2025-09-04')).toBe(75))

  test('every contract of the calendar has one', () => {
    for (const symbol of ['NIFTY', 'BANKNIFTY', 'FINNIFTY', 'MIDCPNIFTY', 'NIFTYNXT50'])
      for (const { expiry } of expiriesOf(symbol, '2019-01-01', '2026-12-31')) expect(lot(symbol, expiry)).toBeGreaterThan(0)
  })

  test.each([
    ['NIFTY', 'is no derivative'],
    ['NIFTY:2024-01-05:20000:CE', 'expires on a day on which nothing of it expires'],
    ['SENSEX:2024-01-05:20000:CE', 'no expiries are known of "SENSEX"'],
    ['NIFTY:2018-06-28:FUT', 'has no lot in the tables'],
  ])('%s %s', (name, reason) => {
    expect(() => lotSize(contractOf(name))).toThrow(expect.objectContaining({ code: 'INSTRUMENT_INVALID', message: expect.stringContaining(reason) }))
  })
})

test('strikes are 50 and 100 apart, and prices 5 paise', () => {
  expect([strikeStep('NIFTY'), strikeStep('BANKNIFTY')]).toEqual([50, 100])
  expect(['NIFTY', 'BANKNIFTY', 'FINNIFTY', 'MIDCPNIFTY'].map(tickSize)).toEqual([0.05, 0.05, 0.05, 0.05])
  expect(() => strikeStep('SENSEX')).toThrow(expect.objectContaining({ code: 'INSTRUMENT_INVALID' }))
})

test('freeze quantities by date', () => {
  expect([freezeQuantity('NIFTY', '2025-12-01'), freezeQuantity('BANKNIFTY', '2025-12-01')]).toEqual([1800, 600])
  expect(['2025-08-29', '2025-09-01', '2025-10-31', '2025-11-03'].map((date) => freezeQuantity('BANKNIFTY', date))).toEqual([600, 900, 900, 600])
  expect(freezeQuantity('BANKNIFTY', '2025-11-03', '2025-10-30')).toBe(900)
  expect(() => freezeQuantity('NIFTY', '2019-01-01')).toThrow('no freeze quantity of NIFTY is known for 2019-01-01')
})

describe('fees of options', () => {
  const trade = { date: '2025-01-06', buy: 2489.75, sell: 2614.75, quantity: 30 }

  test('a round trip of one lot of BANKNIFTY: 145.0122258', () => {
    const fees = optionFees(trade)
    expect(fees.total).toBeCloseTo(145.0122258, 9)
    expect(fees.stt).toBeCloseTo(0.001 * 2614.75 * 30, 9)
    expect(fees.stamp).toBeCloseTo(0.00003 * 2489.75 * 30, 9)
    expect(fees.gst).toBeCloseTo(0.18 * (fees.exchange + fees.ipft + fees.sebi), 9)
    const { total, ...parts } = fees
    expect(Object.values(parts).reduce((sum, part) => sum + part)).toBeCloseTo(total, 9)
  })

  test('brokerage is of two orders, and comes on top', () => {
    expect(optionFees({ ...trade, brokeragePerOrder: 20 }).total - optionFees(trade).total).toBeCloseTo(40, 9)
  })

  test("a short's sale is its entry: the tax is of the higher price when it loses", () => {
    const short = optionFees({ ...trade, sell: trade.buy, buy: trade.sell })
    expect(short.stt).toBeCloseTo(0.001 * 2489.75 * 30, 9)
    expect(short.stamp).toBeCloseTo(0.00003 * 2614.75 * 30, 9)
  })

  test('the schedule is that of the date', () => {
    const stt = (date: string) => optionFees({ date, buy: 0, sell: 100, quantity: 1 }).stt
    expect(['2023-03-31', '2023-04-01', '2024-09-30', '2024-10-01', '2026-03-31', '2026-04-01'].map(stt)).toEqual([
      0.05, 0.0625, 0.0625, 0.1, 0.1, 0.15,
    ])
  })

  test.each([
    [{ date: '2020-06-30' }, 'no schedule of fees is known for 2020-06-30'],
    [{ date: '2025-1-6' }, 'date "2025-1-6" is not a date'],
    [{ buy: -1 }, 'buy -1 is not a number of 0 or more'],
    [{ quantity: Number.NaN }, 'quantity NaN is not a number'],
  ])('%j is refused', (change, reason) => expect(() => optionFees({ ...trade, ...change })).toThrow(reason))
})

describe('a row that does not hold is refused with its file and line', () => {
  test.each([
    ['lots.csv', 'NIFTY,monthly,2027-01-01,0,2026-10-01,,2026-10-01,me', 'lot 0 is not a whole number above 0'],
    ['lots.csv', 'NIFTY,monthly,2020-01-01,75,2019-10-01,,2019-10-01,me', 'is not later than a row above it'],
    ['freeze-quantities.csv', 'NIFTY,many,2027-01-01,2026-12-31,me', 'quantity "many" is not a number'],
    ['symbols.csv', 'NIFTY,X,0.05,50,2000,60000,2001-06-04,2001-06-04,me', 'NIFTY is there twice'],
    ['symbols.csv', 'NEW,X,0.05,50,2000,2000,2001-06-04,2001-06-04,me', 'strike_max is not above strike_min'],
    ['option-fees.csv', '2025-01-01,chosen,0.1,0.035,0,0,0,18,2025-01-01,me', 'is not later than the chosen row above it'],
    ['option-fees.csv', '2027-01-01,chosen,-0.1,0.035,0,0,0,18,2025-01-01,me', 'stt_sell "-0.1" is not a number'],
  ])('%s: %s', (name, line, reason) => {
    const folder = mkdtempSync(join(tmpdir(), 'terms-'))
    folders.push(folder)
    cpSync('markets/nse', folder, { recursive: true })
    const table = readFileSync(join(folder, name), 'utf8')
    writeFileSync(join(folder, name), `${table}${line}\n`)
    const read = () => [new NseTerms(folder), readOptionFees(folder)]
    expect(read).toThrow(
      expect.objectContaining({ code: 'MARKET_DATA_INVALID', message: expect.stringContaining(`${name}:${table.split('\n').length}: `) }),
    )
    expect(read).toThrow(reason)
  })
})
