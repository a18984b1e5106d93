import type { Calendar } from '../core/calendar.ts'
import { contractOf } from '../core/instruments.ts'
import { parseDate, SECOND, type Zone } from '../core/time.ts'
import { calendarOf, marketOf } from './lakeMarket.ts'
import { type Curve, closedCurve, type Drawdown, drawdownOf, markedCurve, underlyingOf } from './reportCurve.ts'
import { dateOf, type Groups, groupsOf } from './reportGroups.ts'
import { type DayTotals, type Exposure, exposureOf, sumOf, type Trade, type TradeTotals, totalsOfDays, totalsOfTrades } from './reportMetrics.ts'
import type { RunRows } from './reportRows.ts'

/** A sum that must come out the same two ways. */
export interface Check {
  readonly what: string
  readonly holds: boolean
  /** Both sums, where it does not hold. */
  readonly told: string
}

/** All numbers of a report: each computed once, here. */
export interface Report {
  readonly zone: Zone
  readonly currency: string
  /** Trading days of the run, also those without a trade. */
  readonly days: readonly string[]
  readonly totals: TradeTotals
  readonly daily: DayTotals
  readonly groups: Groups
  readonly exposure: Exposure
  /** With open positions at their last price where the run has an account, else after each closed trade. */
  readonly curve: Curve
  readonly marked: boolean
  readonly drawdown: Drawdown
  readonly closedDrawdown: Drawdown
  readonly checks: readonly Check[]
  readonly missing: readonly string[]
}

/** `partitions`: what was run; those that are dates are the days of the run. */
export function reportOf(
  { trades, account, fills, missing }: Pick<RunRows, 'trades' | 'account' | 'fills' | 'missing'>,
  partitions: readonly string[],
): Report {
  const calendar = calendarOf({ underlying: trades.length === 0 ? '' : underlyingOf(trades[0].instrument) })
  const { zone } = calendar
  const days = daysOf(trades, account ?? [], partitions, zone)
  const totals = totalsOfTrades(trades)
  const groups = groupsOf(trades, days, zone)
  const closed = closedCurve(trades)
  const curve = account === undefined ? closed : markedCurve(trades, account)
  return {
    zone,
    currency: trades.every(({ instrument }) => marketOf({ underlying: underlyingOf(instrument) }) === 'nse') ? '₹' : '',
    days,
    totals,
    daily: totalsOfDays(groups.day.map(({ pnl }) => pnl)),
    groups,
    exposure: exposureOf(
      trades.filter(({ entered }) => !Number.isNaN(entered)),
      sessionSeconds(trades, days, calendar),
    ),
    curve,
    marked: account !== undefined,
    drawdown: drawdownOf(curve),
    closedDrawdown: drawdownOf(closed),
    checks: checksOf(trades, totals, groups, curve, account !== undefined, fills),
    missing,
  }
}

/** The dates that were run, and those on which anything happened. */
function daysOf(trades: readonly Trade[], account: readonly { readonly ts: number }[], partitions: readonly string[], zone: Zone): string[] {
  const run = partitions.map((name) => name.slice(0, 'YYYY-MM-DD'.length)).filter((name) => !Number.isNaN(parseDate(name)))
  return [...new Set([...run, ...[...trades, ...account].map(({ ts }) => dateOf(ts, zone))])].sort()
}

/** Of all days, of the hours of the first contract that was traded. */
function sessionSeconds(trades: readonly Trade[], days: readonly string[], calendar: Calendar): number {
  if (trades.length === 0) return NaN
  const segment = calendar.segmentOf(contractOf(trades[0].instrument))
  return sumOf(days, (day) => sumOf(calendar.sessions(parseDate(day), segment), ({ open, close }) => (close - open) / SECOND))
}

function checksOf(trades: readonly Trade[], totals: TradeTotals, groups: Groups, curve: Curve, marked: boolean, fills: RunRows['fills']): Check[] {
  const size = sumOf(trades, ({ pnl }) => Math.abs(pnl)) + (Number.isNaN(totals.fees) ? 0 : totals.fees)
  const same = (what: string, a: number, b: number): Check => ({ what, holds: Math.abs(a - b) <= 1e-6 + 1e-9 * size, told: `${a} and ${b}` })
  const end = curve.value.at(-1) ?? 0
  const checks = (Object.keys(groups) as (keyof Groups)[]).map((by) =>
    same(
      `pnl by ${by === 'kind' ? 'kind of contract' : by} adds up to all pnl`,
      sumOf(groups[by], ({ pnl }) => pnl),
      totals.pnl,
    ),
  )
  if (!Number.isNaN(totals.gross) && !Number.isNaN(totals.fees)) checks.push(same('gross less fees is pnl', totals.gross - totals.fees, totals.pnl))
  checks.push(same(marked ? 'the account ends at the sum of pnl' : 'equity ends at the sum of pnl', end, totals.pnl))
  if (fills !== undefined && !Number.isNaN(totals.fees)) {
    checks.push(same('fees of fills are the fees of trades', fills.fees, totals.fees))
    const kinds = Object.values(fills.kinds)
    if (kinds.length > 0)
      checks.push(
        same(
          'fees by kind add up to all fees',
          sumOf(kinds, (fee) => fee),
          fills.fees,
        ),
      )
  }
  return checks
}

/** The parts of the fees, largest first as a schedule has them; what no column names is `other`. */
export function feeParts({ fees, kinds }: NonNullable<RunRows['fills']>): { readonly kind: string; readonly fees: number }[] {
  const parts = Object.entries(kinds).map(([kind, sum]) => ({ kind, fees: sum }))
  const other = fees - sumOf(parts, (part) => part.fees)
  return Math.abs(other) > 1e-6 ? [...parts, { kind: 'other', fees: other }] : parts
}
