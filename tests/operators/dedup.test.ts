import { pipe } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { Trade, VolDelta } from '../../core/market.ts'
import type { Step } from '../../core/step.ts'
import { IST } from '../../core/time.ts'
import { dedup } from '../../operators/dedup.ts'
import { volDelta } from '../../operators/volDelta.ts'
import { feed } from '../kit/feed.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { drive, rowsOf, run } from '../kit/table.ts'

const op = (step: Step) => dedup(step, { schema: Trade })
const kinds = { input: Trade, output: Trade }

describe('dedup', () => {
  it('keeps the first to arrive of an instrument and time', () => {
    const ticks = rowsOf(
      Trade,
      `
      ts        instrument  price
      09:15:01  NIFTY          10
      09:15:01  BANKNIFTY      20
      09:15:01  NIFTY          11
      09:15:02  NIFTY          12
      09:15:02  BANKNIFTY      21
      09:15:02  BANKNIFTY      22`,
    )
    expect(run(op, kinds, ticks, ['instrument', 'price'])).toEqual([
      ['NIFTY', 10],
      ['BANKNIFTY', 20],
      ['NIFTY', 12],
      ['BANKNIFTY', 21],
    ])
  })

  it('counts what it drops, and as a conflict what differs from the row kept', () => {
    const rows = rowsOf(
      Trade,
      `
      ts        price  volume
      09:15:01     10     100
      09:15:01     10     100
      09:15:01     11     100
      09:15:01     10     101
      09:15:02     11     101`,
    )
    expect(feed(op, kinds, [{ rows }]).counts).toEqual({ duplicate: 3, conflict: 2 })
  })

  it('takes two unknown volumes for the same, an unknown and a known one for a conflict', () => {
    const rows = rowsOf(
      Trade,
      `
      ts        price  volume
      09:15:01     10       -
      09:15:01     10       -
      09:15:01     10       5`,
    )
    expect(feed(op, kinds, [{ rows }]).counts).toEqual({ duplicate: 2, conflict: 1 })
  })

  it('tells apart times a microsecond apart, and the same clock time of two days', () => {
    const ticks = rowsOf(
      Trade,
      `
      ts                   price
      09:15:01                10
      09:15:01.000001         11
      2025-01-07T09:15:01     12
      2025-01-07T09:15:01     13`,
    )
    expect(run(op, kinds, ticks, ['price'])).toEqual([[10], [11], [12]])
  })

  it('forgets at midnight UTC, which is 05:30 of IST, without losing a duplicate', () => {
    const ticks = rowsOf(
      Trade,
      `
      ts                      instrument  price
      2025-01-07T05:29:59.9   NIFTY          10
      2025-01-07T05:30:00     BANKNIFTY      20
      2025-01-07T05:30:00     NIFTY          11
      2025-01-07T05:30:00     BANKNIFTY      21`,
    )
    expect(run(op, kinds, ticks, ['price'])).toEqual([[10], [20], [11]])
  })

  it('leaves the volume of a dropped row to the next difference', () => {
    const both = (step: Step) => pipe(op(step), volDelta(step, { zone: IST }))
    const apart = (step: Step) =>
      both({
        ...step,
        table: (name, spec) => step.table(`${name}${spec.fields['price'] ? 1 : 2}`, spec),
        cells: (name, spec) => step.cells(`${name}${'number' in spec.cells ? 1 : 2}`, spec),
      })
    const ticks = rowsOf(
      Trade,
      `
      ts        volume
      09:15:01     100
      09:15:02     110
      09:15:02     130
      09:15:03     135`,
    )
    expect(run(apart, { input: Trade, output: { ...Trade, ...VolDelta } }, ticks, ['volume', 'delta'])).toEqual([
      [100, 0],
      [110, 10],
      [135, 25],
    ])
  })

  it('comes to an end on a time that is none', () => {
    const ticks = rowsOf(
      Trade,
      `
      ts        price
      09:15:01     10
      09:15:02     11
      09:15:03     12`,
    ).map((row, i) => (i === 1 ? { ...row, ts: Number.NaN } : row))
    expect(run(op, kinds, ticks, ['price'])).toEqual([[10], [11], [12]])
  })

  it('drops every further row of one time, wherever a batch ends among them', () => {
    const ticks = rowsOf(
      Trade,
      `
      ts        instrument  price
      09:15:01  NIFTY          10
      09:15:02  BANKNIFTY      11
      09:15:02  NIFTY          12
      09:15:02  NIFTY          13
      09:15:02  NIFTY          14
      09:15:03  NIFTY          15
      09:15:03  BANKNIFTY      16
      09:15:03  NIFTY          17
      09:15:03  NIFTY          18`,
    )
    for (let cut = 0; cut <= ticks.length; cut++) {
      const rows = drive(op, kinds, [ticks.slice(0, cut), ticks.slice(cut)])
      expect(
        rows.map((row) => row['price']),
        `cut before row ${cut}`,
      ).toEqual([10, 11, 12, 15, 16])
    }
  })

  operatorContract(
    op,
    kinds,
    rowsOf(
      Trade,
      `
    ts                   instrument  price  volume
    09:15:01             NIFTY          10     100
    09:15:01             BANKNIFTY      20     100
    09:15:01             NIFTY          11     100
    09:15:02             BANKNIFTY      21     105
    09:15:02             NIFTY          12     101
    09:15:02             BANKNIFTY      21     105
    2025-01-07T09:15:02  NIFTY          13       1
    2025-01-07T09:15:02  NIFTY          14       1
    2025-01-07T09:15:02  FINNIFTY       30       1
    2025-01-07T09:15:03  BANKNIFTY      22       1
    2025-01-07T09:15:03  BANKNIFTY      22       1`,
    ),
    ['price', 'volume'],
  )
})
