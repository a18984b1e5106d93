import type { Observable } from 'rxjs'
import type { Batch } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import type { Book, Second } from '../core/market.ts'
import type { OptionMarket } from '../core/optionMarket.ts'
import type { Branches, Step } from '../core/step.ts'
import { type ClosedTrade, type Equity, type Fill, Order, type OrderFate } from '../core/trading.ts'
import { Broker } from './broker/broker.ts'
import { Price } from './broker/priceRows.ts'

export interface PaperBrokerOptions {
  readonly market: OptionMarket
  /** Oldest price that may be traded at, seconds. */
  readonly maxAge: number
  /** What is paid above or got below the last price where the book is not known, ticks. */
  readonly slippage: number
  /** Rupees an order sent to the exchange, taxes on it included. */
  readonly brokerage: number
  /** Seconds before the bell from when on everything is ended; `hold`: carried over, and settled at its expiry. */
  readonly squareOff: number | 'hold'
  /** Seconds between two rows of equity while anything is open; 60 by default. */
  readonly equityEvery?: number
}

type In = { readonly prices: Observable<Batch<Second & Book>>; readonly orders: Observable<Batch<Order>> }
type Out = { readonly orders: OrderFate; readonly fills: Fill; readonly trades: ClosedTrade; readonly equity: Equity }

/**
 * Fills orders on paper, watches what is open, keeps the account (docs/concepts/paper-broker.md has examples).
 *
 * Fill of an order decided on second s, at the contract's own row of second s + 1 or never:
 *
 *     not_tradable   it is no option
 *     expired        day(s + 1) > last day of the contract
 *     no_price       s + 1 is not in session, or the contract has no row or no price there
 *     stale          age > maxAge
 *     filled         buy   ask, else close + slippage * tick        an unknown book is NaN or not above 0
 *                    sell  bid, else close - slippage * tick, a tick at least
 *
 * quantity = lots * lot(contract, day), in ceil(lots / floor(freeze / lot)) orders that each cost `brokerage`.
 *
 * Exit of a position entered at f for E, from second f + 1 on; d = 1 for a long, -1 for a short; P the price of an
 * observed second, B the best of E and all P. The first that holds:
 *
 *     stop          d * P <= d * E * (1 - d * stop)
 *     target        d * P >= d * E * (1 + d * target)
 *     trail         d * P <= d * B * (1 - d * trail), once d * B >= d * E * (1 + d * trailAfter)
 *     time          ts >= until                       on carried seconds, too
 *     session_end   ts >= bell - squareOff            likewise; never with `hold`
 *
 * It is an order like any other, decided on that second; where its price is stale or missing it waits for the first that
 * is not. A price within a billionth of a level is at it. At the bell, where the day's last session closes:
 *
 *     last day of the contract   expiry, at max(0, S - K) of a call, max(0, K - S) of a put
 *     else, with squareOff       what it waits for, or session_end, at its own last price (`carried`)
 *     else                       carried over to the next day, what it waits for too
 *
 * S = mean of the spot's rows in the half hour before the spot's own bell; without any, the option's last price.
 *
 * Takes dense seconds of contracts and of spots (perSecond with `carry: ['bid', 'ask']`), one row an instrument and
 * second, and orders in the order of ts. Rows out are in the order of ts: at one instant bells, refusals that need no
 * price, exits by position, entries as they came. Equity comes in seconds with a fill, every `equityEvery` seconds of the
 * day in which something open has a row, and at the bell of a day with a fill. Accounts of underlyings know nothing of
 * each other. Throws ORDER_INVALID. Counted: exit_waited, a second each; exit_at_carried_price; settled_without_spot.
 * State: orders that wait, open positions, accounts, sums for S.
 */
export function paperBroker(step: Step, options: PaperBrokerOptions): (streams: In) => Branches<Out> {
  const { market, maxAge, slippage, brokerage, squareOff, equityEvery = 60 } = options
  const atLeast = (least: number, what: string, value: number): void => {
    if (!(value >= least)) throw new TickloomError('OPTION_INVALID', `${what} ${value} is not a number of ${least} or more`, { [what]: value })
  }
  for (const [what, value] of Object.entries({ maxAge, slippage, brokerage })) atLeast(0, what, value)
  atLeast(1, 'equityEvery', equityEvery)
  if (squareOff !== 'hold') atLeast(0, 'squareOff', squareOff)
  const broker = new Broker(step, { market, maxAge, slippage, brokerage, squareOff: squareOff === 'hold' ? NaN : squareOff, equityEvery })
  return step.join<{ orders: Order; prices: Price }, Out>(
    { orders: Order, prices: Price },
    ['orders', 'fills', 'trades', 'equity'],
    ({ prices, orders }) => broker.take(prices, orders),
  )
}
