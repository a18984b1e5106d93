import { describe, expect, it } from 'vitest'
import { Trade, VolDelta } from '../../core/market.ts'
import type { Step } from '../../core/step.ts'
import { IST, UTC } from '../../core/time.ts'
import { volDelta } from '../../operators/volDelta.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { rowsOf, run } from '../kit/table.ts'

const op = (step: Step) => volDelta(step, { zone: IST })
const kinds = { input: Trade, output: { ...Trade, ...VolDelta } }

describe('volDelta', () => {
  it('gives what traded since the instrument’s row before, 0 at the first', () => {
    const ticks = rowsOf(
      Trade,
      `
      ts        instrument  volume
      09:15:00  NIFTY          100
      09:15:00  BANKNIFTY     7000
      09:15:01  NIFTY          130
      09:15:01  BANKNIFTY     7005
      09:15:02  NIFTY          130`,
    )
    expect(run(op, kinds, ticks, ['instrument', 'delta'])).toEqual([
      ['NIFTY', 0],
      ['BANKNIFTY', 0],
      ['NIFTY', 30],
      ['BANKNIFTY', 5],
      ['NIFTY', 0],
    ])
  })

  it('takes a fall for a reset: nothing traded, and the new level is the base', () => {
    const ticks = rowsOf(
      Trade,
      `
      ts        volume
      09:15:00     130
      09:15:01      20
      09:15:02      50`,
    )
    expect(run(op, kinds, ticks, ['delta'])).toEqual([[0], [0], [30]])
  })

  it('starts anew on a new day of the zone, even when the volume is higher than yesterday’s', () => {
    const ticks = rowsOf(
      Trade,
      `
      ts                      instrument  volume
      2025-01-06T15:29:59     NIFTY          100
      2025-01-06T23:59:59.9   NIFTY          110
      2025-01-07T00:00:00     NIFTY          900
      2025-01-07T09:15:00     NIFTY          905
      2025-01-07T09:15:00     BANKNIFTY        7`,
    )
    expect(run(op, kinds, ticks, ['volume', 'delta'])).toEqual([
      [100, 0],
      [110, 10],
      [900, 0],
      [905, 5],
      [7, 0],
    ])
  })

  it('takes the day from the zone given, not from UTC', () => {
    const ticks = rowsOf(
      Trade,
      `
      ts                   volume
      2025-01-07T05:29:59     100
      2025-01-07T05:30:00     103`,
    )
    expect(run(op, kinds, ticks, ['delta'])).toEqual([[0], [3]])
    expect(run((step) => volDelta(step, { zone: UTC }), kinds, ticks, ['delta'])).toEqual([[0], [0]])
  })

  it('gives 0 for an unknown volume and leaves the base', () => {
    const ticks = rowsOf(
      Trade,
      `
      ts        volume
      09:15:00       -
      09:15:01     100
      09:15:02       -
      09:15:03     107`,
    )
    expect(run(op, kinds, ticks, ['delta'])).toEqual([[0], [0], [0], [7]])
  })

  it('comes to an end on a time that is none', () => {
    const ticks = rowsOf(
      Trade,
      `
      ts        volume
      09:15:00       1
      09:15:01       3`,
    ).map((row, i) => (i === 1 ? { ...row, ts: Number.NaN } : row))
    expect(run(op, kinds, ticks, ['volume'])).toEqual([[1], [3]])
  })

  operatorContract(
    op,
    kinds,
    rowsOf(
      Trade,
      `
    ts                   instrument  volume
    09:15:00             NIFTY          100
    09:15:00             BANKNIFTY     7000
    09:15:01             NIFTY        130.3
    09:15:02             BANKNIFTY       10
    09:15:03             BANKNIFTY       15
    09:15:04             NIFTY            -
    09:15:05             NIFTY        131.7
    2025-01-07T09:15:00  NIFTY          500
    2025-01-07T09:15:00  FINNIFTY         1
    2025-01-07T09:15:01  BANKNIFTY       20
    2025-01-07T09:15:02  NIFTY          501
    2025-01-07T09:15:03  BANKNIFTY       25`,
    ),
    ['price', 'volume'],
  )
})
