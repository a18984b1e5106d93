import { TickloomError } from '../../core/errors.ts'
import { type Contract, contractOf, nameOf } from '../../core/instruments.ts'
import { nseTerms } from './market.ts'

/** What of a row of Kite's dump of instruments says which contract it is. */
export interface KiteRow {
  /** `NIFTY 50`, `NIFTY24JAN21500CE`, `INFY`. */
  readonly symbol: string
  /** What a contract is written on. */
  readonly name: string
  /** YYYY-MM-DD. */
  readonly expiry: string
  readonly strike: number
  /** EQ, FUT, CE or PE. */
  readonly type: string
  readonly segment: string
}

/**
 * The contract of a row of Kite's dump, by what the row itself says; the symbol is not taken apart. An index has the name
 * that its options have, `NIFTY` for `NIFTY 50`, where the table of symbols knows it. Throws INSTRUMENT_INVALID.
 */
export function kiteContract({ symbol, name, expiry, strike, type, segment }: KiteRow): Contract {
  if (type === 'EQ') return contractOf(segment === 'INDICES' ? indexNamed(symbol) : symbol)
  if (type === 'FUT') return contractOf(nameOf({ kind: 'future', underlying: name, expiry }))
  if (type === 'CE' || type === 'PE') return contractOf(nameOf({ kind: 'option', underlying: name, expiry, strike, type }))
  throw new TickloomError('INSTRUMENT_INVALID', `"${symbol}" is of the type ${type}, which is neither EQ, FUT, CE nor PE`, { name: symbol })
}

function indexNamed(symbol: string): string {
  for (const [name, { kiteSpot }] of nseTerms().symbols) if (kiteSpot === symbol) return name
  return symbol
}
