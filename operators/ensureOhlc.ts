import type { MonoTypeOperatorFunction } from 'rxjs'
import type { Ohlc } from '../core/bar.ts'
import { type Batch, type Schema, withColumns } from '../core/batch.ts'
import type { Step } from '../core/step.ts'

const Mended = { open: 'f64', high: 'f64', low: 'f64' } as const
type Mended = typeof Mended

/**
 * Makes bars hold what a bar means, low <= open, close <= high, where vendors send zeros, gaps and highs below the close.
 *
 *   open' = open where it is above 0, else close
 *   high' = max(high, open', close)
 *   low'  = min of those of low, open', close that are above 0
 *
 * A bar whose close is missing or not above 0 has nothing to be mended by and stays as it is. Rows: one out per row in,
 * in order. Counted: `repaired`, rows of which a number changed; `no_close`. State: none but the counts.
 */
export function ensureOhlc<S extends Ohlc>(step: Step): MonoTypeOperatorFunction<Batch<S>> {
  const repaired = step.counter('repaired')
  const noClose = step.counter('no_close')
  const out = step.scratch(Mended)

  return step.map<S, S>((batch) => {
    const { open, high, low, close } = (batch as unknown as Batch<Ohlc>).col
    out.reserve(batch.n)
    const to = out.col
    let changed = 0
    let without = 0
    for (let i = 0; i < batch.n; i++) {
      const c = close[i]
      const o = open[i]
      const h = high[i]
      const l = low[i]
      if (!(c > 0)) {
        without++
        to.open[i] = o
        to.high[i] = h
        to.low[i] = l
        continue
      }
      // Compared, not by Math.max: a missing number gives way.
      const first = o > 0 ? o : c
      let least = c
      let most = c
      if (first < c) least = first
      else most = first
      if (l > 0 && l < least) least = l
      if (h > most) most = h
      to.open[i] = first
      to.high[i] = most
      to.low[i] = least
      if (to.open[i] !== o || to.high[i] !== h || to.low[i] !== l) changed++
    }
    repaired.add(changed)
    noClose.add(without)
    return changed === 0 ? batch : withColumns<S, Schema & Mended>(batch, to as never)
  })
}
