import { describe, expect, it } from 'vitest'
import type { Schema } from '../../core/batch.ts'
import { Tick } from '../../core/market.ts'
import { black76, black76Greeks, blackScholes, blackScholesGreeks, CALL, OptionGreeks, PUT } from '../../core/optionPricing.ts'
import { Greeks, OptionQuote } from '../../core/optionQuote.ts'
import type { Step } from '../../core/step.ts'
import { HOUR } from '../../core/time.ts'
import { bybitExpiryTime } from '../../markets/bybit/expiry.ts'
import { type GreeksOptions, greeks } from '../../operators/greeks.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { at, plug, type Row, rowsOf, run, toBatch } from '../kit/table.ts'

const RATE = 0.065
// Half past three, as the NSE closed on that day.
const expiryTime: GreeksOptions['expiryTime'] = ({ expiry }) => at(`${expiry} 15:30:00`)
const [CE, PE] = ['NIFTY:2025-01-30:24000:CE', 'NIFTY:2025-01-30:24000:PE']
const yearsFrom = (clock: string) => (at('2025-01-30 15:30:00') - at(clock)) / (365 * 24 * HOUR)

const kinds = { input: Tick, output: { ...Tick, ...Greeks } }
const full = { input: OptionQuote, output: OptionQuote }
const op = (step: Step) => greeks<Tick>(step, { rate: RATE, expiryTime, prices: ['mark', 'mid', 'last'] })
const fullOp = (step: Step) => greeks<typeof OptionQuote>(step, { rate: RATE, expiryTime })

const price = blackScholes(CALL, 23_950, 24_000, yearsFrom('09:15:01'), RATE, 0.14)
const onFuture = black76(PUT, 24_040, 24_000, yearsFrom('09:15:03'), RATE, 0.15)
const tape = rowsOf(
  Tick,
  `
  ts        instrument            price        bid         ask
  09:15:00  ${CE}                 400          -           -
  09:15:01  NIFTY                 23950        -           -
  09:15:01  ${CE}                 1            ${price - 1} ${price + 1}
  09:15:02  NIFTY:2025-01-30:FUT  24040        -           -
  09:15:03  ${PE}                 ${onFuture}  0           ${onFuture}
  09:16:05  ${CE}                 ${price}     -           -
  09:16:06  NIFTY                 23950        -           -
  09:16:06  ${CE}                 25000        -           -
  09:16:06  ${PE}                 0            -           -
  2025-01-30T15:30:00  ${CE}      400          -           -`,
)

const rowsAsGreeks = (rows: readonly Row[]) => rows.map((row) => Object.keys(Greeks).map((name) => row[name]))
function drive<S extends Schema>(which: (step: Step) => never, rows: readonly Row[], input: S) {
  const got: number[][] = []
  const { flow, next } = plug(which as never, (batch) => {
    for (let i = 0; i < batch.n; i++) got.push(Object.keys(Greeks).map((name) => batch.col[name][i]))
  })
  next(toBatch(input, rows, flow.instruments) as never)
  return { got, counts: flow.counts() }
}

describe('greeks', () => {
  it('implies the volatility by the spot, and derives the rest in the units of feeds', () => {
    const [, , [, iv, delta, gamma, vega, theta, rho]] = run(op, kinds, tape, [
      'instrument',
      'iv',
      'delta',
      'gamma',
      'vega',
      'theta',
      'rho',
    ]) as number[][]
    const exact = blackScholesGreeks(new OptionGreeks(), CALL, 23_950, 24_000, yearsFrom('09:15:01'), RATE, 0.14)
    expect(iv).toBeCloseTo(0.14, 11)
    expect(delta).toBeCloseTo(exact.delta, 10)
    expect(gamma).toBeCloseTo(exact.gamma, 12)
    expect(vega).toBeCloseTo(exact.vega / 100, 8)
    expect(theta).toBeCloseTo(exact.theta / 365, 8)
    expect(rho).toBeCloseTo(exact.rho / 100, 8)
  })

  it('takes the future of the expiry where there is one, and nothing that is older than a minute', () => {
    const ivs = run(op, kinds, tape, ['iv']).map(([iv]) => (Number.isNaN(iv) ? '-' : (iv as number).toFixed(6)))
    expect(ivs).toEqual(['-', '-', '0.140000', '-', '0.150000', '-', '-', '-', '-', '-'])
  })

  it('counts what it cannot tell, by reason', () => {
    expect(drive(op as never, tape, Tick).counts).toEqual({
      'it/noUnderlying': 2,
      'it/noPrice': 1,
      'it/outOfBounds': 1,
      'it/expired': 1,
    })
  })

  it('leaves what the feed says, and adds what it does not: rho to all but rho, everything to a mark', () => {
    const years = yearsFrom('09:15:00')
    const exact = black76Greeks(new OptionGreeks(), PUT, 24_040, 24_000, years, RATE, 0.15)
    const [bare, all, some] = rowsOf(
      OptionQuote,
      `
      ts        instrument  price  bid  ask  mark            forward  iv    delta  gamma  vega  theta  rho
      09:15:00  ${PE}       9      -    -    ${exact.price}  24040    -     -      -      -     -      -
      09:15:00  ${PE}       9      -    -    -               -        0.2   -0.4   0.1    2     -3     -4
      09:15:00  ${PE}       9      -    -    -               24040    0.15  -0.4   0.1    2     -3     -`,
    )
    const { got } = drive(fullOp as never, [bare, all, some], OptionQuote)
    for (const [j, value] of [0.15, exact.delta, exact.gamma, exact.vega / 100, exact.theta / 365, exact.rho / 100].entries()) {
      expect(got[0][j]).toBeCloseTo(value, 9)
    }
    expect(got[1]).toEqual(rowsAsGreeks([all])[0])
    expect(got[2]).toEqual([0.15, -0.4, 0.1, 2, -3, exact.rho / 100])
  })

  it('takes the last trade only when it is asked to', () => {
    const traded = rowsOf(OptionQuote, `ts instrument price bid ask mark forward iv\n09:15:00 ${PE} 300 - - - 24040 -`)
    expect(drive(fullOp as never, traded, OptionQuote).counts).toMatchObject({ 'it/noPrice': 1 })
  })

  it('expiries of Bybit are at 08:00 UTC', () => {
    expect(bybitExpiryTime({ expiry: '2023-01-06' })).toBe(Date.UTC(2023, 0, 6, 8) * 1000)
  })
})

describe('of ticks', () => operatorContract(op, kinds, tape, ['price', 'bid', 'ask']))
describe('of whole quotes', () =>
  operatorContract(
    fullOp,
    full,
    rowsOf(
      OptionQuote,
      `
      ts        instrument  price  bid  ask  mark  forward  iv    delta  gamma  vega  theta  rho
      09:15:00  NIFTY       24010  -    -    -     -        -     -      -      -     -      -
      09:15:01  ${CE}       500    499  501  -     -        -     -      -      -     -      -
      09:15:02  ${PE}       9      -    -    300   24040    -     -      -      -     -      -
      09:15:03  ${PE}       9      -    -    -     24040    0.15  -0.4   0.1    2     -3     -`,
    ),
    ['mark', 'forward', 'iv', 'delta', 'theta'],
  ))
