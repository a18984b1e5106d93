import type { LegFees } from '../../core/optionMarket.ts'
import type { RowBuffer } from '../../core/rowBuffer.ts'
import type { Step } from '../../core/step.ts'
import { ClosedTrade, directionNumber, Fill, fateNumber, type Order, OrderFate, purposeNumber, sideNumber } from '../../core/trading.ts'
import { asDecimal } from './execution.ts'
import { appendRow, type Position, type RowOf } from './positions.ts'

/** A fill, before it is written. `fees` is what the market takes for it. */
export interface Execution {
  readonly ts: number
  readonly purpose: number
  readonly source: number
  readonly price: number
  readonly slices: number
  readonly fees: LegFees
}

export function totalOf({ stt, exchange, ipft, sebi, stamp, gst, brokerage }: LegFees): number {
  return stt + exchange + ipft + sebi + stamp + gst + brokerage
}

/** What a broker tells: the rows of a batch. */
export class Ledger {
  readonly orders: RowBuffer<OrderFate>
  readonly fills: RowBuffer<Fill>
  readonly trades: RowBuffer<ClosedTrade>

  constructor(step: Step) {
    this.orders = step.scratch(OrderFate)
    this.fills = step.scratch(Fill)
    this.trades = step.scratch(ClosedTrade)
  }

  clear(): void {
    this.orders.clear()
    this.fills.clear()
    this.trades.clear()
  }

  refuse(ts: number, { ts: placed, instrument, anchor, side, lots }: RowOf<Order>, fate: number): void {
    appendRow(this.orders, { ts, instrument, placed, position: 0, anchor, side, purpose: purposeNumber.entry, lots, quantity: 0, fate })
  }

  /** An order of a position that was filled. `placed`: the second it was decided on. */
  fill(position: RowOf<Position>, placed: number, execution: Execution): void {
    const { instrument, position: number, anchor, lots, quantity } = position
    const { ts, purpose, source, price, slices, fees } = execution
    const isBuy = (position.long === 1) === (purpose === purposeNumber.entry)
    const side = isBuy ? sideNumber.buy : sideNumber.sell
    appendRow(this.orders, { ts, instrument, placed, position: number, anchor, side, purpose, lots, quantity, fate: fateNumber.filled })
    appendRow(this.fills, {
      ts,
      instrument,
      position: number,
      anchor,
      side,
      purpose,
      source,
      price,
      quantity,
      slices,
      ...fees,
      fees: totalOf(fees),
    })
  }

  /** Returns the trade's pnl. */
  close(position: RowOf<Position>, { ts, purpose, price, fees: exitFees }: Execution): number {
    const { instrument, position: number, anchor, long, entered, entry, lots, quantity, best, worst } = position
    const points = asDecimal(long === 1 ? price - entry : entry - price)
    const gross = points * quantity
    const fees = position.fees + totalOf(exitFees)
    const direction = long === 1 ? directionNumber.long : directionNumber.short
    appendRow(this.trades, {
      ts,
      instrument,
      position: number,
      anchor,
      direction,
      entered,
      entry,
      exit: price,
      lots,
      quantity,
      points,
      gross,
      fees,
      pnl: gross - fees,
      best,
      worst,
      reason: purpose,
    })
    return gross - fees
  }
}
