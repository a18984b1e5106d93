import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Step } from '../../core/step.ts'
import { Delta, mergeDeltas } from '../../operators/mergeDeltas.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { rowsOf, run } from '../kit/table.ts'

const schema = { ...Delta, bid: 'f64', ask: 'f64', oi: 'f64' } as const
const op = (step: Step) => mergeDeltas<typeof schema>(step, { columns: ['bid', 'ask'] })
const kinds = { input: schema, output: schema }

const tape = rowsOf(
  schema,
  `
  ts        instrument  reset  bid  ask  oi
  09:15:00  NIFTY           1  100  105   7
  09:15:01  NIFTY           0    -  106   -
  09:15:01  BANKNIFTY       1  200    -   8
  09:15:02  NIFTY           0  101    -   -
  09:15:03  BANKNIFTY       0    -  207   -
  09:15:04  *               1    -    -   -
  09:15:05  NIFTY           0    -  108   -
  09:15:05  BANKNIFTY       1    -    -   -
  09:15:06  BANKNIFTY       0  201    -   9
  09:15:06  NIFTY           1  103    -   -
  09:15:07  NIFTY           0    -    -   -`,
)

describe('mergeDeltas', () => {
  it('keeps what a row leaves out, until a reset of the instrument or of all', () => {
    expect(run(op, kinds, tape, ['instrument', 'bid', 'ask', 'oi'])).toEqual([
      ['NIFTY', 100, 105, 7],
      ['NIFTY', 100, 106, NaN],
      ['BANKNIFTY', 200, NaN, 8],
      ['NIFTY', 101, 106, NaN],
      ['BANKNIFTY', 200, 207, NaN],
      ['NIFTY', NaN, 108, NaN],
      ['BANKNIFTY', NaN, NaN, NaN],
      ['BANKNIFTY', 201, NaN, 9],
      ['NIFTY', 103, NaN, NaN],
      ['NIFTY', 103, NaN, NaN],
    ])
  })

  it('rebuilds any stream of whole rows out of its differences', () => {
    const row = fc.record({
      instrument: fc.constantFrom('NIFTY', 'BANKNIFTY'),
      bid: fc.integer({ max: 3 }),
      ask: fc.integer({ max: 3 }),
      lost: fc.nat(9),
    })
    fc.assert(
      fc.property(fc.array(row, { maxLength: 40 }), (market) => {
        const sent = new Map<string, { bid: number; ask: number }>()
        const deltas = market.map(({ instrument, bid, ask, lost }, i) => {
          const before = lost === 0 ? undefined : sent.get(instrument)
          sent.set(instrument, { bid, ask })
          const changed = { bid: before?.bid === bid ? NaN : bid, ask: before?.ask === ask ? NaN : ask }
          return { ts: i, instrument, reset: before === undefined ? 1 : 0, ...changed, oi: i }
        })
        expect(run(op, kinds, deltas, ['instrument', 'bid', 'ask', 'oi'])).toEqual(market.map((m, i) => [m.instrument, m.bid, m.ask, i]))
      }),
      { numRuns: 200 },
    )
  })

  operatorContract(op, kinds, tape, ['bid', 'ask', 'oi'])
})
