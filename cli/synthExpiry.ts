import { nseExpiries } from '../markets/nse/market.ts'

/** When contracts of a made-up market expire: next, as the NSE had it on that day, of a symbol that it has. */
export function nseExpiryOf(symbol: string, day: number): number | undefined {
  const expiries = nseExpiries()
  return expiries.symbols.includes(symbol) ? expiries.next(symbol, day, 'nearest', day)?.day : undefined
}
