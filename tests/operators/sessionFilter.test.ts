import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Trade } from '../../core/market.ts'
import type { Step } from '../../core/step.ts'
import { sessionFilter } from '../../operators/sessionFilter.ts'
import { calendarOf } from '../kit/calendar.ts'
import { feed } from '../kit/feed.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { at, plug, type Row, rowsOf, run, toBatch, toRows } from '../kit/table.ts'

const calendar = calendarOf(
  { NIFTY: '09:15:00-15:30:00', GOLD: '09:00:00-17:00:00 18:00:00-23:30:00' },
  { '2025-01-08': { NIFTY: '18:00:00-19:00:00', GOLD: '' } },
)
const op = (step: Step) => sessionFilter(step, { schema: Trade, calendar })
const kinds = { input: Trade, output: Trade }

describe('sessionFilter', () => {
  it('keeps open <= ts < close', () => {
    const ticks = rowsOf(
      Trade,
      `
      ts               price
      09:14:59.999999      1
      09:15:00             2
      15:29:59.999999      3
      15:30:00             4`,
    )
    expect(run(op, kinds, ticks, ['price'])).toEqual([[2], [3]])
  })

  it('asks the hours of the instrument’s own segment, options with their underlying', () => {
    const ticks = rowsOf(
      Trade,
      `
      ts        instrument                   price
      09:00:00  GOLD                             1
      09:00:00  NIFTY                            2
      17:30:00  GOLD:2025-02-05:FUT              3
      23:00:00  GOLD:2025-02-05:FUT              4
      23:00:00  NIFTY:2025-01-09:24000:CE        5`,
    )
    expect(run(op, kinds, ticks, ['price'])).toEqual([[1], [4]])
  })

  it('asks the hours of the date', () => {
    const ticks = rowsOf(
      Trade,
      `
      ts                   instrument  price
      2025-01-07T10:00:00  NIFTY           1
      2025-01-08T10:00:00  NIFTY           2
      2025-01-08T10:00:00  GOLD            3
      2025-01-08T18:30:00  NIFTY           4
      2025-01-09T10:00:00  GOLD            5`,
    )
    expect(run(op, kinds, ticks, ['price'])).toEqual([[1], [4], [5]])
  })

  it('keeps rows that do not stand next to each other', () => {
    const ticks = rowsOf(
      Trade,
      `
      ts        instrument  price
      16:00:00  GOLD            1
      16:00:00  NIFTY           2
      16:00:01  GOLD            3
      16:00:02  NIFTY           4`,
    )
    expect(run(op, kinds, ticks, ['price'])).toEqual([[1], [3]])
  })

  it('counts what it drops, and keeps no row whose time is none', () => {
    const rows = rowsOf(
      Trade,
      `
      ts        price
      09:00:00      1
      10:00:00      2
      10:00:00      3
      16:00:00      4`,
    ).map((row) => (row['price'] === 3 ? { ...row, ts: Number.NaN } : row))
    const fed = feed(op, kinds, [{ rows }])
    expect(fed.rows.map((r) => r['price'])).toEqual([2])
    expect(fed.counts).toEqual({ off_session: 3 })
  })

  it('keeps the same of rows that are said to be in order, wherever they are cut', () => {
    const clocks = ['08:59:59.9', '09:00:00', '09:15:00', '12:00:00', '15:30:00', '17:00:00', '17:30:00', '18:00:00', '23:30:00']
    const times = clocks.flatMap((clock) => ['06', '07', '08', '09'].map((day) => at(`2025-01-${day} ${clock}`)))
    const tick = fc.record({ ts: fc.constantFrom(...times), instrument: fc.constantFrom('NIFTY', 'GOLD'), price: fc.nat(), volume: fc.constant(0) })
    fc.assert(
      fc.property(fc.array(tick, { maxLength: 20 }), fc.integer({ min: 1, max: 20 }), (rows, length) => {
        const ticks = [...rows].sort((a, b) => a.ts - b.ts)
        expect(kept(ticks, length, true)).toEqual(kept(ticks, 1, false))
      }),
      { numRuns: 300 },
    )
  })

  operatorContract(
    op,
    kinds,
    rowsOf(
      Trade,
      `
    ts                   instrument           price
    09:14:59             NIFTY                    1
    09:15:00             GOLD                     2
    09:15:00             NIFTY                    3
    15:30:00             NIFTY                    4
    15:30:00             GOLD                     5
    18:00:00             GOLD:2025-02-05:FUT      6
    2025-01-07T09:14:59  GOLD                     7
    2025-01-07T09:15:00  NIFTY                    8
    2025-01-08T10:00:00  NIFTY                    9
    2025-01-08T18:00:00  NIFTY                   10`,
    ),
    ['ts', 'price'],
  )
})

/** What is left of rows that come in batches of `length`. */
function kept(rows: readonly Row[], length: number, inOrder: boolean): Row[] {
  const left: Row[] = []
  const { flow, next } = plug(op, (batch) => left.push(...toRows(batch, Trade, flow.instruments)))
  for (let from = 0; from < rows.length; from += length) next({ ...toBatch(Trade, rows.slice(from, from + length), flow.instruments), inOrder })
  return left
}
