import { describe, expect, it } from 'vitest'
import { Second } from '../../core/market.ts'
import type { Step } from '../../core/step.ts'
import { Spot, spotGrid } from '../../operators/spotGrid.ts'
import { feed } from '../kit/feed.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { at, rowsOf, run } from '../kit/table.ts'

const op = (step: Step) => spotGrid(step, { schema: Second })
const kinds = { input: Second, output: { ...Second, ...Spot }, end: at('2025-01-08 00:00') }
const [CE, BANK] = ['NIFTY:2025-01-09:24000:CE', 'BANKNIFTY:2025-01-30:50000:PE']

const tape = rowsOf(
  Second,
  `
  ts                   instrument  second  close  observed  age
  09:15:00             ${CE}            0     90         1    0
  09:15:00             NIFTY            0  24010         1    0
  09:15:01             ${CE}            1     91         1    0
  09:15:01             NIFTY            1  24010         0    1
  09:15:01             ${BANK}          1    300         1    0
  09:15:02             NIFTY            2  24012         1    0
  09:15:02             BANKNIFTY        2  50100         1    0
  09:15:02             ${BANK}          2    300         0    1
  09:15:04             ${CE}            4     92         1    0
  2025-01-07T09:15:00  ${CE}            0     80         1    0
  2025-01-07T09:15:03  NIFTY            3  24100         1    0
  2025-01-07T09:15:03  ${CE}            3     81         1    0`,
)

describe('spotGrid', () => {
  it('puts the spot of the second beside each row, wherever it stands in the second; the last known, older, where it has none; none of yesterday', () => {
    expect(run(op, kinds, tape, ['ts', 'instrument', 'spot', 'spotAge'])).toEqual([
      ['09:15:00', CE, 24010, 0],
      ['09:15:00', 'NIFTY', 24010, 0],
      ['09:15:01', CE, 24010, 1],
      ['09:15:01', 'NIFTY', 24010, 1],
      ['09:15:01', BANK, Number.NaN, Number.NaN],
      ['09:15:02', 'NIFTY', 24012, 0],
      ['09:15:02', 'BANKNIFTY', 50100, 0],
      ['09:15:02', BANK, 50100, 0],
      ['09:15:04', CE, 24012, 2],
      ['09:15:00', CE, Number.NaN, Number.NaN],
      ['09:15:03', 'NIFTY', 24100, 0],
      ['09:15:03', CE, 24100, 0],
    ])
  })

  it('holds the rows of a second that may not be whole, and vouches for no more than it gave', () => {
    const begun = feed(op, kinds, [{ rows: tape.slice(0, 1), watermark: at('09:15:00') }])
    expect([begun.rows.length, begun.watermark]).toEqual([0, at('09:15:00')])
    const passed = feed(op, kinds, [
      { rows: tape.slice(0, 1), watermark: at('09:15:00') },
      { rows: tape.slice(1, 3), watermark: at('09:15:02') },
    ])
    expect(passed.rows.map((row) => row['spot'])).toEqual([24010, 24010, 24010])
    expect(passed.watermark).toBe(at('09:15:02'))
  })

  operatorContract(op, kinds, tape, ['close'])
})
