import { describe, expect, it } from 'vitest'
import type { Step } from '../../core/step.ts'
import { AnchorPrice, entryPrice } from '../../operators/entryPrice.ts'
import { Trend, trend } from '../../operators/trend.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { rowsOf, run } from '../kit/table.ts'

const Row = { ts: 'time', instrument: 'instrument', second: 'i32', close: 'f64', age: 'i32', anchor: 'time' } as const
const op = (step: Step) => entryPrice<typeof Row>(step)
const kinds = { input: Row, output: { ...Row, ...AnchorPrice } }
const [CALL, PUT] = ['NIFTY:2025-01-09:24000:CE', 'NIFTY:2025-01-09:24000:PE']

const tape = rowsOf(
  Row,
  `
  ts                   instrument  second  close  age  anchor
  10:00:00             ${CALL}       2700     90    2  10:00:00
  10:00:01             ${CALL}       2701     95    0  10:00:00
  10:00:01             ${PUT}        2701     60    0  10:00:00
  11:00:00             ${CALL}       6300     80    0  11:00:00
  11:00:00             ${PUT}        6300     61    5  10:00:00
  11:00:01             ${CALL}       6301     81    0  11:00:00
  12:00:00             ${PUT}        9900     62    1  12:00:00
  2025-01-07T09:15:00  ${PUT}           0     50    0  -`,
)

describe('entryPrice', () => {
  it('adds what the contract cost at the row’s anchor; nothing stands in for a contract that had not traded then', () => {
    const none = Number.NaN
    expect(run(op, kinds, tape, ['ts', 'instrument', 'anchorPrice', 'anchorPriceAge'])).toEqual([
      ['10:00:00', CALL, 90, 2],
      ['10:00:01', CALL, 90, 2],
      ['10:00:01', PUT, none, none],
      ['11:00:00', CALL, 80, 0],
      ['11:00:00', PUT, none, none],
      ['11:00:01', CALL, 80, 0],
      ['12:00:00', PUT, 62, 1],
      ['09:15:00', PUT, none, none],
    ])
  })

  operatorContract(op, kinds, tape, ['close'])
})

describe('trend', () => {
  const Spots = { ts: 'time', spot: 'f64', anchorSpot: 'f64' } as const
  const moves = (step: Step) => trend<typeof Spots>(step)
  const spots = rowsOf(
    Spots,
    `
    ts         spot  anchorSpot
    09:59:59  24005           -
    10:00:00  24010       24010
    10:00:01  23990       24010
    10:00:02  24025       24010`,
  )

  it('adds how far the spot has come since the anchor', () => {
    expect(run(moves, { input: Spots, output: { ...Spots, ...Trend } }, spots, ['trend'])).toEqual([[Number.NaN], [0], [-20], [15]])
  })

  operatorContract(moves, { input: Spots, output: { ...Spots, ...Trend } }, spots, ['spot', 'anchorSpot'])
})
