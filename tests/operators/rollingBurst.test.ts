import { describe, expect, it } from 'vitest'
import { Burst, Second } from '../../core/market.ts'
import type { Step } from '../../core/step.ts'
import { rollingBurst } from '../../operators/rollingBurst.ts'
import { Flow } from '../../runtime/flow.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { rowsOf, run } from '../kit/table.ts'

const op = (step: Step) => rollingBurst(step, { window: 2, baseline: 4 })
const kinds = { input: Second, output: Burst }

describe('rollingBurst', () => {
  it('sums vol over the window, and gives what the baseline’s rate trades in one', () => {
    const seconds = rowsOf(
      Second,
      `
      ts        second  close  vol
      09:15:00       0    100    3
      09:15:01       1    101    5
      09:15:02       2    102    0
      09:15:03       3    103    8
      09:15:04       4    104    1
      09:15:05       5    105    0
      09:15:06       6    106    0`,
    )
    expect(run(op, kinds, seconds, ['second', 'close', 'burst', 'baseline'])).toEqual([
      [0, 100, 3, Number.NaN],
      [1, 101, 8, Number.NaN],
      [2, 102, 5, Number.NaN],
      [3, 103, 8, ((3 + 5 + 0 + 8) / 4) * 2],
      [4, 104, 9, ((5 + 0 + 8 + 1) / 4) * 2],
      [5, 105, 1, ((0 + 8 + 1 + 0) / 4) * 2],
      [6, 106, 0, ((8 + 1 + 0 + 0) / 4) * 2],
    ])
  })

  it('defines the baseline by the session’s seconds, and counts those before the first row as 0', () => {
    const seconds = rowsOf(
      Second,
      `
      ts        second  vol
      09:15:02       2    6
      09:15:03       3    2
      09:15:04       4    0`,
    )
    expect(run(op, kinds, seconds, ['second', 'burst', 'baseline'])).toEqual([
      [2, 6, Number.NaN],
      [3, 8, 4],
      [4, 2, 4],
    ])
  })

  it('counts seconds left out between two rows as 0', () => {
    const seconds = rowsOf(
      Second,
      `
      ts        second  vol
      09:15:00       0    6
      09:15:03       3    2
      09:15:09       9    4`,
    )
    expect(run(op, kinds, seconds, ['burst', 'baseline'])).toEqual([
      [6, Number.NaN],
      [2, 4],
      [4, 2],
    ])
  })

  it('keeps instruments apart', () => {
    const seconds = rowsOf(
      Second,
      `
      ts        instrument  second  vol
      09:15:00  NIFTY            0    1
      09:15:00  BANKNIFTY        0   10
      09:15:01  NIFTY            1    2
      09:15:01  BANKNIFTY        1   20`,
    )
    expect(run(op, kinds, seconds, ['instrument', 'burst'])).toEqual([
      ['NIFTY', 1],
      ['BANKNIFTY', 10],
      ['NIFTY', 3],
      ['BANKNIFTY', 30],
    ])
  })

  it('starts anew with every session, on a new day and later on the same', () => {
    const seconds = rowsOf(
      Second,
      `
      ts                   second  vol
      09:15:03                  3    8
      09:15:04                  4    8
      15:45:00                  0    1
      15:45:03                  3    1
      2025-01-07T09:15:00       0    2
      2025-01-07T09:15:03       3    2`,
    )
    expect(run(op, kinds, seconds, ['burst', 'baseline'])).toEqual([
      [8, 4],
      [16, 8],
      [1, Number.NaN],
      [1, 1],
      [2, Number.NaN],
      [2, 2],
    ])
  })

  it('takes a window as long as its baseline', () => {
    const seconds = rowsOf(
      Second,
      `
      ts        second  vol
      09:15:00       0    1
      09:15:01       1    2
      09:15:02       2    4`,
    )
    expect(run((step) => rollingBurst(step, { window: 2, baseline: 2 }), kinds, seconds, ['burst', 'baseline'])).toEqual([
      [1, Number.NaN],
      [3, 3],
      [6, 6],
    ])
  })

  it.each([
    [0, 4],
    [1.5, 4],
    [5, 4],
    [Number.NaN, 4],
    [2, Infinity],
  ])('refuses window %d with baseline %d', (window, baseline) => {
    expect(() => rollingBurst(new Flow().at('burst'), { window, baseline })).toThrow(
      expect.objectContaining({ code: 'PARAMETER_INVALID', at: { step: 'burst' } }),
    )
  })

  operatorContract(
    op,
    kinds,
    rowsOf(
      Second,
      `
    ts                   instrument  second  close  vol
    09:15:00             NIFTY            0    100  0.1
    09:15:01             NIFTY            1    101  0.7
    09:15:01             BANKNIFTY        1    200   10
    09:15:02             NIFTY            2    102  0.3
    09:15:02             BANKNIFTY        2    201   20
    09:15:04             NIFTY            4    103  0.2
    15:45:00             NIFTY            0    104   1
    15:45:03             NIFTY            3    105   2
    2025-01-07T09:15:00  BANKNIFTY        0    202   30
    2025-01-07T09:15:00  NIFTY            0    106   3
    2025-01-07T09:15:03  FINNIFTY         3    300   4
    2025-01-07T09:15:03  NIFTY            3    107   5`,
    ),
    ['close', 'vol'],
  )
})
