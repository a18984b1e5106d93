import type { PackMarket, PackMarkets, Refusal } from '../connectors/archives/ports.ts'
import { messageOf } from '../core/errors.ts'
import { nameOf } from '../core/instruments.ts'
import { IST, parseDate, UTC } from '../core/time.ts'
import { parseBybitSymbol } from '../markets/bybit/symbols.ts'
import { parseContract } from '../markets/nse/contractNames.ts'
import { isTradingDay } from '../markets/nse/market.ts'

/** TrueData's options have the whole date: NIFTY24010421500CE is 2024-01-04, strike 21500. */
const truedataOption = /^([A-Z][A-Z0-9&-]*?)(\d\d)(\d\d)(\d\d)(\d+(?:\.\d+)?)(CE|PE)$/

const nse: PackMarket = {
  zone: IST,
  isTradingDay,
  parse(name, date, format) {
    if (format === 'truedata') {
      const option = truedataName(name.toUpperCase(), date)
      if (option !== undefined) return option
    }
    return named(name, () => parseContract(name, { date, stocks: true }))
  },
}

const bybit: PackMarket = {
  zone: UTC,
  isTradingDay: () => true,
  parse: (name) => (/^[A-Z0-9]+$/.test(name) ? name : named(name, () => parseBybitSymbol(name))),
}

export const packMarkets: PackMarkets = { nse, bybit }

function named(name: string, parse: () => Parameters<typeof nameOf>[0]): string | Refusal {
  try {
    return nameOf(parse())
  } catch (cause) {
    return { reason: 'unknown_contract', detail: name === '' ? 'no name' : messageOf(cause) }
  }
}

function truedataName(name: string, date: string): string | undefined {
  const [, underlying, yy, mm, dd, strike, type] = truedataOption.exec(name) ?? []
  const expiry = `20${yy}-${mm}-${dd}`
  if (underlying === undefined || Number.isNaN(parseDate(expiry)) || expiry < date || !(Number(strike) > 0)) return undefined
  return nameOf({ kind: 'option', underlying, expiry, strike: Number(strike), type: type as 'CE' | 'PE' })
}
