import type { Batch, Schema } from '../core/batch.ts'
import type { Ports } from '../core/topology.ts'
import type { ClosedTrade } from '../core/trading.ts'

/**
 * What a set of parameters came to on one day; plain numbers, all of them finite. Rows of an output under its name
 * (`signals`, `trades`), and where `trades` are closed trades:
 *
 * | metric | of the day's trades |
 * | --- | --- |
 * | wins, losses | trades of pnl above 0, below 0 |
 * | gross, fees, pnl | sums; pnl = gross - fees |
 * | profit, loss | sum of pnl above 0; minus the sum of those below |
 * | peak, trough | highest and lowest sum of pnl after any number of them, none included: peak >= 0 >= trough |
 * | drawdown | deepest fall of that sum from a peak before it, as a positive number |
 * | turnover | sum of quantity * (entry + exit) |
 */
export type Metrics = Readonly<Record<string, number>>

const tradeMetrics = ['wins', 'losses', 'gross', 'fees', 'pnl', 'profit', 'loss', 'peak', 'trough', 'drawdown', 'turnover'] as const
type TradeMetric = (typeof tradeMetrics)[number]

/** Outputs that are counted where a topology has them; one that has none of them has all its outputs counted. */
const COUNTED = ['signals', 'orders', 'fills', 'trades']
const TRADES = 'trades'
const NEEDED: readonly (keyof ClosedTrade)[] = ['quantity', 'entry', 'exit', 'gross', 'fees', 'pnl']

/** The outputs a sweep listens to. `wanted`: these instead of the usual ones. */
export function countedOutputs(outputs: Ports, wanted?: readonly string[]): string[] {
  if (wanted !== undefined) return [...wanted]
  const usual = COUNTED.filter((name) => name in outputs)
  return usual.length > 0 ? usual : Object.keys(outputs)
}

/** The metrics of those outputs, in the order in which they are shown. */
export function metricsOf(outputs: Ports, counted: readonly string[]): string[] {
  return hasTrades(outputs, counted) ? [...counted, ...tradeMetrics] : [...counted]
}

function hasTrades(outputs: Ports, counted: readonly string[]): boolean {
  return counted.includes(TRADES) && NEEDED.every((name) => outputs[TRADES]?.[name] === 'f64')
}

/** Adds up what one set does on one day, batch by batch. */
export class MetricsOfDay {
  readonly #rows: Record<string, number>
  readonly #trades: Record<TradeMetric, number> | undefined

  constructor(outputs: Ports, counted: readonly string[]) {
    this.#rows = Object.fromEntries(counted.map((name) => [name, 0]))
    this.#trades = hasTrades(outputs, counted) ? noTrades() : undefined
  }

  add(output: string, batch: Batch<Schema>): void {
    this.#rows[output] += batch.n
    if (this.#trades !== undefined && output === TRADES) addTrades(this.#trades, batch as unknown as Batch<ClosedTrade>)
  }

  get metrics(): Metrics {
    return { ...this.#rows, ...this.#trades }
  }
}

function noTrades(): Record<TradeMetric, number> {
  return Object.fromEntries(tradeMetrics.map((name) => [name, 0])) as Record<TradeMetric, number>
}

function addTrades(sum: Record<TradeMetric, number>, { n, col }: Batch<ClosedTrade>): void {
  const { quantity, entry, exit, gross, fees, pnl } = col
  for (let i = 0; i < n; i++) {
    if (pnl[i] > 0) {
      sum.wins++
      sum.profit += pnl[i]
    } else if (pnl[i] < 0) {
      sum.losses++
      sum.loss -= pnl[i]
    }
    sum.gross += gross[i]
    sum.fees += fees[i]
    sum.turnover += quantity[i] * (entry[i] + exit[i])
    sum.pnl += pnl[i]
    sum.peak = Math.max(sum.peak, sum.pnl)
    sum.trough = Math.min(sum.trough, sum.pnl)
    sum.drawdown = Math.max(sum.drawdown, sum.peak - sum.pnl)
  }
}

/** What two spells came to together, the second after the first: sums; the drawdown also that from a peak of the first to a trough of the second. */
export function follow(first: Metrics, second: Metrics): Metrics {
  const both: Record<string, number> = {}
  for (const name of Object.keys(first)) both[name] = first[name] + second[name]
  if (!('drawdown' in first)) return both
  both['peak'] = Math.max(first['peak'], first['pnl'] + second['peak'])
  both['trough'] = Math.min(first['trough'], first['pnl'] + second['trough'])
  both['drawdown'] = Math.max(first['drawdown'], second['drawdown'], first['peak'] - (first['pnl'] + second['trough']))
  return both
}

/** Trading days a year, by which a Sharpe ratio of days becomes one of years. */
const DAYS_A_YEAR = 252

/**
 * What a set came to over days, in their order: their sums, and
 *
 *     winRate = wins / trades     expectancy = pnl / trades     profitFactor = profit / loss
 *     sharpe = mean(p) / sd(p) * sqrt(252)     p: the pnl of each day, those without a trade included; sd with n - 1
 *
 * NaN where there is nothing to divide by; profitFactor is Infinity without a loss.
 */
export function totalsOf(days: readonly Metrics[]): Metrics {
  const [first, ...rest] = days
  const sum = rest.reduce(follow, first)
  const all: Record<string, number> = { days: days.length, ...sum }
  if (!('pnl' in sum)) return all
  const pnl = days.map((day) => day['pnl'])
  all['winRate'] = sum['wins'] / sum['trades']
  all['expectancy'] = sum['pnl'] / sum['trades']
  all['profitFactor'] = sum['profit'] / sum['loss']
  all['sharpe'] = sharpe(pnl)
  all['bestDay'] = Math.max(...pnl)
  all['worstDay'] = Math.min(...pnl)
  return all
}

/** NaN of less than two days, and of days that are all alike. */
function sharpe(pnl: readonly number[]): number {
  const mean = pnl.reduce((sum, p) => sum + p, 0) / pnl.length
  const variance = pnl.reduce((sum, p) => sum + (p - mean) ** 2, 0) / (pnl.length - 1)
  return variance > 0 ? (mean / Math.sqrt(variance)) * Math.sqrt(DAYS_A_YEAR) : NaN
}

const LESS_IS_BETTER = ['fees', 'loss', 'losses', 'drawdown']
/** What has no better and worse, so is neither ranked nor drawn. */
const NEITHER = ['days', 'peak', 'trough']

/** The metrics of totals that sets may be ranked by, the one by default first. */
export function rankedBy(metrics: readonly string[]): string[] {
  const derived = metrics.includes('pnl') ? ['sharpe', 'profitFactor', 'winRate', 'expectancy', 'bestDay', 'worstDay'] : []
  const all = [...metrics, ...derived].filter((name) => !NEITHER.includes(name))
  const byDefault = all.includes('pnl') ? 'pnl' : all[0]
  return [byDefault, ...all.filter((name) => name !== byDefault)]
}

/** Positions of totals from best to worst by the metric; what has none (NaN) comes last, equals in their order. */
export function ranking(totals: readonly Metrics[], by: string): number[] {
  const sign = LESS_IS_BETTER.includes(by) ? 1 : -1
  const worth = totals.map((total) => sign * total[by])
  return totals
    .map((_, i) => i)
    .sort((a, b) => {
      const [x, y] = [worth[a], worth[b]]
      if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || a - b
      return x < y ? -1 : x > y ? 1 : a - b
    })
}
