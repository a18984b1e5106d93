import type { Session } from '../../core/calendar.ts'
import { TickloomError } from '../../core/errors.ts'
import { type Contract, nameOf } from '../../core/instruments.ts'
import { formatDate } from '../../core/time.ts'
import { type NseSegment, nseCalendar } from './calendar.ts'
import { dayGiven, type Expiry, type ExpiryKind, NseExpiries } from './expiries.ts'
import { nseFolder } from './folder.ts'
import { NseTerms, type SymbolTerms } from './terms.ts'

/** A contract's expiry as callers write dates. */
export interface DatedExpiry {
  readonly expiry: string
  readonly kind: ExpiryKind
  /** The day the rule names; another than `expiry` when a holiday moved it. */
  readonly nominal: string
}

let expiries: NseExpiries | undefined
let terms: NseTerms | undefined

/** The expiries of the tables beside this file, read when they are first asked for. Throws MARKET_DATA_INVALID. */
export function nseExpiries(): NseExpiries {
  return (expiries ??= new NseExpiries(nseFolder, nseCalendar.holidays))
}

/** As `nseExpiries`, for lots, steps and the like. */
export function nseTerms(): NseTerms {
  return (terms ??= new NseTerms(nseFolder))
}

/** The hours of a date, none when nothing trades. */
export function sessionOf(date: string, segment: NseSegment): readonly Session[] {
  return nseCalendar.sessions(dayGiven(date), nseCalendar.segments.indexOf(segment))
}

/** Whether anything trades that day: Muhurat and sessions on weekends count. */
export function isTradingDay(date: string): boolean {
  return nseCalendar.isTradingDay(dayGiven(date))
}

/** Trading days from `from` to `to`, both included. */
export function tradingDays(from: string, to: string): string[] {
  const days: string[] = []
  for (let day = dayGiven(from, 'from'); day <= dayGiven(to, 'to'); day++) if (nseCalendar.isTradingDay(day)) days.push(formatDate(day))
  return days
}

/**
 * The first expiry of a series on the trade date or after it, for choosing candidates: never a contract's identity. An
 * expiry day maps to itself. `nearest` takes whichever comes first. None where the series has ended.
 *
 * With `knownAt`, as it was known at the end of that day; without, as it is known now.
 */
export function finalExpiry(symbol: string, tradeDate: string, kind: ExpiryKind | 'nearest', knownAt?: string): string | undefined {
  const found = nseExpiries().next(symbol, dayGiven(tradeDate, 'tradeDate'), kind, at(knownAt))
  return found && formatDate(found.day)
}

/** The expiries of a symbol from `from` to `to`, both included. Throws INSTRUMENT_INVALID for an unknown symbol. */
export function expiriesOf(symbol: string, from: string, to: string, knownAt?: string): DatedExpiry[] {
  return nseExpiries()
    .between(symbol, dayGiven(from, 'from'), dayGiven(to, 'to'), at(knownAt))
    .map(({ day, kind, nominal }) => ({ expiry: formatDate(day), kind, nominal: formatDate(nominal) }))
}

/** The date on which the contract that was named by `expiry` expires; `expiry` itself unless it was revised. */
export function revisedExpiry(symbol: string, expiry: string, knownAt?: string): string {
  const found = nseExpiries().revised(symbol, dayGiven(expiry, 'expiry'), at(knownAt))
  return found === undefined ? expiry : formatDate(found.day)
}

/**
 * The lot of a contract: by default the one it had on its last day, with `date` that of a trade date. Two contracts of
 * one symbol may differ on one day. Throws INSTRUMENT_INVALID where the tables have none.
 */
export function lotSize(contract: Contract, when: { readonly date?: string; readonly knownAt?: string } = {}): number {
  if (contract.kind === 'spot') return refuse(contract, 'is no derivative')
  const day = dayGiven(contract.expiry, 'expiry')
  const expiry = expiryNamed(contract.underlying, day) ?? refuse(contract, 'expires on a day on which nothing of it expires')
  const lot = nseTerms().lotOf(contract.underlying, expiry, when.date === undefined ? day : dayGiven(when.date), at(when.knownAt))
  return lot ?? refuse(contract, 'has no lot in the tables')
}

/** The distance between strikes in rupees. Throws INSTRUMENT_INVALID for an unknown symbol, as the next two do. */
export function strikeStep(symbol: string): number {
  return termsOf(symbol).strikeStep
}

/** The least change of an option's price, in rupees. */
export function tickSize(symbol: string): number {
  return termsOf(symbol).tick
}

/** The largest quantity of one order on a date. */
export function freezeQuantity(symbol: string, date: string, knownAt?: string): number {
  termsOf(symbol)
  const quantity = nseTerms().freezeOf(symbol, dayGiven(date), at(knownAt))
  if (quantity === undefined) throw new TickloomError('INSTRUMENT_INVALID', `no freeze quantity of ${symbol} is known for ${date}`, { symbol, date })
  return quantity
}

/** The expiry a contract is named by, one that has been revised since included. */
export function expiryNamed(symbol: string, day: number, knownAt?: number): Expiry | undefined {
  const found = nseExpiries().on(symbol, day, knownAt)
  if (found) return found
  const revised = nseExpiries().revised(symbol, day)
  return revised && { ...revised, day }
}

function termsOf(symbol: string): SymbolTerms {
  const found = nseTerms().symbols.get(symbol)
  if (found === undefined) throw new TickloomError('INSTRUMENT_INVALID', `the tables do not have the symbol "${symbol}"`, { symbol })
  return found
}

function at(knownAt: string | undefined): number | undefined {
  return knownAt === undefined ? undefined : dayGiven(knownAt, 'knownAt')
}

function refuse(contract: Contract, reason: string): never {
  throw new TickloomError('INSTRUMENT_INVALID', `${nameOf(contract)} ${reason}`, { name: nameOf(contract) })
}
