import { TickloomError } from '../core/errors.ts'
import { type Metrics, ranking, totalsOf } from './sweepMetrics.ts'

/** Days of a window that sets are chosen on, and of the one after it that the choice is judged by. */
export interface WalkOptions {
  readonly train: number
  readonly test: number
  /** The metric of totals that chooses. */
  readonly by: string
}

export interface WalkWindow {
  readonly train: { readonly from: string; readonly to: string; readonly metrics: Metrics }
  /** The last one may be shorter than asked. */
  readonly test: { readonly from: string; readonly to: string; readonly days: number; readonly metrics: Metrics }
  /** The set that was best on the training days. */
  readonly set: number
}

export interface Walk {
  readonly windows: readonly WalkWindow[]
  /** Every test day once, in order: the set in force, its pnl, and the sum of pnl up to its end. */
  readonly equity: readonly { readonly date: string; readonly set: number; readonly pnl: number; readonly equity: number }[]
  /** What the test days came to together. */
  readonly metrics: Metrics
}

/**
 * Walks forward over days: the best set of `train` days is run on the `test` days after them, then the window moves on
 * by `test` days. `results[set][day]`; days are trading days in order. No day is tested twice, and none is tested that
 * the choice could have seen.
 *
 * Throws OPTION_INVALID when the days are too few for one window.
 */
export function walkForward(dates: readonly string[], results: readonly (readonly Metrics[])[], { train, test, by }: WalkOptions): Walk {
  if (dates.length <= train)
    throw new TickloomError('OPTION_INVALID', `--train ${train}d leaves no day to test on: there are ${dates.length} days`, { option: '--train' })
  const windows: WalkWindow[] = []
  const tested: Metrics[] = []
  const equity: Walk['equity'][number][] = []
  let sum = 0
  for (let from = train; from < dates.length; from += test) {
    const to = Math.min(dates.length, from + test)
    const seen = results.map((days) => totalsOf(days.slice(from - train, from)))
    const [set] = ranking(seen, by)
    const days = results[set].slice(from, to)
    windows.push({
      train: { from: dates[from - train], to: dates[from - 1], metrics: seen[set] },
      test: { from: dates[from], to: dates[to - 1], days: to - from, metrics: totalsOf(days) },
      set,
    })
    for (const [i, day] of days.entries()) {
      const pnl = day['pnl'] ?? 0
      equity.push({ date: dates[from + i], set, pnl, equity: (sum += pnl) })
    }
    tested.push(...days)
  }
  return { windows, equity, metrics: totalsOf(tested) }
}
