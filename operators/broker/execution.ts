import type { OptionContract, OptionMarket } from '../../core/optionMarket.ts'
import { fateNumber, fillSourceNumber } from '../../core/trading.ts'
import { isPrice, type PriceRows } from './priceRows.ts'

/** What an order meets in the second in which it is due. `fate` is that of `filled` where it has a price. */
export interface Meeting {
  readonly fate: number
  readonly source: number
  readonly price: number
}

const refused = (fate: number): Meeting => ({ fate, source: 0, price: NaN })

export interface Terms {
  readonly maxAge: number
  /** Slippage in the price's unit. */
  readonly slippage: number
  /** No price is below it. */
  readonly tick: number
}

/**
 * A buyer pays the ask, a seller gets the bid; where it is not known, the last price and slippage against him, a tick at
 * least. Row -1 is none.
 */
export function meet(rows: PriceRows, i: number, isBuy: boolean, { maxAge, slippage, tick }: Terms): Meeting {
  if (i < 0) return refused(fateNumber.no_price)
  const { age, ask, bid, close } = rows.batch.col
  if (age[i] > maxAge) return refused(fateNumber.stale)
  const quote = isBuy ? ask[i] : bid[i]
  if (isPrice(quote)) return { fate: fateNumber.filled, source: fillSourceNumber.book, price: quote }
  if (!isPrice(close[i])) return refused(fateNumber.no_price)
  const price = isBuy ? close[i] + slippage : Math.max(tick, close[i] - slippage)
  return { fate: fateNumber.filled, source: fillSourceNumber.last, price: asDecimal(price) }
}

/** 100.05 + 0.10 is 100.15, not 100.14999999999999: to a hundred-millionth where that can be told. */
export function asDecimal(price: number): number {
  return Math.abs(price) < 1e7 ? Math.round(price * 1e8) / 1e8 : price
}

/** Orders that a quantity is sent as: of whole lots, each at most the freeze quantity. */
export function slicesOf(lots: number, lot: number, freeze: number): number {
  return Math.ceil(lots / Math.max(1, Math.floor(freeze / lot)))
}

/** How much of a contract an entry of `lots` is on a day. */
export function sizeOf(market: OptionMarket, contract: OptionContract, lots: number, day: number): { quantity: number; slices: number } {
  const lot = market.lot(contract, day)
  return { quantity: lots * lot, slices: slicesOf(lots, lot, market.freeze(contract.underlying, day)) }
}
