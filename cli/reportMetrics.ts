import { SECOND } from '../core/time.ts'

/**
 * A closed position as a report takes it: the columns of ClosedTrade (core/trading.ts), NaN or '' where a run has none.
 * Instants in microseconds. `distance`: strikes from the money when it was picked, NaN where nobody said.
 */
export interface Trade {
  readonly ts: number
  readonly instrument: string
  readonly position: number
  readonly anchor: number
  readonly direction: string
  readonly entered: number
  readonly entry: number
  readonly exit: number
  readonly lots: number
  readonly quantity: number
  readonly points: number
  readonly gross: number
  readonly fees: number
  readonly pnl: number
  readonly best: number
  readonly worst: number
  readonly reason: string
  readonly distance: number
}

/**
 * What trades came to. Money in the market's currency, times in seconds; NaN where there is nothing to divide by.
 *
 * | metric | formula |
 * | --- | --- |
 * | wins, losses | trades of pnl above 0, below 0; one of exactly 0 is neither |
 * | winRate | wins / trades |
 * | profit, loss | sum of pnl above 0; minus the sum of those below |
 * | profitFactor | profit / loss; Infinity without a loss |
 * | expectancy | pnl / trades |
 * | averageWin, averageLoss, payoff | profit / wins; loss / losses; the first over the second |
 * | losingStreak | most losses one after another, in the order of exits |
 * | turnover | sum of quantity * (entry + exit) |
 * | averageHold, medianHold | of exit - entry, instants |
 */
export interface TradeTotals {
  readonly trades: number
  readonly wins: number
  readonly losses: number
  readonly gross: number
  readonly fees: number
  readonly pnl: number
  readonly profit: number
  readonly loss: number
  readonly winRate: number
  readonly profitFactor: number
  readonly expectancy: number
  readonly averageWin: number
  readonly averageLoss: number
  readonly payoff: number
  readonly bestTrade: number
  readonly worstTrade: number
  readonly losingStreak: number
  readonly turnover: number
  readonly averageHold: number
  readonly medianHold: number
}

/** Sum over the rows; 0 of none. */
export function sumOf<T>(rows: readonly T[], of: (row: T) => number): number {
  let sum = 0
  for (const row of rows) sum += of(row)
  return sum
}

export function totalsOfTrades(trades: readonly Trade[]): TradeTotals {
  const won = trades.filter(({ pnl }) => pnl > 0)
  const lost = trades.filter(({ pnl }) => pnl < 0)
  const [profit, loss] = [sumOf(won, ({ pnl }) => pnl), sumOf(lost, ({ pnl }) => -pnl)]
  const pnl = sumOf(trades, (trade) => trade.pnl)
  const held = trades.map(({ ts, entered }) => (ts - entered) / SECOND)
  const pnls = trades.map((trade) => trade.pnl)
  return {
    trades: trades.length,
    wins: won.length,
    losses: lost.length,
    gross: sumOf(trades, ({ gross }) => gross),
    fees: sumOf(trades, ({ fees }) => fees),
    pnl,
    profit,
    loss,
    winRate: won.length / trades.length,
    profitFactor: profit / loss,
    expectancy: pnl / trades.length,
    averageWin: profit / won.length,
    averageLoss: loss / lost.length,
    payoff: profit / won.length / (loss / lost.length),
    bestTrade: trades.length === 0 ? NaN : pnls.reduce((a, b) => Math.max(a, b)),
    worstTrade: trades.length === 0 ? NaN : pnls.reduce((a, b) => Math.min(a, b)),
    losingStreak: longestRun(pnls, (value) => value < 0),
    turnover: sumOf(trades, ({ quantity, entry, exit }) => quantity * (entry + exit)),
    averageHold: sumOf(held, (seconds) => seconds) / held.length,
    medianHold: median(held),
  }
}

function longestRun(values: readonly number[], is: (value: number) => boolean): number {
  let [longest, run] = [0, 0]
  for (const value of values) {
    run = is(value) ? run + 1 : 0
    longest = Math.max(longest, run)
  }
  return longest
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Trading days a year, by which what is said of days becomes what is said of a year. */
export const DAYS_A_YEAR = 252
/** Fewer days say next to nothing of a Sharpe ratio: its standard error is above 2.9 then. */
export const FEW_DAYS = 30

/**
 * What days came to. p: the pnl of each day, those without a trade included, in money: as no capital is known, none is
 * divided by, and a ratio of money is the same for any capital that stays what it is. The rate without risk is 0.
 *
 *     sharpe      = mean(p) / sd(p) * sqrt(252)                             sd with n - 1
 *     sortino     = mean(p) / sqrt(sum(min(p, 0)^2) / n) * sqrt(252)
 *     sharpeError = sqrt((1 + (mean / sd)^2 / 2) / n) * sqrt(252)           one standard error, days independent
 *
 * NaN of less than two days, and where there is nothing to divide by.
 */
export interface DayTotals {
  readonly days: number
  readonly won: number
  readonly lost: number
  readonly mean: number
  readonly deviation: number
  readonly sharpe: number
  readonly sharpeError: number
  readonly sortino: number
  readonly best: number
  readonly worst: number
}

export function totalsOfDays(pnl: readonly number[]): DayTotals {
  const n = pnl.length
  const mean = sumOf(pnl, (p) => p) / n
  const deviation = n < 2 ? NaN : Math.sqrt(sumOf(pnl, (p) => (p - mean) ** 2) / (n - 1))
  const downside = Math.sqrt(sumOf(pnl, (p) => Math.min(p, 0) ** 2) / n)
  const daily = deviation > 0 ? mean / deviation : NaN
  const year = Math.sqrt(DAYS_A_YEAR)
  return {
    days: n,
    won: pnl.filter((p) => p > 0).length,
    lost: pnl.filter((p) => p < 0).length,
    mean,
    deviation,
    sharpe: daily * year,
    sharpeError: Math.sqrt((1 + daily ** 2 / 2) / n) * year,
    sortino: n >= 2 && downside > 0 ? (mean / downside) * year : NaN,
    best: n === 0 ? NaN : pnl.reduce((a, b) => Math.max(a, b)),
    worst: n === 0 ? NaN : pnl.reduce((a, b) => Math.min(a, b)),
  }
}

/** How much was open: of the seconds of the sessions, and at once. */
export interface Exposure {
  /** Seconds in which at least one position was open. */
  readonly open: number
  /** The same as a part of all seconds of the sessions; NaN where those are not known. */
  readonly part: number
  readonly mostAtOnce: number
  /** The largest sum of entry * quantity of positions open at once. */
  readonly largest: number
}

/** `sessions`: seconds of all sessions of the run. A position that ends in the second in which another begins is not open with it. */
export function exposureOf(trades: readonly Trade[], sessions: number): Exposure {
  const turns = trades.flatMap(({ entered, ts, entry, quantity }) => [
    { t: entered, more: 1, value: entry * quantity },
    { t: ts, more: -1, value: -entry * quantity },
  ])
  turns.sort((a, b) => a.t - b.t || a.more - b.more)
  let [open, count, value, most, largest, since] = [0, 0, 0, 0, 0, 0]
  for (const turn of turns) {
    if (count === 0) since = turn.t
    count += turn.more
    value += turn.value
    if (count === 0) open += turn.t - since
    most = Math.max(most, count)
    largest = Math.max(largest, value)
  }
  return { open: open / SECOND, part: open / SECOND / sessions, mostAtOnce: most, largest }
}
