import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contractOf } from '../../core/instruments.ts'
import { Book, Second } from '../../core/market.ts'
import type { OptionContract } from '../../core/optionMarket.ts'
import type { Step } from '../../core/step.ts'
import { dayOf, IST, SECOND } from '../../core/time.ts'
import { ClosedTrade, Equity, Fill, Order, OrderFate } from '../../core/trading.ts'
import { nseOptions } from '../../markets/nse/optionMarket.ts'
import { paperBroker } from '../../operators/paperBroker.ts'
import { driveJoin, type JoinOp, tapeOf } from '../kit/joinContract.ts'
import { type PlainTrade, plainTrade } from '../kit/plainBroker.ts'
import { at, type Row } from '../kit/table.ts'

const inputs = { prices: { ...Second, ...Book }, orders: Order }
const outputs = { orders: OrderFate, fills: Fill, trades: ClosedTrade, equity: Equity }
const kinds = { inputs, outputs }
const settings = { market: nseOptions, maxAge: 2, slippage: 1, brokerage: 20, equityEvery: 5 }
const broker =
  (squareOff: number | 'hold'): JoinOp<typeof inputs, typeof outputs> =>
  (step: Step) =>
    paperBroker(step, { ...settings, squareOff })

/** The last seconds of the day before NIFTY's expiry, those of the expiry, and the first of the day after. */
const seconds = ['2025-01-08 15:29:50', '2025-01-09 15:29:50', '2025-01-10 09:15:00'].flatMap((from) =>
  Array.from({ length: 10 }, (_, s) => at(from) + s * SECOND),
)
const contracts = ['NIFTY:2025-01-09:23500:CE', 'NIFTY:2025-01-16:23500:CE', 'BANKNIFTY:2025-01-30:49000:PE']
const spots = ['NIFTY', 'BANKNIFTY']

const fraction = fc.constantFrom(Number.NaN, 0.02, 0.1)
const anOrder = fc.record({
  ts: fc.constantFrom(...seconds),
  instrument: fc.constantFrom(...contracts, 'NIFTY'),
  side: fc.constantFrom('buy', 'sell'),
  anchor: fc.constant(Number.NaN),
  lots: fc.integer({ min: 1, max: 30 }),
  stop: fraction,
  target: fraction,
  trail: fraction,
  trailAfter: fraction,
  until: fc.constantFrom(Number.NaN, ...seconds),
})
/** Of one instrument and second: whether it is there, moved, by how many ticks, and knows its book. */
const aMove = fc.record({
  there: fc.integer({ min: 0, max: 9 }),
  traded: fc.boolean(),
  ticks: fc.integer({ min: -200, max: 200 }),
  book: fc.boolean(),
})

const aDay = fc.record({
  prices: fc.array(aMove, { minLength: seconds.length * 5, maxLength: seconds.length * 5 }).map(walk),
  orders: fc.array(anOrder, { maxLength: 12 }).map((orders) => orders.sort((a, b) => a.ts - b.ts) as Row[]),
})

/** Prices in ticks from 100 rupees on, never below one tick; what is not traded is carried. */
function walk(moves: readonly { there: number; traded: boolean; ticks: number; book: boolean }[]): Row[] {
  const rows: Row[] = []
  for (const [k, instrument] of [...contracts, ...spots].entries()) {
    let [ticks, age] = [spots.includes(instrument) ? 470_000 : 2000, 0]
    for (const [s, ts] of seconds.entries()) {
      const move = moves[k * seconds.length + s]
      const observed = move.traded || s % 10 === 0
      age = observed ? 0 : age + 1
      if (observed) ticks = Math.max(1, ticks + move.ticks)
      const [close, bid, ask] = [ticks / 20, ...(move.book ? [ticks / 20, (ticks + 2) / 20] : [Number.NaN, Number.NaN])]
      // A contract is not there after its expiry, nor now and then.
      if (move.there === 0 || (k === 0 && ts > at('2025-01-09 16:00:00'))) continue
      rows.push({ ts, instrument, second: 0, close, vol: 0, observed: observed ? 1 : 0, age, bid, ask })
    }
  }
  return rows.sort((a, b) => Number(a['ts']) - Number(b['ts']))
}

const num = (row: Row, column: string): number => row[column] as number
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const accountOf = (row: Row): string => contractOf(row['instrument'] as string).underlying
const cashOf = (fill: Row): number => (fill['side'] === 'sell' ? 1 : -1) * num(fill, 'price') * num(fill, 'quantity') - num(fill, 'fees')

const law = (says: string, holds: (day: { prices: Row[]; orders: Row[] }, rows: Record<string, Row[]>, squareOff: number | 'hold') => void): void => {
  it(says, () => {
    fc.assert(
      fc.property(aDay, fc.constantFrom<number | 'hold'>(3, 0, 'hold'), (day, squareOff) => {
        holds(day, driveJoin(broker(squareOff), kinds, tapeOf(day)).rows, squareOff)
      }),
      { numRuns: 50 },
    )
  })
}

/** Every order by itself, done plainly: positions know nothing of each other. */
function plainly({ prices, orders }: { prices: Row[]; orders: Row[] }, squareOff: number | 'hold'): PlainTrade[] {
  const bells: Record<string, string[]> = {
    [contracts[0]]: ['2025-01-08', '2025-01-09'],
    [contracts[1]]: ['2025-01-08', '2025-01-09', '2025-01-10', '2025-01-16'],
    [contracts[2]]: ['2025-01-08', '2025-01-09', '2025-01-10', '2025-01-30'],
  }
  const spot = prices.filter((row) => row['instrument'] === 'NIFTY' && dayOf(num(row, 'ts'), IST) === dayOf(at('2025-01-09 12:00:00'), IST))
  return orders.flatMap((order) => {
    const name = order['instrument'] as string
    const contract = contractOf(name)
    if (contract.kind !== 'option') return []
    const trade = plainTrade(order, {
      prices: prices.filter((row) => row['instrument'] === name),
      bells: bells[name].map((date) => at(`${date} 15:30:00`)),
      closing: name === contracts[0] ? sum(spot.map((row) => num(row, 'close'))) / spot.length : Number.NaN,
      strike: contract.strike,
      isCall: contract.type === 'CE',
      maxAge: settings.maxAge,
      slippageTicks: settings.slippage,
      squareOff: squareOff === 'hold' ? Number.NaN : squareOff,
    })
    return trade ? [trade] : []
  })
}

describe('laws of any day', () => {
  law('the trades are those of a broker that is as plain as can be', (day, { trades }, squareOff) => {
    const inOrder = (rows: readonly PlainTrade[]) =>
      rows
        .map(({ entered, ts, reason, entry, exit }) => ({ entered, ts, reason, entry, exit }))
        .sort((a, b) => a.entered - b.entered || a.ts - b.ts || a.entry - b.entry || a.exit - b.exit || a.reason.localeCompare(b.reason))
    const plain = inOrder(plainly(day, squareOff)).map((trade) => ({ ...trade, exit: expect.closeTo(trade.exit, 6) }))
    expect(inOrder(trades as unknown as PlainTrade[])).toEqual(plain)
  })

  law(
    'cash: what an account has is what its fills brought and cost, and when nothing is open its trades say the same',
    (_, { fills, trades, equity }) => {
      for (const spot of spots) {
        // An account with nothing open at its bell is begun anew by its next fill.
        let [cash, realised, from] = [0, 0, -Infinity]
        for (const row of equity.filter((row) => row['instrument'] === spot)) {
          const since = (rows: readonly Row[]) =>
            rows.filter((other) => accountOf(other) === spot && num(other, 'ts') > from && num(other, 'ts') <= num(row, 'ts'))
          cash += sum(since(fills).map(cashOf))
          realised += sum(since(trades).map((trade) => num(trade, 'pnl')))
          from = num(row, 'ts')
          expect(num(row, 'cash')).toBeCloseTo(cash, 4)
          expect(num(row, 'realised')).toBeCloseTo(realised, 4)
          expect(num(row, 'equity')).toBeCloseTo(num(row, 'realised') + num(row, 'unrealised'), 4)
          if (num(row, 'open') > 0) continue
          expect(num(row, 'equity')).toBeCloseTo(realised, 4)
          if ((from + IST.offset) % (86_400 * SECOND) === 55_800 * SECOND) [cash, realised] = [0, 0]
        }
      }
    },
  )

  law('an order has one fate, a position one entry and at most one exit', ({ orders }, { orders: fates, fills, trades }) => {
    const due = seconds[seconds.length - 1] + SECOND
    expect(fates.filter((fate) => fate['purpose'] === 'entry')).toHaveLength(orders.filter((order) => num(order, 'ts') < due).length)
    expect(fates.filter((fate) => fate['fate'] === 'filled')).toHaveLength(fills.length)
    expect(fills.filter((fill) => fill['purpose'] !== 'entry')).toHaveLength(trades.length)
    for (const { ts, placed } of fates as unknown as { ts: number; placed: number }[]) expect(ts).toBeGreaterThanOrEqual(placed)
  })

  law(
    'a fill is at the price of its own contract in its own second, and an order is filled in the second after it',
    ({ prices }, { orders, fills }) => {
      for (const [i, fill] of fills.entries()) {
        const fate = orders.filter((row) => row['fate'] === 'filled')[i]
        if (fill['purpose'] === 'entry') expect(num(fill, 'ts') - num(fate, 'placed')).toBe(SECOND)
        const own = prices.filter((row) => row['instrument'] === fill['instrument'] && num(row, 'ts') <= num(fill, 'ts'))
        const row = own[own.length - 1]
        const isBuy = fill['side'] === 'buy'
        if (fill['source'] === 'carried') expect(fill['price']).toBe(row['close'])
        if (fill['source'] !== 'book' && fill['source'] !== 'last') continue
        expect(row['ts']).toBe(fill['ts'])
        expect(num(row, 'age')).toBeLessThanOrEqual(settings.maxAge)
        if (fill['source'] === 'book') expect(fill['price']).toBe(row[isBuy ? 'ask' : 'bid'])
        else expect(num(fill, 'price')).toBeCloseTo(isBuy ? num(row, 'close') + 0.05 : Math.max(0.05, num(row, 'close') - 0.05), 9)
      }
    },
  )

  law('nothing of a contract happens after its expiry, and nothing is open after its bell', (_, { fills, trades }, squareOff) => {
    const day = (ts: number) => dayOf(ts, IST)
    for (const fill of fills) {
      const contract = contractOf(fill['instrument'] as string) as OptionContract
      expect(day(num(fill, 'ts'))).toBeLessThanOrEqual(nseOptions.expires(contract, day(num(fill, 'ts'))))
      expect(num(fill, 'quantity') % nseOptions.lot(contract, day(num(fill, 'ts')))).toBe(0)
    }
    if (squareOff !== 'hold') for (const trade of trades) expect(day(num(trade, 'ts'))).toBe(day(num(trade, 'entered')))
    const ended = trades.filter((trade) => trade['instrument'] === contracts[0]).length
    expect(fills.filter((fill) => fill['instrument'] === contracts[0] && fill['purpose'] === 'entry')).toHaveLength(ended)
  })

  law('an underlying has the rows it would have alone', ({ prices, orders }, together, squareOff) => {
    for (const spot of spots) {
      const own = (rows: readonly Row[]) => rows.filter((row) => accountOf(row) === spot)
      const alone = driveJoin(broker(squareOff), kinds, tapeOf({ prices: own(prices), orders: own(orders) })).rows
      for (const [name, rows] of Object.entries(together)) expect(own(rows), name).toEqual(alone[name])
    }
  })

  law('cuts and restarts change nothing', (day, whole, squareOff) => {
    const tape = tapeOf(day)
    const cuts = [Math.floor(tape.length / 3), Math.floor(tape.length / 2), Math.floor((tape.length * 4) / 5)]
    for (const restart of [0, 1, 2]) expect(driveJoin(broker(squareOff), kinds, tape, { cuts, restart }).rows).toEqual(whole)
  })
})
