import { formatTime } from '../core/time.ts'
import type { Drawdown } from './reportCurve.ts'
import type { Report } from './reportData.ts'
import { FEW_DAYS } from './reportMetrics.ts'
import type { RunRows } from './reportRows.ts'

/** How a page shows a number. */
export type Shape = 'money' | 'count' | 'ratio' | 'percent' | 'seconds' | 'text'

/** One figure: its name, its value, how it is shown, and what is to be said with it. */
export interface Metric {
  readonly name: string
  /** null where there is none; text for what is no number. */
  readonly value: number | string | null
  readonly shape: Shape
  readonly note?: string
  /** Green above 0, red below. */
  readonly judged?: boolean
}

export interface MetricTable {
  readonly title: string
  readonly metrics: readonly Metric[]
}

function metric(name: string, value: number | string, shape: Shape, note?: string, judged?: boolean): Metric {
  const known = typeof value === 'number' && Number.isNaN(value) ? null : value === Infinity ? '∞' : value
  return { name, value: known, shape: typeof known === 'string' ? 'text' : shape, note, judged }
}

/** What a reader looks for first. */
export function tilesOf(report: Report): Metric[] {
  const { totals, daily, drawdown, exposure } = report
  return [
    metric('Net PnL', totals.pnl, 'money', 'after fees', true),
    metric('Max drawdown', drawdown.depth, 'money', report.marked ? 'marked to market' : 'closed trades'),
    metric('Sharpe', daily.sharpe, 'ratio', sharpeNote(report)),
    metric('Profit factor', totals.profitFactor, 'ratio', 'profit / loss'),
    metric('Win rate', totals.winRate, 'percent', `${totals.wins} of ${totals.trades} trades`),
    metric('Expectancy', totals.expectancy, 'money', 'a trade', true),
    metric('Fees', totals.fees, 'money', totals.gross > 0 ? `${((100 * totals.fees) / totals.gross).toFixed(0)} % of gross` : 'in all'),
    metric('Exposure', exposure.part, 'percent', 'of session time'),
  ]
}

function sharpeNote({ daily }: Report): string {
  if (Number.isNaN(daily.sharpe)) return daily.days < 2 ? 'needs two days' : 'days all alike'
  return `± ${daily.sharpeError.toFixed(1)}, of ${daily.days} days`
}

/** All figures, in tables. */
export function metricsOf(report: Report, rows: Pick<RunRows, 'fills'>): MetricTable[] {
  return [
    { title: 'Trades', metrics: tradeMetrics(report) },
    { title: 'Days and risk', metrics: riskMetrics(report) },
    { title: 'Costs and exposure', metrics: costMetrics(report, rows) },
  ]
}

function tradeMetrics({ totals }: Report): Metric[] {
  return [
    metric('trades', totals.trades, 'count'),
    metric('won', totals.wins, 'count'),
    metric('lost', totals.losses, 'count'),
    metric('win rate', totals.winRate, 'percent'),
    metric('gross', totals.gross, 'money', 'before fees', true),
    metric('net PnL', totals.pnl, 'money', undefined, true),
    metric('profit factor', totals.profitFactor, 'ratio'),
    metric('expectancy', totals.expectancy, 'money', 'a trade', true),
    metric('average win', totals.averageWin, 'money'),
    metric('average loss', totals.averageLoss, 'money'),
    metric('payoff', totals.payoff, 'ratio', 'average win / loss'),
    metric('best trade', totals.bestTrade, 'money', undefined, true),
    metric('worst trade', totals.worstTrade, 'money', undefined, true),
    metric('longest losing streak', totals.losingStreak, 'count'),
    metric('average holding time', totals.averageHold, 'seconds'),
    metric('median holding time', totals.medianHold, 'seconds'),
  ]
}

function riskMetrics(report: Report): Metric[] {
  const { daily, marked, drawdown, closedDrawdown } = report
  const few = daily.days < FEW_DAYS ? `few days: ${daily.days}` : `of ${daily.days} days`
  return [
    metric('trading days', daily.days, 'count', `${daily.won} won, ${daily.lost} lost`),
    metric('mean', daily.mean, 'money', 'a day', true),
    metric('standard deviation', daily.deviation, 'money', 'a day'),
    metric('best day', daily.best, 'money', undefined, true),
    metric('worst day', daily.worst, 'money', undefined, true),
    metric('Sharpe', daily.sharpe, 'ratio', few),
    metric('its standard error', daily.sharpeError, 'ratio'),
    metric('Sortino', daily.sortino, 'ratio', few),
    metric('max drawdown', drawdown.depth, 'money', marked ? 'marked to market' : 'closed trades'),
    ...spanOf(report, drawdown),
    ...(marked ? [metric('of closed trades alone', closedDrawdown.depth, 'money')] : []),
  ]
}

function spanOf({ zone }: Report, { depth, peak, trough, recovered }: Drawdown): Metric[] {
  if (depth === 0) return []
  const at = (ts: number, none: string): string => (Number.isNaN(ts) ? none : formatTime(ts, zone).slice(0, 16))
  return [
    metric('from its peak', at(peak, 'the beginning'), 'text'),
    metric('to its trough', at(trough, ''), 'text'),
    metric('recovered', at(recovered, 'not yet'), 'text'),
  ]
}

function costMetrics({ totals, exposure, daily }: Report, { fills }: Pick<RunRows, 'fills'>): Metric[] {
  return [
    metric('fees', totals.fees, 'money'),
    metric('fees of a trade', totals.fees / totals.trades, 'money'),
    metric('turnover', totals.turnover, 'money', 'both legs'),
    metric('turnover of a day', totals.turnover / daily.days, 'money'),
    metric('fees of turnover', totals.fees / totals.turnover, 'percent'),
    ...(fills === undefined ? [] : [metric('fills', fills.fills, 'count', fillSources(fills.sources))]),
    metric('exposure', exposure.part, 'percent', 'of session time'),
    metric('most open at once', exposure.mostAtOnce, 'count', 'positions'),
    metric('largest premium open', exposure.largest, 'money', 'at entry prices'),
  ]
}

function fillSources(sources: Readonly<Record<string, number>>): string {
  return Object.entries(sources)
    .map(([source, n]) => `${n} ${source}`)
    .join(', ')
}
