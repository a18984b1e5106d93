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
