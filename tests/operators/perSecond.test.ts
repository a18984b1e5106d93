import { describe, expect, it } from 'vitest'
import { Second, Trade, VolDelta } from '../../core/market.ts'
import type { Step } from '../../core/step.ts'
import { perSecond } from '../../operators/perSecond.ts'
import { calendarOf } from '../kit/calendar.ts'
import { feed } from '../kit/feed.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { at, type Cell, clock, type Row, rowsOf } from '../kit/table.ts'

const Ticks = { ...Trade, ...VolDelta }
const calendar = calendarOf(
  { NIFTY: '09:15:00-09:15:05', BANKNIFTY: '09:15:00-09:15:05', GOLD: '09:15:00-09:15:03 09:15:08-09:15:10' },
  { '2025-01-08': { NIFTY: '18:00:00-18:00:02' } },
)
const op = (step: Step) => perSecond(step, { calendar })
const kinds = { input: Ticks, output: Second }

/** `time instrument second close vol`, then `=` when observed or the age. */
const line = (r: Row): Cell =>
  `${clock(r['ts'] as number)} ${r['instrument']} ${r['second']} ${r['close']} ${r['vol']} ${r['observed'] === 1 ? '=' : r['age']}`
const grid = (ticks: string, end: string) => feed(op, kinds, [{ rows: rowsOf(Ticks, ticks), watermark: at(end) }]).rows.map(line)

describe('perSecond', () => {
  it('gives a row a second: last price, what traded, carried with its age where nobody traded', () => {
    expect(
      grid(
        `
      ts          price  delta
      09:15:00.2    100      5
      09:15:00.9    101      1
      09:15:03.1     99      2`,
        '09:15:05',
      ),
    ).toEqual([
      '09:15:00 NIFTY 0 101 6 =',
      '09:15:01 NIFTY 1 101 0 1',
      '09:15:02 NIFTY 2 101 0 2',
      '09:15:03 NIFTY 3 99 2 =',
      '09:15:04 NIFTY 4 99 0 1',
    ])
  })

  it('begins with the second of the first tick, counted from the open', () => {
    expect(
      grid(
        `
      ts          price  delta
      09:15:03.0    100      5`,
        '09:15:04',
      ),
    ).toEqual(['09:15:03 NIFTY 3 100 5 ='])
  })

  it('closes every second up to the bell, and none beyond, on a watermark alone', () => {
    const rows = rowsOf(
      Ticks,
      `
      ts          price  delta
      09:15:02.5    100      5`,
    )
    const watermarks = ['09:15:02.9', '09:15:03', '09:15:04.999999', '09:15:05', '15:30:00']
    const after = watermarks.map(
      (_, i) => feed(op, kinds, [{ rows }, ...watermarks.slice(0, i + 1).map((t) => ({ rows: [], watermark: at(t) }))]).rows.length,
    )
    expect([watermarks[0], ...after]).toEqual(['09:15:02.9', 0, 1, 2, 3, 3])
  })

  it('says how far it is: no row earlier than its watermark comes', () => {
    const rows = rowsOf(
      Ticks,
      `
      ts          price
      09:15:02.5    100`,
    )
    expect(clock(feed(op, kinds, [{ rows }]).watermark)).toBe('09:15:02')
    expect(clock(feed(op, kinds, [{ rows, watermark: at('09:15:04.7') }]).watermark)).toBe('09:15:04')
  })

  it('lists instruments within a second in the order of their first appearance', () => {
    expect(
      grid(
        `
      ts          instrument  price  delta
      09:15:03.1  NIFTY         100      1
      09:15:03.2  BANKNIFTY     200      2
      09:15:04.1  BANKNIFTY     201      3
      09:15:04.2  NIFTY         101      4`,
        '09:15:05',
      ),
    ).toEqual(['09:15:03 NIFTY 3 100 1 =', '09:15:03 BANKNIFTY 3 200 2 =', '09:15:04 NIFTY 4 101 4 =', '09:15:04 BANKNIFTY 4 201 3 ='])
  })

  it('rings each instrument’s own bell, and opens its next session of the day anew', () => {
    expect(
      grid(
        `
      ts          instrument  price  delta
      09:15:02.1  GOLD           50      1
      09:15:02.2  NIFTY         100      2
      09:15:09.0  GOLD           51      3`,
        '15:30:00',
      ),
    ).toEqual([
      '09:15:02 GOLD 2 50 1 =',
      '09:15:02 NIFTY 2 100 2 =',
      '09:15:03 NIFTY 3 100 0 1',
      '09:15:04 NIFTY 4 100 0 2',
      '09:15:09 GOLD 1 51 3 =',
    ])
  })

  it('starts a second day anew: no price is carried over night, and the order is that of the new day', () => {
    expect(
      grid(
        `
      ts                     instrument  price  delta
      09:15:04.0             NIFTY         100      1
      09:15:04.1             BANKNIFTY     200      1
      2025-01-07T09:15:03.0  BANKNIFTY     201      1
      2025-01-07T09:15:04.0  NIFTY         101      1`,
        '2025-01-07 15:30:00',
      ),
    ).toEqual([
      '09:15:04 NIFTY 4 100 1 =',
      '09:15:04 BANKNIFTY 4 200 1 =',
      '09:15:03 BANKNIFTY 3 201 1 =',
      '09:15:04 BANKNIFTY 4 201 0 1',
      '09:15:04 NIFTY 4 101 1 =',
    ])
  })

  it('takes the hours of the date', () => {
    expect(
      grid(
        `
      ts                     price  delta
      2025-01-08T18:00:00.5    100      1`,
        '2025-01-09 00:00:00',
      ),
    ).toEqual(['18:00:00 NIFTY 0 100 1 =', '18:00:01 NIFTY 1 100 0 1'])
  })

  it('counts rows outside the session, and rows whose time is none, and gives them no second', () => {
    const rows = rowsOf(
      Ticks,
      `
      ts          price  delta
      09:14:59.9     99      9
      09:15:00.0    100      1
      09:15:01.0    101      1
      09:15:05.0    102      9`,
    )
    const odd = [Number.NaN, -Infinity].map((ts) => ({ ...rows[0], ts }))
    const fed = feed(op, kinds, [{ rows: [...odd, ...rows], watermark: at('09:15:06') }])
    expect(fed.rows.map((r) => r['vol'])).toEqual([1, 1, 0, 0, 0])
    expect(fed.counts).toEqual({ off_session: 4 })
  })

  operatorContract(
    op,
    { ...kinds, end: at('2025-01-07 15:30:00') },
    rowsOf(
      Ticks,
      `
    ts                     instrument  price  delta
    09:15:00.2             NIFTY         100      5
    09:15:00.4             GOLD           50      7
    09:15:00.9             NIFTY         101    0.1
    09:15:02.1             BANKNIFTY     200    0.2
    09:15:02.2             NIFTY         102    0.3
    09:15:04.9             BANKNIFTY     201      1
    09:15:06.0             NIFTY         103      1
    09:15:08.0             GOLD           51      1
    2025-01-07T09:15:01.0  BANKNIFTY     202      1
    2025-01-07T09:15:01.5  GOLD           52      1
    2025-01-07T09:15:04.0  NIFTY         104      1`,
    ),
    ['price', 'delta'],
  )
})
