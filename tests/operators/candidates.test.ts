import { describe, expect, it } from 'vitest'
import type { Step } from '../../core/step.ts'
import { StrikePick } from '../../operators/atmStrikes.ts'
import { Candidate, candidates } from '../../operators/candidates.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { at, type Op, rowsOf, run } from '../kit/table.ts'
import { mixed, streamOf } from '../kit/twoStreams.ts'

const Row = { ts: 'time', instrument: 'instrument', second: 'i32', close: 'f64' } as const
const mix = mixed({ rows: Row, picks: StrikePick })
const op = ((step: Step) => {
  const keep = candidates(step, { schema: Row })
  return (source) => keep({ rows: streamOf(source, mix, 'rows') as never, picks: streamOf(source, mix, 'picks') as never })
}) as Op<typeof mix, typeof Row & Candidate>
const kinds = { input: mix, output: { ...Row, ...Candidate }, end: at('2025-01-08 00:00') }
const [CALL, PUT] = ['NIFTY:2025-01-09:24000:CE', 'NIFTY:2025-01-09:24050:PE']

const tape = rowsOf(
  mix,
  `
  of     ts                   second  instrument  close  anchor               until                distance  spot
  rows   09:59:59               2699  NIFTY       24009  -                    -                           0  -
  rows   09:59:59               2699  ${CALL}        88  -                    -                           0  -
  rows   10:00:00               2700  NIFTY       24010  -                    -                           0  -
  rows   10:00:00               2700  ${CALL}        90  -                    -                           0  -
  rows   10:00:00               2700  ${PUT}         70  -                    -                           0  -
  picks  10:00:00                  0  ${CALL}         0  10:00:00             11:00:00                    0  24010
  rows   10:00:01               2701  ${PUT}         71  -                    -                           0  -
  rows   11:00:00               6300  ${CALL}        95  -                    -                           0  -
  rows   11:00:00               6300  NIFTY       24030  -                    -                           0  -
  picks  11:00:00                  0  ${PUT}          0  11:00:00             2025-01-07T00:00:00         1  24030
  rows   11:00:01               6301  ${PUT}         73  -                    -                           0  -
  rows   2025-01-07T09:15:00       0  ${PUT}         60  -                    -                           0  -
  rows   2025-01-07T09:15:00       0  NIFTY       24100  -                    -                           0  -`,
)

describe('candidates', () => {
  it('keeps a contract from its pick on and the spot all day, with the pick; after the next anchor it is there and not active; a new day has none', () => {
    expect(run(op, kinds, tape, ['ts', 'instrument', 'close', 'anchor', 'distance', 'anchorSpot', 'active'])).toEqual([
      ['09:59:59', 'NIFTY', 24009, '-', 0, Number.NaN, 0],
      ['10:00:00', 'NIFTY', 24010, '10:00:00', 0, 24010, 0],
      ['10:00:00', CALL, 90, '10:00:00', 0, 24010, 1],
      ['11:00:00', CALL, 95, '10:00:00', 0, 24010, 0],
      ['11:00:00', 'NIFTY', 24030, '11:00:00', 0, 24030, 0],
      ['11:00:01', PUT, 73, '11:00:00', 1, 24030, 1],
      ['09:15:00', 'NIFTY', 24100, '-', 0, Number.NaN, 0],
    ])
  })

  it('moves a contract that is picked again to the later anchor', () => {
    const table = rowsOf(
      mix,
      `
      of     ts        second  instrument  anchor    until     distance  spot
      picks  10:00:00       0  ${CALL}     10:00:00  11:00:00         0  24010
      rows   10:00:00    2700  ${CALL}     -         -                0  -
      picks  11:00:00       0  ${CALL}     11:00:00  12:00:00        -1  24055
      rows   11:00:00    6300  ${CALL}     -         -                0  -`,
    )
    expect(run(op, kinds, table, ['anchor', 'until', 'distance', 'anchorSpot', 'active'])).toEqual([
      ['10:00:00', '11:00:00', 0, 24010, 1],
      ['11:00:00', '12:00:00', -1, 24055, 1],
    ])
  })

  operatorContract(op as (step: Step) => ReturnType<typeof op>, kinds, tape, ['close', 'spot'])
})
