import { describe, expect, it } from 'vitest'
import { Book, Second } from '../../core/market.ts'
import type { OptionMarket } from '../../core/optionMarket.ts'
import type { Step } from '../../core/step.ts'
import { parseDate } from '../../core/time.ts'
import { ClosedTrade, Equity, Fill, Order, OrderFate } from '../../core/trading.ts'
import { nseOptions } from '../../markets/nse/optionMarket.ts'
import { type PaperBrokerOptions, paperBroker } from '../../operators/paperBroker.ts'
import { calendarOf } from '../kit/calendar.ts'
import { driveJoin, tapeOf } from '../kit/joinContract.ts'
import { at, clock, rowsOf } from '../kit/table.ts'

const inputs = { prices: { ...Second, ...Book }, orders: Order }
const outputs = { orders: OrderFate, fills: Fill, trades: ClosedTrade, equity: Equity }

/** What was traded, when, what for and at which price. Prices and orders are tables; without an end, time goes on for ever. */
function traded(prices: string, orders: string, options: Partial<PaperBrokerOptions> = {}, end = Infinity) {
  const op = (step: Step) => paperBroker(step, { market: nseOptions, maxAge: 5, slippage: 2, brokerage: 0, squareOff: 0, ...options })
  const streams = { prices: rowsOf(inputs.prices, prices), orders: rowsOf(Order, orders) }
  const { rows } = driveJoin(op, { inputs, outputs, end }, tapeOf(streams))
  return { fills: rows['fills'].map((row) => [clock(row['ts'] as number), row['position'], row['purpose'], row['source'], row['price']]), rows }
}

describe('at the bell', () => {
  it('all is done when time has come to it, and waits for nothing after it', () => {
    const C = 'NIFTY:2025-01-16:23500:CE'
    const { fills, rows } = traded(
      `ts        instrument  close  observed  bid  ask
       15:29:58  ${C}        100    1         99   101
       15:29:59  ${C}        98     1         97   99`,
      `ts        instrument  side  lots  stop  target  trail  trailAfter  until  anchor
       15:29:57  ${C}        buy   1     -     -       -      -           -      -
       15:29:59  ${C}        buy   1     -     -       -      -           -      -`,
      {},
      at('15:30:00'),
    )
    expect(fills).toEqual([
      ['15:29:58', 1, 'entry', 'book', 101],
      ['15:30:00', 1, 'session_end', 'carried', 98],
    ])
    expect(rows['orders'].map((row) => row['fate'])).toEqual(['filled', 'filled', 'no_price'])
    expect(rows['equity'].map((row) => clock(row['ts'] as number))).toEqual(['15:29:58', '15:30:00'])
  })

  it('an expiry comes before the exit that waits', () => {
    const C = 'NIFTY:2025-01-09:23500:CE'
    const { fills, rows } = traded(
      `ts                   instrument  close  observed  age
       2025-01-09T15:29:57  ${C}        100    1         0
       2025-01-09T15:29:57  NIFTY       23530  1         0
       2025-01-09T15:29:59  ${C}        60     1         0`,
      `ts                   instrument  side  lots  stop  target  trail  trailAfter  until  anchor
       2025-01-09T15:29:56  ${C}        buy   1     0.1   -       -      -           -      -`,
    )
    expect(fills).toEqual([
      ['15:29:57', 1, 'entry', 'last', 100.1],
      ['15:30:00', 1, 'expiry', 'settlement', 30],
    ])
    expect(clock(rows['orders'][1]['placed'] as number)).toBe('15:30:00')
  })

  it('an expiry without a spot is at the last price of the option, and no order is sent', () => {
    const C = 'NIFTY:2025-01-09:23500:CE'
    const { rows } = traded(
      `ts                   instrument  close  observed  age
       2025-01-09T15:29:57  ${C}        100    1         0
       2025-01-09T15:29:59  ${C}        60     1         0`,
      `ts                   instrument  side  lots  stop  target  trail  trailAfter  until  anchor
       2025-01-09T15:29:56  ${C}        buy   1     0.1   -       -      -           -      -`,
      { brokerage: 20 },
    )
    expect(rows['fills'][1]).toMatchObject({ purpose: 'expiry', source: 'carried', price: 60, slices: 0, fees: 60 * 75 * 0.00125 })
  })

  it("is settled by the spot's last half hour before the spot's own bell, when options trade on after it", () => {
    const C = 'NIFTY:2026-08-11:24500:CE'
    const { fills } = traded(
      `ts                   instrument  close  observed
       2026-08-11T14:59:59  NIFTY       20000  1
       2026-08-11T15:00:00  NIFTY       24600  1
       2026-08-11T15:29:59  NIFTY       24610  1
       2026-08-11T15:30:00  NIFTY       30000  1
       2026-08-11T15:39:59  ${C}        90     1`,
      `ts                   instrument  side  lots  stop  target  trail  trailAfter  until  anchor
       2026-08-11T15:39:58  ${C}        sell  1     -     -       -      -           -      -`,
    )
    expect(fills).toEqual([
      ['15:39:59', 1, 'entry', 'last', 89.9],
      ['15:40:00', 1, 'expiry', 'settlement', 105],
    ])
  })
})

describe('a carried price', () => {
  it('ends nothing: what is bought above it is not stopped by it', () => {
    const C = 'NIFTY:2025-01-09:23500:CE'
    const { fills } = traded(
      `ts        instrument  close  observed  age  bid  ask
       10:00:01  ${C}        90     0         1    89   101
       10:00:02  ${C}        90     0         2    89   101
       10:00:03  ${C}        95     1         0    94   96
       10:00:04  ${C}        90.90  1         0    90   91
       10:00:05  ${C}        89     1         0    88   90`,
      `ts        instrument  side  lots  stop  target  trail  trailAfter  until  anchor
       10:00:00  ${C}        buy   1     0.1   -       -      -           -      -`,
      {},
      at('10:00:06'),
    )
    expect(fills).toEqual([
      ['10:00:01', 1, 'entry', 'book', 101],
      ['10:00:05', 1, 'stop', 'book', 88],
    ])
  })
})

describe('underlyings', () => {
  const [N, B] = ['NIFTY:2025-01-16:23500:CE', 'BANKNIFTY:2025-01-30:49000:CE']
  const prices = `
    ts                   instrument  close  observed  bid  ask
    10:00:01             ${N}        100    1         99   101
    10:00:01             ${B}        200    1         199  201
    10:00:03             ${N}        100    1         99   101
    10:00:04             ${N}        100    1         99   101
    2025-01-07T10:00:01  ${N}        100    1         99   101`
  const orders = `
    ts                   instrument  side  lots  stop  target  trail  trailAfter  until     anchor
    10:00:00             ${N}        buy   1     -     -       -      -           10:00:02  -
    10:00:00             ${B}        buy   1     -     -       -      -           -         -
    2025-01-07T10:00:00  ${N}        buy   1     -     -       -      -           -         -`

  it('begin anew each for itself: what one carries keeps no other account going', () => {
    const entries = traded(prices, orders, { squareOff: 'hold' }).rows['fills'].filter((row) => row['purpose'] === 'entry')
    expect(entries.map((row) => [row['instrument'], row['position']])).toEqual([
      [N, 1],
      [B, 1],
      [N, 1],
    ])
  })

  it('may have bells of their own', () => {
    const calendar = calendarOf({ NIFTY: '09:15-10:00:04', BANKNIFTY: '09:15-11:30' })
    const { fills } = traded(prices, orders, { market: { ...nseOptions, calendar } })
    expect(fills.slice(2)).toEqual([
      ['10:00:04', 1, 'time', 'carried', 100],
      ['11:30:00', 1, 'session_end', 'carried', 200],
      ['10:00:01', 1, 'entry', 'book', 101],
      ['10:00:04', 1, 'session_end', 'carried', 100],
    ])
  })
})

describe('an expiry on a day without trading', () => {
  it('is that of the trading day before it', () => {
    const C = 'NIFTY:2025-01-09:23500:CE'
    const market: OptionMarket = { ...nseOptions, expires: () => parseDate('2025-01-11') }
    const { fills } = traded(
      `ts                   instrument  close  observed
       2025-01-10T15:29:58  NIFTY       23600  1
       2025-01-10T15:29:58  ${C}        80     1`,
      `ts                   instrument  side  lots  stop  target  trail  trailAfter  until  anchor
       2025-01-10T15:29:57  ${C}        buy   1     -     -       -      -           -      -`,
      { market, squareOff: 'hold' },
    )
    expect(fills[1]).toEqual(['15:30:00', 1, 'expiry', 'settlement', 100])
  })
})
