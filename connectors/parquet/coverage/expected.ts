import { type Contract, nameOf } from '../../../core/instruments.ts'

/** An expiry that the calendar says was live; `names` are those that contracts of it may go by, as expiries move. */
export interface LiveExpiry {
  readonly names: readonly string[]
  readonly kind: 'weekly' | 'monthly'
}

/** What coverage asks of a market about an underlying. */
export interface Listing {
  /** Expiries live on the date, in order, up to `to`; undefined where the calendar does not know the underlying. */
  expiries(symbol: string, date: string, to: string): readonly LiveExpiry[] | undefined
  /** Distance between strikes; undefined where nobody knows. */
  strikeStep(symbol: string): number | undefined
  /** Dates on which it trades, both ends included. */
  tradingDays(symbol: string, from: string, to: string): readonly string[]
}

/** Options of one expiry on one day: those that should have rows, and those that do. */
export interface ExpiryCoverage {
  readonly expiry: string
  readonly kind: 'weekly' | 'monthly' | 'not in the calendar'
  /** Whether the calendar, or another contract, says that it had to be there. */
  readonly expected: boolean
  /** Contracts with rows, futures among them. */
  readonly seen: number
  /** Lowest and highest strike seen, and the step of the grid between them; undefined without options. */
  readonly strikes:
    | { readonly lowest: number; readonly highest: number; readonly step: number; readonly grid: number; readonly seen: number }
    | undefined
  /** Strikes of the grid near the money, and those of them with a call and a put; undefined where the money is not known. */
  readonly near: { readonly grid: number; readonly seen: number } | undefined
  /** Calls and puts of the grid without a row, by strike. */
  readonly withoutRows: readonly string[]
}

/** Where the underlying was: lowest and highest price, and how many strikes beyond count as near. */
export interface Money {
  readonly low: number
  readonly high: number
  readonly strikes: number
}

/** Monthly contracts that follow each other; beyond, only quarters are listed. */
const SERIAL = 3

/**
 * Options and futures of one underlying on one date against what the calendar and their neighbours say.
 *
 * Expected are: the nearest expiry; every weekly one up to the furthest weekly seen; every monthly one up to the furthest
 * monthly seen, the first three only. Of an expiry seen: a call and a put at every strike from the lowest seen to the
 * highest, in steps that divide all distances between strikes seen and are no smaller than the market's.
 */
export function expectedOf(symbol: string, date: string, seen: readonly Contract[], listing: Listing, money?: Money): ExpiryCoverage[] {
  const byExpiry = new Map<string, Contract[]>()
  for (const contract of seen) if (contract.kind !== 'spot') byExpiry.set(contract.expiry, [...(byExpiry.get(contract.expiry) ?? []), contract])
  const furthest = [...byExpiry.keys()].sort().at(-1) ?? date
  const live = byExpiry.size === 0 ? [] : (listing.expiries(symbol, date, furthest) ?? [])
  const wanted = wantedOf(live, byExpiry)
  const missing = wanted.filter(({ names }) => !names.some((name) => byExpiry.has(name)))
  const kindOf = (expiry: string): ExpiryCoverage['kind'] => live.find(({ names }) => names.includes(expiry))?.kind ?? 'not in the calendar'
  const found = [...byExpiry].map(([expiry, contracts]): ExpiryCoverage => {
    const kind = kindOf(expiry)
    const expected = wanted.some(({ names }) => names.includes(expiry))
    return { expiry, kind, expected, seen: contracts.length, ...gridOf(symbol, expiry, contracts, listing.strikeStep(symbol), money) }
  })
  const none = { expected: true, seen: 0, strikes: undefined, near: undefined, withoutRows: [] }
  return [...found, ...missing.map(({ names, kind }): ExpiryCoverage => ({ expiry: names[0], kind, ...none }))].sort((a, b) =>
    a.expiry < b.expiry ? -1 : 1,
  )
}

function wantedOf(live: readonly LiveExpiry[], seen: ReadonlyMap<string, unknown>): readonly LiveExpiry[] {
  const upTo = (kind: LiveExpiry['kind'], most: number): readonly LiveExpiry[] => {
    const all = live.filter((expiry) => expiry.kind === kind)
    const last = all.findLastIndex(({ names }) => names.some((name) => seen.has(name)))
    return all.slice(0, Math.min(last + 1, most))
  }
  return [...new Set([...live.slice(0, 1), ...upTo('weekly', Infinity), ...upTo('monthly', SERIAL)])]
}

function gridOf(
  symbol: string,
  expiry: string,
  contracts: readonly Contract[],
  marketStep: number | undefined,
  money: Money | undefined,
): Pick<ExpiryCoverage, 'strikes' | 'near' | 'withoutRows'> {
  const options = contracts.filter((contract) => contract.kind === 'option')
  const strikes = [...new Set(options.map(({ strike }) => strike))].sort((a, b) => a - b)
  if (strikes.length === 0) return { strikes: undefined, near: undefined, withoutRows: [] }
  const [lowest, highest] = [strikes[0], strikes[strikes.length - 1]]
  const step = stepOf(strikes, marketStep)
  const grid = Array.from({ length: Math.round((highest - lowest) / step) + 1 }, (_, i) => Math.round((lowest + i * step) * 100) / 100)
  const there = new Set(options.map(nameOf))
  const name = (strike: number, type: 'CE' | 'PE'): string => nameOf({ kind: 'option', underlying: symbol, expiry, strike, type })
  const both = (strike: number): boolean => there.has(name(strike, 'CE')) && there.has(name(strike, 'PE'))
  const withoutRows = grid.flatMap((strike) => (['CE', 'PE'] as const).map((type) => name(strike, type)).filter((one) => !there.has(one)))
  const within = money === undefined ? undefined : nearOf(money, step)
  const near = within && { grid: within.length, seen: within.filter(both).length }
  const onGrid = new Set(grid)
  return { strikes: { lowest, highest, step, grid: grid.length, seen: strikes.filter((strike) => onGrid.has(strike)).length }, near, withoutRows }
}

/** The largest step that all strikes are apart by a multiple of, no smaller than the market's. In hundredths, which are whole. */
function stepOf(strikes: readonly number[], marketStep: number | undefined): number {
  let step = 0
  for (let i = 1; i < strikes.length; i++) step = gcd(step, Math.round((strikes[i] - strikes[i - 1]) * 100))
  return Math.max(step / 100, marketStep ?? 0) || 1
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}

/** Strikes of the step, so many around where the underlying was. */
function nearOf({ low, high, strikes }: Money, step: number): number[] {
  const first = (Math.round(low / step) - strikes) * step
  const last = (Math.round(high / step) + strikes) * step
  return Array.from({ length: Math.round((last - first) / step) + 1 }, (_, i) => Math.round((first + i * step) * 100) / 100)
}
