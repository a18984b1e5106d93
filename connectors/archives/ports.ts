import type { Zone } from '../../core/time.ts'
import type { Reason } from './reasons.ts'

/** Why a name or a day cannot be used. */
export interface Refusal {
  readonly reason: Reason
  readonly detail: string
}

/** Names of instruments as vendors write them. */
export interface ContractNames {
  /** The canonical name (core/instruments.ts) of what a format calls so on the date, YYYY-MM-DD, or why there is none. */
  parse(name: string, date: string, format: string): string | Refusal
}

/** What packing asks of a market. */
export interface PackMarket extends ContractNames {
  readonly zone: Zone
  isTradingDay(date: string): boolean
}

/** The markets there are, by the name that a layout has of its own. */
export type PackMarkets = Readonly<Record<'nse' | 'bybit', PackMarket>>
