import type { Calendar } from '../core/calendar.ts'
import type { Contract } from '../core/instruments.ts'
import { bybitCalendar } from '../markets/bybit/calendar.ts'
import { nseCalendar } from '../markets/nse/calendar.ts'

export const marketNames = ['nse', 'bybit'] as const
export type MarketName = (typeof marketNames)[number]

/** What is quoted in a dollar of some sort, and the coins whose options settle in one. No symbol of the NSE is either. */
const bybitSymbol = /(?:USDT|USDC|USD|PERP)$|^(?:BTC|ETH|SOL|XRP|DOGE|MNT)$/

/** The market that an underlying trades on: the one given, else what its name tells. */
export function marketOf({ underlying }: Pick<Contract, 'underlying'>, given?: MarketName): MarketName {
  return given ?? (bybitSymbol.test(underlying) ? 'bybit' : 'nse')
}

/** Whose days and hours a contract has. */
export function calendarOf(contract: Pick<Contract, 'underlying'>, given?: MarketName): Calendar {
  return marketOf(contract, given) === 'bybit' ? bybitCalendar : nseCalendar
}
