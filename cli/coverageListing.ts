import type { Listing } from '../connectors/parquet/coverage/expected.ts'
import { formatDate, parseDate } from '../core/time.ts'
import { STOCKS } from '../markets/nse/expiries.ts'
import { expiriesOf, nseExpiries, nseTerms, revisedExpiry, tradingDays } from '../markets/nse/market.ts'
import { type MarketName, marketOf } from './lakeMarket.ts'

/**
 * What was listed, as it was known at the end of the date. Bybit lists what it likes, so of its expiries nothing is
 * expected; it trades every day.
 */
export function listingOf(market?: MarketName): Listing {
  const isNse = (underlying: string): boolean => marketOf({ underlying }, market) === 'nse'
  return {
    expiries(symbol, date, to) {
      if (!isNse(symbol)) return undefined
      const listed = nseExpiries().symbols.includes(symbol) ? symbol : STOCKS
      // A contract seen may have the name of an expiry that was moved ahead.
      const end = formatDate(parseDate(to) + NEARBY)
      // As it is known today, by the day that the rule names: a holiday announced late moved the expiry, and some vendors its name.
      const today = new Map(expiriesOf(listed, date, end).map(({ nominal, expiry }) => [nominal, expiry]))
      return expiriesOf(listed, date, end, date).map(({ expiry, kind, nominal }) => ({
        kind,
        names: [...new Set([expiry, revisedExpiry(listed, expiry), today.get(nominal) ?? expiry, ...before(listed, expiry)])],
      }))
    },
    strikeStep: (symbol) => (isNse(symbol) ? nseTerms().symbols.get(symbol)?.strikeStep : undefined),
    tradingDays(symbol, from, to) {
      if (isNse(symbol)) return tradingDays(from, to)
      return Array.from({ length: parseDate(to) - parseDate(from) + 1 }, (_, i) => formatDate(parseDate(from) + i))
    },
  }
}

/** Days by which a revision moves an expiry, at most. */
const NEARBY = 7

/** Expiries that were revised to this one: until it took effect, contracts had their names. */
function before(symbol: string, expiry: string): string[] {
  const days = Array.from({ length: 2 * NEARBY + 1 }, (_, i) => formatDate(parseDate(expiry) - NEARBY + i))
  return days.filter((day) => revisedExpiry(symbol, day) === expiry)
}
