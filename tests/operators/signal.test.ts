import { describe, expect, it } from 'vitest'
import { Burst } from '../../core/market.ts'
import type { Step } from '../../core/step.ts'
import { Signal, signal } from '../../operators/signal.ts'
import { feed } from '../kit/feed.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { rowsOf, run } from '../kit/table.ts'

const op = (step: Step) => signal(step, { multiplier: 2, floor: 10, cooldown: 0 })
const cooled = (step: Step) => signal(step, { multiplier: 2, floor: 10, cooldown: 4 })
const kinds = { input: Burst, output: Signal }

describe('signal', () => {
  it('fires once where a burst begins, with what it saw there', () => {
    const bursts = rowsOf(
      Burst,
      `
      ts        second  close  burst  baseline
      09:15:10      10    100     20        10
      09:15:11      11    101     21        10
      09:15:12      12    102     50        10
      09:15:13      13    103     20        10
      09:15:14      14    104     25        10`,
    )
    expect(run(op, kinds, bursts, ['ts', 'instrument', 'second', 'close', 'burst', 'baseline', 'ratio'])).toEqual([
      ['09:15:11', 'NIFTY', 11, 101, 21, 10, 2.1],
      ['09:15:14', 'NIFTY', 14, 104, 25, 10, 2.5],
    ])
  })

  it('wants the floor reached, not passed', () => {
    const bursts = rowsOf(
      Burst,
      `
      second  burst  baseline
      10        9.9         1
      11         10         1`,
    ).map((row, i) => ({ ...row, ts: i * 1e6 + 1736135110e6 }))
    expect(run(op, kinds, bursts, ['second'])).toEqual([[11]])
  })

  it('is off while the baseline is undefined, so its first second may be an edge', () => {
    const bursts = rowsOf(
      Burst,
      `
      ts        second  burst  baseline
      09:15:10      10    900         -
      09:15:11      11    900        10`,
    )
    expect(run(op, kinds, bursts, ['second'])).toEqual([[11]])
  })

  it('keeps instruments apart', () => {
    const bursts = rowsOf(
      Burst,
      `
      ts        instrument  second  burst  baseline
      09:15:10  NIFTY           10     30        10
      09:15:10  BANKNIFTY       10     30        10
      09:15:11  NIFTY           11     30        10
      09:15:11  FINNIFTY        11     30        10`,
    )
    expect(run(op, kinds, bursts, ['instrument', 'second'])).toEqual([
      ['NIFTY', 10],
      ['BANKNIFTY', 10],
      ['FINNIFTY', 11],
    ])
  })

  it('passes over edges less than the cooldown after the last signal, and counts them', () => {
    const rows = rowsOf(
      Burst,
      `
      ts        second  burst  baseline
      09:15:10      10     30        10
      09:15:11      11      0        10
      09:15:13      13     30        10
      09:15:14      14     30        10
      09:15:15      15      0        10
      09:15:16      16     30        10
      09:15:17      17      0        10
      09:15:20      20     30        10`,
    )
    const fed = feed(cooled, kinds, [{ rows }])
    expect(fed.rows.map((r) => r['second'])).toEqual([10, 16, 20])
    expect(fed.counts).toEqual({ cooldown: 1 })
  })

  it('starts anew with every session: no edge and no cooldown is carried over', () => {
    const bursts = rowsOf(
      Burst,
      `
      ts                   second  burst  baseline
      09:15:10                 10     30        10
      09:15:12                  1     30        10
      2025-01-07T09:15:00       0     30        10`,
    )
    expect(run(cooled, kinds, bursts, ['second'])).toEqual([[10], [1], [0]])
  })

  const tape = rowsOf(
    Burst,
    `
    ts                   instrument  second  close  burst  baseline
    09:15:10             NIFTY           10    100     30        10
    09:15:10             BANKNIFTY       10    200      5         -
    09:15:11             NIFTY           11    101      0        10
    09:15:12             NIFTY           12    102     30        10
    09:15:12             BANKNIFTY       12    201     30        10
    09:15:14             NIFTY           14    103      0        10
    09:15:15             NIFTY           15    104     30        10
    15:45:00             NIFTY            0    105     30        10
    15:45:01             NIFTY            1    106     30        10
    2025-01-07T09:15:10  BANKNIFTY       10    202     30        10
    2025-01-07T09:15:10  NIFTY           10    107     30        10
    2025-01-07T09:15:11  BANKNIFTY       11    203      0        10
    2025-01-07T09:15:12  BANKNIFTY       12    204     30        10`,
  )
  describe('without cooldown', () => {
    operatorContract(op, kinds, tape, ['burst', 'baseline', 'close'])
  })
  describe('with cooldown', () => {
    operatorContract(cooled, kinds, tape, ['burst', 'baseline'])
  })
})
