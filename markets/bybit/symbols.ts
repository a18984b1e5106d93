import { TickloomError } from '../../core/errors.ts'
import { type Contract, nameOf, type OptionType } from '../../core/instruments.ts'
import { parseDate } from '../../core/time.ts'

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const pattern =
  /^(?<coin>[A-Z0-9]+)-(?<dd>0?[1-9]|[12]\d|3[01])(?<mon>[A-Z]{3})(?<yy>\d\d)-(?<strike>[1-9]\d*(?:\.\d+)?|0\.\d*[1-9]\d*)-(?<type>[CP])(?<settle>-USDT)?$/

/**
 * The option that a symbol of Bybit stands for: `BTC-27MAR26-70000-P-USDT` settles in USDT, without the end in USDC.
 * Those are two contracts, so the underlying of the first is `BTC-USDT`, of the second `BTC`. Throws INSTRUMENT_INVALID.
 */
export function parseBybitSymbol(symbol: string): Contract {
  const parts = pattern.exec(symbol)?.groups as Readonly<Record<'coin' | 'dd' | 'mon' | 'yy' | 'strike' | 'type', string>> & { settle?: string }
  const expiry = parts && `20${parts.yy}-${String(months.indexOf(parts.mon) + 1).padStart(2, '0')}-${parts.dd.padStart(2, '0')}`
  if (!parts || Number.isNaN(parseDate(expiry)))
    throw new TickloomError('INSTRUMENT_INVALID', `"${symbol}" is no option of Bybit (BTC-27MAR26-70000-P-USDT)`, { name: symbol })
  const type: OptionType = parts.type === 'C' ? 'CE' : 'PE'
  return { kind: 'option', underlying: `${parts.coin}${parts.settle ?? ''}`, expiry, strike: Number(parts.strike), type }
}

/** The symbol of an option; days have no leading zero. Throws INSTRUMENT_INVALID for what is no option. */
export function formatBybitSymbol(contract: Contract): string {
  if (contract.kind !== 'option') throw new TickloomError('INSTRUMENT_INVALID', `${nameOf(contract)} is no option`, { name: nameOf(contract) })
  const { underlying, expiry, strike, type } = contract
  const [coin, settle] = underlying.endsWith('-USDT') ? [underlying.slice(0, -5), '-USDT'] : [underlying, '']
  const day = `${Number(expiry.slice(8))}${months[Number(expiry.slice(5, 7)) - 1]}${expiry.slice(2, 4)}`
  return `${coin}-${day}-${strike}-${type === 'CE' ? 'C' : 'P'}${settle}`
}
