import { describe, expect, it } from 'vitest'
import { Bar } from '../../core/bar.ts'
import { Trade, VolDelta } from '../../core/market.ts'
import type { Step } from '../../core/step.ts'
import { HOUR, MINUTE } from '../../core/time.ts'
import { bars } from '../../operators/bars.ts'
import { calendarOf } from '../kit/calendar.ts'
import { feed } from '../kit/feed.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { at, type Cell, clock, rowsOf } from '../kit/table.ts'

const Priced = { ...Trade, ...VolDelta, oi: 'f64' } as const
const calendar = calendarOf({ NIFTY: '09:15:00-15:30:00', GOLD: '09:45:00-15:30:00' })
const of = (length: number) => (step: Step) => bars<typeof Priced>(step, { calendar, length })
const kinds = { input: Priced, output: Bar }

/** `time instrument open high low close volume oi` of the bars that left by `end`. */
const barsOf = (length: number, ticks: string, end = '2025-01-07 00:00'): Cell[] =>
  feed(of(length), kinds, [{ rows: rowsOf(Priced, ticks), watermark: at(end) }]).rows.map((r) =>
    [clock(r['ts'] as number), r['instrument'], r['open'], r['high'], r['low'], r['close'], r['volume'], r['oi']].join(' '),
  )

describe('bars', () => {
  it('holds the first, highest, lowest and last price, what traded and the last open interest, where there was a row', () => {
    expect(
      barsOf(
        MINUTE,
        `
      ts        price  delta  oi
      09:15:00    100      5  10
      09:15:40    103      1  20
      09:15:59     99      2   -
      09:17:01    101      4  30`,
      ),
    ).toEqual(['09:15:00 NIFTY 100 103 99 99 8 20', '09:17:00 NIFTY 101 101 101 101 4 30'])
  })

  it('begins at multiples of its length from the first open of the day, for all instruments', () => {
    const ticks = `
      ts        instrument  price  delta
      09:14:59  NIFTY          98      1
      09:15:00  NIFTY          99      1
      10:14:59  GOLD          200      1
      10:15:00  GOLD          201      1
      15:29:59  NIFTY         100      1`
    expect(barsOf(HOUR, ticks).map((line) => String(line).split(' ').slice(0, 3).join(' '))).toEqual([
      '08:15:00 NIFTY 98',
      '09:15:00 NIFTY 99',
      '09:15:00 GOLD 200',
      '10:15:00 GOLD 201',
      '15:15:00 NIFTY 100',
    ])
  })

  it('of a day ends at midnight', () => {
    const ticks = `
      ts                   price  delta
      09:15:00               100      1
      15:29:59               110      2
      2025-01-07T09:15:00    120      3
      2025-01-07T09:15:01    119      4`
    expect(barsOf(24 * HOUR, ticks, '2025-01-08 00:00')).toEqual(['09:15:00 NIFTY 100 110 100 110 3 0', '09:15:00 NIFTY 120 120 119 119 7 0'])
  })

  it('leaves when the watermark has passed it, and says how far it is', () => {
    const rows = rowsOf(
      Priced,
      `
      ts        price
      09:15:10    100`,
    )
    const before = feed(of(MINUTE), kinds, [{ rows, watermark: at('09:15:59.999999') }])
    expect([before.rows.length, clock(before.watermark)]).toEqual([0, '09:15:00'])
    const after = feed(of(MINUTE), kinds, [{ rows, watermark: at('09:16:30') }])
    expect([after.rows.length, clock(after.watermark)]).toEqual([1, '09:16:00'])
  })

  it('passes over prices that are missing', () => {
    expect(
      barsOf(
        MINUTE,
        `
      ts        price  delta  oi
      09:15:00      -      5   1
      09:15:01     10      1   -
      09:15:02      -      1   -`,
      ),
    ).toEqual(['09:15:00 NIFTY 10 10 10 10 7 1'])
  })

  it('refuses a length that is none', () => {
    for (const length of [0, -1, 0.5, 25 * HOUR, NaN]) expect(() => barsOf(length, 'ts price')).toThrow('whole microseconds')
  })
})

operatorContract(
  of(MINUTE),
  kinds,
  rowsOf(
    Priced,
    `
    ts                   instrument  price  delta  oi
    09:15:00             NIFTY         100      5  10
    09:15:00             GOLD           50      1   7
    09:15:30             NIFTY         104      2   -
    09:16:00             GOLD           49      3   8
    09:18:59.9           NIFTY          99      1  11
    09:19:00             NIFTY         101      2   -
    09:19:00             GOLD           51      0   9
    2025-01-07T09:15:00  GOLD           52      1   3
    2025-01-07T09:15:59  NIFTY         110      1   4`,
  ),
  ['price', 'delta', 'oi'],
)
