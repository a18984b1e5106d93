import { TickloomError } from '../../core/errors.ts'
import { formatDate, parseDate } from '../../core/time.ts'
import { isBelieved, type Known, readDatedTable } from '../datedTable.ts'
import { type NseHolidays, weekdayOf } from './holidays.ts'

const kinds = ['weekly', 'monthly'] as const
export type ExpiryKind = (typeof kinds)[number]

/** Every single stock, whose contracts all expire alike. */
export const STOCKS = '*'

/** Days by number, as core/time.ts counts them. */
export interface Expiry {
  readonly day: number
  readonly kind: ExpiryKind
  /** The day that the rule names; another than `day` when a holiday moved it. */
  readonly nominal: number
}

interface Rule extends Known {
  readonly from: number
  /** 0 is Sunday; -1: no further expiries. */
  readonly weekday: number
}
interface Exception extends Known {
  readonly nominal: number
  readonly day: number
}
interface Revision extends Known {
  readonly kind: ExpiryKind
  readonly was: number
  readonly becomes: number
}

const weekdays = ['none', 'sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/**
 * On which days contracts expire: expiry-rules.csv, moved by holidays, and expiry-exceptions.csv over both. Everything
 * can be asked as it was known at the end of some day: plans that were later withdrawn, holidays that were later moved.
 *
 * A weekly contract exists in every week but that of the monthly one. Expiries beyond the years whose holidays are
 * known are what the rule says.
 */
export class NseExpiries {
  /** Symbols that have expiries of their own. */
  readonly symbols: readonly string[]
  readonly #holidays: NseHolidays
  readonly #rules = new Map<string, Record<ExpiryKind, Rule[]>>()
  readonly #exceptions = new Map<string, Exception[]>()
  readonly #revisions = new Map<string, Revision[]>()
  readonly #years = new Map<string, readonly Expiry[]>()
  /** Days on which something became known or was withdrawn: between two of them all answers are the same. */
  readonly #turns: readonly number[]

  /** Throws MARKET_DATA_INVALID. */
  constructor(folder: string, holidays: NseHolidays) {
    this.#holidays = holidays
    this.#readRules(folder)
    this.symbols = [...this.#rules.keys()].filter((symbol) => symbol !== STOCKS)
    this.#readExceptions(folder)
    this.#readRevisions(folder)
    const facts: Known[] = [...[...this.#rules.values()].flatMap(({ weekly, monthly }) => [...weekly, ...monthly]), ...holidays.facts]
    for (const exceptions of this.#exceptions.values()) facts.push(...exceptions)
    this.#turns = [...new Set(facts.flatMap(({ known, withdrawn }) => [known, withdrawn]))].sort((a, b) => a - b)
  }

  /** In order of time, `from` and `to` included. Throws INSTRUMENT_INVALID for a symbol that the tables lack. */
  between(symbol: string, from: number, to: number, at?: number): Expiry[] {
    const found: Expiry[] = []
    // A holiday may move the first expiry of a year into the year before.
    for (let year = yearOf(from); year <= yearOf(to) + 1; year++)
      for (const expiry of this.#ofYear(symbol, year, at)) if (from <= expiry.day && expiry.day <= to) found.push(expiry)
    return found
  }

  on(symbol: string, day: number, at?: number): Expiry | undefined {
    return this.between(symbol, day, day, at)[0]
  }

  /** The first on `day` or after it; none where the series has ended. */
  next(symbol: string, day: number, kind: ExpiryKind | 'nearest', at?: number): Expiry | undefined {
    return this.between(symbol, day, day + 70, at).find((expiry) => kind === 'nearest' || expiry.kind === kind)
  }

  /** The monthly one of a month, `month` from 1. */
  ofMonth(symbol: string, year: number, month: number, at?: number): Expiry | undefined {
    const first = Date.UTC(year, month - 1) / 86_400_000
    const last = Date.UTC(year, month) / 86_400_000 - 1
    return this.between(symbol, first, last, at).find(({ kind }) => kind === 'monthly')
  }

  /** Where the contract that used to expire on `day` went, and of which kind it is. */
  revised(symbol: string, day: number, at?: number): Expiry | undefined {
    const found = this.#revisions.get(symbol)?.find((revision) => revision.was === day && isBelieved(revision, at))
    return found && { day: found.becomes, kind: found.kind, nominal: day }
  }

  #ofYear(symbol: string, year: number, at: number | undefined): readonly Expiry[] {
    const turn = at === undefined ? undefined : (this.#turns.findLast((day) => day <= at) ?? -Infinity)
    const key = `${symbol} ${year} ${turn}`
    let found = this.#years.get(key)
    if (found === undefined) this.#years.set(key, (found = this.#compute(symbol, year, turn)))
    return found
  }

  #compute(symbol: string, year: number, at: number | undefined): Expiry[] {
    const rules = this.#rules.get(symbol)
    if (rules === undefined) throw new TickloomError('INSTRUMENT_INVALID', `no expiries are known of "${symbol}"`, { symbol })
    const believed = { weekly: rules.weekly.filter((r) => isBelieved(r, at)), monthly: rules.monthly.filter((r) => isBelieved(r, at)) }
    const found: Expiry[] = []
    for (let day = Date.UTC(year, 0) / 86_400_000; yearOf(day) === year; day++) {
      const kind = isMonthly(believed.monthly, day) ? 'monthly' : isWeekly(believed.weekly, believed.monthly, day) ? 'weekly' : undefined
      if (kind !== undefined) found.push({ day: this.#moved(symbol, day, at), kind, nominal: day })
    }
    return found
  }

  #moved(symbol: string, nominal: number, at: number | undefined): number {
    const exception = this.#exceptions.get(symbol)?.find((other) => other.nominal === nominal && isBelieved(other, at))
    return exception?.day ?? this.#holidays.onOrBefore(nominal, at)
  }

  #readRules(folder: string): void {
    for (const row of readDatedTable(folder, 'expiry-rules.csv', ['symbol', 'kind', 'weekday', 'from', 'known', 'withdrawn', 'source'])) {
      const symbol = row.text('symbol')
      const rules = this.#rules.get(symbol) ?? { weekly: [], monthly: [] }
      const before = rules[kinds[row.oneOf('kind', kinds)]]
      const rule: Rule = { weekday: row.oneOf('weekday', weekdays) - 1, from: row.day('from'), ...row.known() }
      const last = before[before.length - 1]
      if (last && last.from >= rule.from) row.refuse('is not later than the row above it of the same series')
      before.push(rule)
      this.#rules.set(symbol, rules)
    }
  }

  #readExceptions(folder: string): void {
    for (const row of readDatedTable(folder, 'expiry-exceptions.csv', ['symbol', 'nominal', 'expiry', 'known', 'source'])) {
      const symbol = row.text('symbol')
      const exceptions = this.#exceptions.get(symbol) ?? []
      exceptions.push({ nominal: row.day('nominal'), day: row.day('expiry'), known: row.day('known'), withdrawn: Infinity })
      this.#exceptions.set(symbol, exceptions)
    }
  }

  #readRevisions(folder: string): void {
    for (const row of readDatedTable(folder, 'expiry-revisions.csv', ['symbol', 'kind', 'was', 'becomes', 'effective', 'known', 'source'])) {
      const symbol = row.text('symbol')
      const revisions = this.#revisions.get(symbol) ?? []
      const was = row.day('was')
      if (revisions.some((other) => other.was === was)) row.refuse(`${symbol} ${formatDate(was)} is there twice`)
      if (row.day('effective') < row.day('known')) row.refuse('effective is before known')
      revisions.push({ kind: kinds[row.oneOf('kind', kinds)], was, becomes: row.day('becomes'), known: row.day('known'), withdrawn: Infinity })
      this.#revisions.set(symbol, revisions)
    }
  }
}

function weekdayInForce(rules: readonly Rule[], day: number): number {
  return rules.findLast(({ from }) => from <= day)?.weekday ?? -1
}

function isMonthly(rules: readonly Rule[], day: number): boolean {
  return weekdayInForce(rules, day) === weekdayOf(day) && monthOf(day) !== monthOf(day + 7)
}

function isWeekly(weekly: readonly Rule[], monthly: readonly Rule[], day: number): boolean {
  if (weekdayInForce(weekly, day) !== weekdayOf(day)) return false
  const sunday = day - weekdayOf(day)
  return ![1, 2, 3, 4, 5].some((weekday) => isMonthly(monthly, sunday + weekday))
}

function yearOf(day: number): number {
  return new Date(day * 86_400_000).getUTCFullYear()
}

function monthOf(day: number): number {
  return new Date(day * 86_400_000).getUTCMonth()
}

/** A date of a caller as its day. Throws OPTION_INVALID. */
export function dayGiven(date: string, what = 'date'): number {
  const day = parseDate(date)
  if (Number.isNaN(day)) throw new TickloomError('OPTION_INVALID', `${what} "${date}" is not a date (YYYY-MM-DD)`, { [what]: date })
  return day
}
