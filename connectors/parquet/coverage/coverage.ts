import type { Calendar } from '../../../core/calendar.ts'
import { TickloomError } from '../../../core/errors.ts'
import { type Contract, Instruments } from '../../../core/instruments.ts'
import { parseDate } from '../../../core/time.ts'
import { planReplay } from '../plan.ts'
import type { ReplayFilter } from '../prune.ts'
import { parquetSource } from '../source.ts'
import { type ExpiryCoverage, expectedOf, type Listing } from './expected.ts'
import { type Gap, SecondsSeen, Sighting } from './secondsSeen.ts'

export interface CoverageOptions extends Pick<ReplayFilter, 'from' | 'to' | 'symbols' | 'strikes'> {
  readonly listing: Listing
  calendarOf(contract: Contract): Calendar
  /** Seconds without a row that are no gap yet. */
  readonly gap: number
  /** Strikes on each side of where the underlying was that count as near the money. */
  readonly near: number
  /** How many of the longest gaps of a day and underlying are listed. */
  readonly listed: number
  readonly signal?: AbortSignal
  onProgress?(rows: number, rowsInAll: number | undefined, eventTime: number): void
}

export interface ContractGap extends Gap {
  readonly instrument: string
}

/** One underlying on one date. Times are microseconds. */
export interface DayCoverage {
  readonly date: string
  readonly symbol: string
  /** Rows in session. */
  readonly rows: number
  /** Contracts with rows in session, the underlying itself included. */
  readonly contracts: number
  /** Whether the underlying itself has rows; undefined where it has none on any day. */
  readonly underlying: boolean | undefined
  /** Whether the market has hours on that date. */
  readonly trades: boolean
  readonly expiries: readonly ExpiryCoverage[]
  /** Stretches in which no contract of the underlying had a row: of the feed, not of a quiet contract. */
  readonly silences: readonly Gap[]
  /** Gaps of single contracts: how many, in how many contracts, and the longest of them. */
  readonly gaps: number
  readonly contractsWithGaps: number
  readonly longest: readonly ContractGap[]
}

export interface CoverageReport {
  readonly lake: string
  readonly gap: number
  readonly days: readonly DayCoverage[]
  /** Trading days without a row of an underlying that has rows before and after, or within the dates asked for. */
  readonly daysWithoutRows: readonly { readonly symbol: string; readonly date: string }[]
  /** Whether nothing is missing: no day, underlying, expiry or contract, and there is no gap. */
  readonly whole: boolean
  readonly rows: number
  readonly seconds: number
}

/**
 * What a lake should have and does not, by day and underlying: `expectedOf` says what is expected. Reads every tick once,
 * with the reader of replay, and throws what that throws; LAKE_EMPTY; INTERRUPTED.
 */
export async function coverage(lake: string, options: CoverageOptions): Promise<CoverageReport> {
  const started = performance.now()
  const { from, to, symbols, strikes, signal = new AbortController().signal } = options
  const filter = { from, to, symbols, strikes, columns: Sighting }
  const plan = await planReplay(lake, filter)
  const rowsInAll = plan.days.reduce<number | undefined>((sum, day) => (sum === undefined || day.rows === undefined ? undefined : sum + day.rows), 0)
  const instruments = new Instruments()
  const source = parquetSource({ ...filter, lake, instruments, plan })
  const days: Day[] = []
  let rows = 0
  try {
    for (const [date, partitions] of byDate(plan.days.map((day) => day.date))) {
      const seen = new SecondsSeen(parseDate(date), instruments, options.calendarOf)
      for (const partition of partitions)
        for await (const { batch } of source.open(partition, undefined, signal)) {
          seen.add(batch)
          rows += batch.n
          if (batch.n > 0) options.onProgress?.(rows, rowsInAll, batch.col.ts[batch.n - 1])
        }
      days.push(...daysOf(date, seen, instruments, options))
    }
  } catch (cause) {
    throw signal.aborted ? new TickloomError('INTERRUPTED', 'stopped; nothing was written', {}, cause) : cause
  } finally {
    await source.close()
  }
  const withSpot = new Set(days.filter((day) => day.underlying).map(({ symbol }) => symbol))
  const told = days.map((day): DayCoverage => ({ ...day, underlying: withSpot.has(day.symbol) ? day.underlying : undefined }))
  const daysWithoutRows = absent(days, options)
  return {
    lake,
    gap: options.gap,
    days: told,
    daysWithoutRows,
    whole: daysWithoutRows.length === 0 && told.every(isWhole),
    rows,
    seconds: (performance.now() - started) / 1000,
  }
}

type Day = DayCoverage & { readonly underlying: boolean }

/** Partitions of a recording are several a date. */
function byDate(partitions: readonly string[]): Map<string, string[]> {
  const dates = new Map<string, string[]>()
  for (const name of partitions) dates.set(name.slice(0, 10), [...(dates.get(name.slice(0, 10)) ?? []), name])
  return dates
}

function daysOf(date: string, seen: SecondsSeen, instruments: Instruments, options: CoverageOptions): Day[] {
  const bySymbol = new Map<string, number[]>()
  for (const id of seen.ids()) {
    const { underlying } = instruments.contract(id)
    bySymbol.set(underlying, [...(bySymbol.get(underlying) ?? []), id])
  }
  return [...bySymbol].sort(([a], [b]) => (a < b ? -1 : 1)).map(([symbol, all]) => dayOf(date, symbol, all, seen, instruments, options))
}

function dayOf(date: string, symbol: string, all: readonly number[], seen: SecondsSeen, instruments: Instruments, options: CoverageOptions): Day {
  const ids = all.filter((id) => seen.rowsOf(id) > 0)
  const contracts = ids.map((id) => instruments.contract(id))
  const spot = ids.find((id) => instruments.contract(id).kind === 'spot')
  const future = ids.find((id) => instruments.contract(id).kind === 'future')
  const range = [spot, future].map((id) => (id === undefined ? undefined : seen.range(id))).find((found) => found !== undefined)
  const each = ids.map((id) => ({ id, gaps: seen.gaps([id], options.gap) })).filter(({ gaps }) => gaps.length > 0)
  const longest = each.flatMap(({ id, gaps }) => gaps.map((gap) => ({ instrument: instruments.name(id), ...gap })))
  longest.sort((a, b) => b.to - b.from - (a.to - a.from) || a.from - b.from || (a.instrument < b.instrument ? -1 : 1))
  return {
    date,
    symbol,
    rows: ids.reduce((sum, id) => sum + seen.rowsOf(id), 0),
    contracts: ids.length,
    underlying: spot !== undefined,
    trades: all.some((id) => seen.secondsOf(instruments.contract(id)) > 0),
    expiries: expectedOf(symbol, date, contracts, options.listing, range && { ...range, strikes: options.near }),
    silences: seen.gaps(ids, options.gap),
    gaps: longest.length,
    contractsWithGaps: each.length,
    longest: longest.slice(0, options.listed),
  }
}

/** Trading days on which an underlying of the lake has nothing at all. */
function absent(days: readonly Day[], { listing, from, to }: CoverageOptions): { symbol: string; date: string }[] {
  const dates = new Map<string, string[]>()
  for (const { symbol, date, rows } of days) if (rows > 0) dates.set(symbol, [...(dates.get(symbol) ?? []), date])
  return [...dates]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([symbol, there]) =>
      listing
        .tradingDays(symbol, from ?? there[0], to ?? there[there.length - 1])
        .filter((date) => !there.includes(date))
        .map((date) => ({ symbol, date })),
    )
}

/** Whether a day has all that was expected of it, gaps included. */
function isWhole({ underlying, expiries, silences, gaps, trades, rows }: DayCoverage): boolean {
  if (!trades) return true
  if (rows === 0 || underlying === false || silences.length > 0 || gaps > 0) return false
  return expiries.every(({ seen, withoutRows }) => seen > 0 && withoutRows.length === 0)
}
