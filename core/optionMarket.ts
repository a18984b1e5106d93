import type { Calendar } from './calendar.ts'
import type { Contract } from './instruments.ts'

export type OptionContract = Extract<Contract, { kind: 'option' }>

/** One leg of a trade, for its fees. `day`: the trade date as a day number (core/time.ts). */
export interface Leg {
  readonly day: number
  readonly side: 'buy' | 'sell'
  readonly price: number
  /** Shares or units, lots multiplied out. */
  readonly quantity: number
  /** Orders sent to the exchange for it, each of which pays `brokerage`. */
  readonly orders: number
  /** What the broker takes for one order, taxes on it included. */
  readonly brokerage: number
  /** The exchange settles an expiry: nothing is traded. `price` is what the option is worth then; a holder sells. */
  readonly settlement: boolean
}

export interface LegFees {
  readonly stt: number
  readonly exchange: number
  readonly ipft: number
  readonly sebi: number
  readonly stamp: number
  readonly gst: number
  readonly brokerage: number
}

/**
 * What a strategy on options must know of their market. Days are day numbers (core/time.ts). All as known on `day`,
 * never later. Throws INSTRUMENT_INVALID for what the market does not have.
 */
export interface OptionMarket {
  readonly calendar: Calendar
  strikeStep(underlying: string): number
  /** The least change of an option's price. */
  tick(underlying: string): number
  /** The expiry, YYYY-MM-DD, of the series that a candidate is chosen from on a day; undefined where there is none. */
  expiry(underlying: string, day: number, series: 'nearest' | 'weekly' | 'monthly'): string | undefined
  /** The last day of a contract, which need not be the one it is named by: exchanges move expiries. */
  expires(contract: OptionContract, day: number): number
  lot(contract: OptionContract, day: number): number
  /** The largest quantity of one order. */
  freeze(underlying: string, day: number): number
  fees(leg: Leg): LegFees
}
