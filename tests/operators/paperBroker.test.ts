import { describe, expect, it, test } from 'vitest'
import { Book, Second } from '../../core/market.ts'
import type { Step } from '../../core/step.ts'
import { ClosedTrade, Equity, Fill, Order, OrderFate } from '../../core/trading.ts'
import { nseOptions } from '../../markets/nse/optionMarket.ts'
import { type PaperBrokerOptions, paperBroker } from '../../operators/paperBroker.ts'
import { driveJoin, type JoinOp, joinContract, tapeOf } from '../kit/joinContract.ts'
import { clock, type Row, rowsOf } from '../kit/table.ts'

const inputs = { prices: { ...Second, ...Book }, orders: Order }
const outputs = { orders: OrderFate, fills: Fill, trades: ClosedTrade, equity: Equity }
const kinds = { inputs, outputs }
const op =
  (options: Partial<PaperBrokerOptions> = {}): JoinOp<typeof inputs, typeof outputs> =>
  (step: Step) =>
    paperBroker(step, { market: nseOptions, maxAge: 5, slippage: 2, brokerage: 0, squareOff: 60, ...options })

const C = 'NIFTY:2025-01-09:23500:CE'
const P = 'NIFTY:2025-01-09:23500:PE'
const [priceRows, orderRows] = [(text: string) => rowsOf(inputs.prices, text), (text: string) => rowsOf(Order, text)]
const run = (streams: { prices: Row[]; orders: Row[] }, options: Partial<PaperBrokerOptions> = {}) => driveJoin(op(options), kinds, tapeOf(streams))
/** The columns named, times as clock times, prices without the last bits of a float. */
const pick = (rows: readonly Row[], ...columns: string[]) =>
  rows.map((row) =>
    columns.map((column) => {
      const value = row[column]
      if (typeof value !== 'number') return value
      return ['ts', 'placed', 'entered'].includes(column) ? clock(value) : Math.round(value * 1e6) / 1e6
    }),
  )

describe('what ends a position when several things would in one second', () => {
  // The second 10:00:03 is 19,797 s before the bell.
  const [until, squareOff] = ['10:00:03', 19_797]
  test.each([
    ['stop', { price: 90, stop: 0.1, trail: 0.05, until, squareOff }],
    ['target', { price: 110, target: 0.1, until, squareOff }],
    ['trail', { price: 90, trail: 0.1, until, squareOff }],
    ['time', { price: 100, until, squareOff }],
    ['session_end', { price: 100, squareOff }],
  ])('%s of %j', (reason, { price, stop = '-', target = '-', trail = '-', until = '-', squareOff }: Record<string, string | number>) => {
    const prices = priceRows(`
      ts        instrument  close     observed
      10:00:01  ${C}        99.90     1
      10:00:02  ${C}        100       1
      10:00:03  ${C}        ${price}  1
      10:00:04  ${C}        ${price}  1`)
    const orders = orderRows(`
      ts        instrument  side  lots  stop     target     trail     trailAfter  until
      10:00:00  ${C}        buy   1     ${stop}  ${target}  ${trail}  -           ${until}`)
    const { rows } = run({ prices, orders }, { squareOff: Number(squareOff) })
    expect(pick(rows['trades'], 'reason', 'ts')).toEqual([[reason, '10:00:04']])
  })
})

describe('with hold', () => {
  // Wednesday, then the day of the expiry. C falls through its stop in the last second of Wednesday.
  const prices = priceRows(`
    ts                   instrument               close   observed  age  bid   ask
    2025-01-08T15:29:57  ${C}                     100     1         0    99    101
    2025-01-08T15:29:57  ${P}                     50      1         0    49    51
    2025-01-08T15:29:57  NIFTY:2025-01-16:23500:CE 200    1         0    199   201
    2025-01-08T15:29:58  ${C}                     100     1         0    99    101
    2025-01-08T15:29:58  ${P}                     50      1         0    49    51
    2025-01-08T15:29:59  ${C}                     80      1         0    79    81
    2025-01-08T15:29:59  ${P}                     52      1         0    51    53
    2025-01-09T09:15:00  NIFTY:2025-01-16:23500:CE 150    1         0    149   151
    2025-01-09T09:15:04  ${C}                     60      1         0    59    61
    2025-01-09T09:15:04  ${P}                     70      1         0    69    71
    2025-01-09T09:16:00  ${P}                     75      1         0    74    76
    2025-01-09T14:59:59  NIFTY                    23000   1         0    -     -
    2025-01-09T15:00:00  NIFTY                    23410   1         0    -     -
    2025-01-09T15:29:59  NIFTY                    23420   1         0    -     -
    2025-01-09T15:29:59  ${P}                     90      1         0    89    91`)
  const orders = orderRows(`
    ts                   instrument  side  lots  stop  target  trail  trailAfter  until
    2025-01-08T15:29:56  ${C}        buy   1     0.10  -       -      -           -
    2025-01-08T15:29:56  ${P}        buy   2     0.50  -       -      -           -
    2025-01-09T09:15:03  ${P}        sell  1     -     -       -      -           -`)
  const tape = { prices, orders }

  it('carries over the night, fills a stop at the first price of the next day, and settles at the expiry', () => {
    const { rows, counts } = run(tape, { squareOff: 'hold' })
    expect(pick(rows['fills'], 'ts', 'position', 'side', 'purpose', 'source', 'price', 'slices')).toEqual([
      ['15:29:57', 1, 'buy', 'entry', 'book', 101, 1],
      ['15:29:57', 2, 'buy', 'entry', 'book', 51, 1],
      ['09:15:04', 1, 'sell', 'stop', 'book', 59, 1],
      ['09:15:04', 3, 'sell', 'entry', 'book', 69, 1],
      ['15:30:00', 2, 'sell', 'expiry', 'settlement', 85, 0],
      ['15:30:00', 3, 'buy', 'expiry', 'settlement', 85, 0],
    ])
    expect(pick(rows['trades'], 'position', 'points', 'quantity', 'gross')).toEqual([
      [1, -42, 75, -3150],
      [2, 34, 150, 5100],
      [3, -16, 75, -1200],
    ])
    expect(counts['settled_without_spot']).toBe(0)
  })

  it('goes on with the account of the day before: what was paid yesterday is not won today', () => {
    const equity = pick(run(tape, { squareOff: 'hold' }).rows['equity'], 'ts', 'equity', 'open')
    const fees = run(tape, { squareOff: 'hold' }).rows['fills'].map((fill) => fill['fees'] as number)
    const paid = (n: number) => fees.slice(0, n).reduce((sum, fee) => sum + fee, 0)
    const near = (value: number) => expect.closeTo(value, 5)
    expect(equity).toEqual([
      ['15:29:57', near(-75 - 150 - paid(2)), 2],
      ['15:30:00', near(-21 * 75 + 150 - paid(2)), 2],
      ['09:15:04', near(-3150 + (70 - 51) * 150 - 75 - paid(4)), 2],
      ['09:16:00', near(-3150 + (75 - 51) * 150 - 6 * 75 - paid(4)), 2],
      ['15:30:00', near(-3150 + 5100 - 1200 - paid(6)), 0],
    ])
  })

  it('takes the last price of the contract itself, and counts it, where there is no spot', () => {
    const { rows, counts } = run({ prices: prices.filter((row) => row['instrument'] !== 'NIFTY'), orders }, { squareOff: 'hold' })
    expect(pick(rows['fills'], 'purpose', 'source', 'price').slice(-2)).toEqual([
      ['expiry', 'carried', 90],
      ['expiry', 'carried', 90],
    ])
    expect(counts['settled_without_spot']).toBe(2)
  })

  joinContract(op({ squareOff: 'hold', brokerage: 20 }), kinds, tapeOf(tape), { of: 'prices', columns: ['close', 'bid', 'ask', 'age'] })
})

describe('a day with two sessions', () => {
  it('ends nothing in the pause between them', () => {
    const K = 'NIFTY:2024-03-07:22000:CE'
    const prices = priceRows(`
      ts                   instrument  close  observed  bid  ask
      2024-03-02T09:59:58  ${K}        100    1         -    -
      2024-03-02T09:59:59  ${K}        101    1         -    -
      2024-03-02T11:30:05  ${K}        120    1         -    -
      2024-03-02T11:30:06  ${K}        119    1         -    -`)
    const orders = orderRows(`
      ts                   instrument  side  lots  stop  target  trail  trailAfter  until
      2024-03-02T09:59:57  ${K}        buy   1     0.1   0.1     -      -           -
      2024-03-02T09:59:59  ${K}        buy   1     0.1   0.1     -      -           -`)
    const { rows } = run({ prices, orders })
    expect(pick(rows['orders'], 'ts', 'purpose', 'fate')).toEqual([
      ['09:59:58', 'entry', 'filled'],
      ['10:00:00', 'entry', 'no_price'],
      ['11:30:06', 'target', 'filled'],
    ])
  })
})

describe('how much an order is', () => {
  test.each([
    ['2024-12-26', 'NIFTY:2025-03-27:23500:CE', 73, 1825, 2], // a lot of 25: 72 lots are the 1800 of one order
    ['2024-12-27', 'NIFTY:2025-03-27:23500:CE', 25, 1875, 2], // a lot of 75 from this day on: 24 lots
    ['2024-12-27', 'NIFTY:2025-03-27:23500:CE', 24, 1800, 1],
    ['2025-08-29', 'BANKNIFTY:2025-09-30:55000:CE', 18, 630, 2], // 600 an order: 17 lots of 35
    ['2025-09-01', 'BANKNIFTY:2025-09-30:55000:CE', 25, 875, 1], // 900 an order
    ['2025-11-03', 'BANKNIFTY:2025-12-30:55000:CE', 34, 1190, 2], // 600 again
    ['2025-11-03', 'BANKNIFTY:2025-12-30:55000:CE', 35, 1225, 3],
  ])('on %s of %s, %i lots: %i in %i orders, each of which pays brokerage', (date, instrument, lots, quantity, slices) => {
    const prices = priceRows(`ts instrument close observed bid ask\n${date}T10:00:01 ${instrument} 100 1 99 101`)
    const orders = orderRows(`ts instrument side lots stop target trail trailAfter until\n${date}T10:00:00 ${instrument} buy ${lots} - - - - -`)
    const [fill] = run({ prices, orders }, { brokerage: 20 }).rows['fills']
    expect([fill['quantity'], fill['slices'], fill['brokerage']]).toEqual([quantity, slices, 20 * slices])
  })
})

describe('at which price', () => {
  test.each([
    ['buy', { close: 100, bid: 99, ask: 101 }, ['filled', 'book', 101]],
    ['sell', { close: 100, bid: 99, ask: 101 }, ['filled', 'book', 99]],
    ['buy', { close: 100.05, bid: 99, ask: 0 }, ['filled', 'last', 100.15]],
    ['sell', { close: 100, bid: Number.NaN, ask: 101 }, ['filled', 'last', 99.9]],
    ['sell', { close: 0.05, bid: Number.NaN, ask: 0.1 }, ['filled', 'last', 0.05]],
    ['buy', { close: Number.NaN, bid: Number.NaN, ask: Number.NaN }, ['no_price']],
    ['buy', { close: 100, bid: 99, ask: 101, age: 5 }, ['filled', 'book', 101]],
    ['buy', { close: 100, bid: 99, ask: 101, age: 6 }, ['stale']],
  ])('%s at %j: %j', (side, second, expected) => {
    const [row] = priceRows(`ts instrument\n10:00:01 ${C}`)
    const orders = orderRows(`ts instrument side lots stop target trail trailAfter until\n10:00:00 ${C} ${side} 1 - - - - -`)
    const { rows } = run({ prices: [{ ...row, ...second }], orders }, { squareOff: 'hold' })
    const [fill] = rows['fills']
    expect([rows['orders'][0]['fate'], ...(fill ? [fill['source'], fill['price']] : [])]).toEqual(expected)
  })
})

describe('what means nothing is refused by name', () => {
  const order = orderRows(`ts instrument side lots stop target trail trailAfter until\n10:00:00 ${C} buy 1 - - - - -`)[0]
  test.each([
    [{ lots: 0 }, 'lots 0 is not a whole number above 0'],
    [{ stop: 0 }, 'stop 0 is not a fraction above 0'],
    [{ target: -0.1 }, 'target -0.1 is not a fraction above 0'],
    [{ trail: 1 }, 'trail 1 is not a fraction below 1'],
    [{ trailAfter: -1 }, 'trailAfter -1 is not a fraction of 0 or more'],
  ])('an order with %j', (change, message) => {
    expect(() => run({ prices: [], orders: [{ ...order, ...change }] })).toThrow(
      expect.objectContaining({ code: 'ORDER_INVALID', message: `order for ${C}: ${message}` }),
    )
  })

  test.each([{ maxAge: -1 }, { slippage: Number.NaN }, { brokerage: -20 }, { squareOff: -1 }, { equityEvery: 0 }])('a broker with %j', (options) => {
    expect(() => run({ prices: [], orders: [] }, options)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })
})
