import type { OperatorFunction } from 'rxjs'
import { type Batch, withColumns } from '../core/batch.ts'
import type { Step } from '../core/step.ts'

export const Trend = { trend: 'f64' } as const
export type Trend = typeof Trend

type Anchored = { readonly spot: 'f64'; readonly anchorSpot: 'f64' }

/**
 * Adds how far the spot has come since the row's anchor, in points: trend = spot(s) - spot at the anchor; NaN where
 * either is not known.
 *
 * Takes rows of candidates. Rows: one out per row in, in order. No state.
 */
export function trend<S extends Anchored>(step: Step): OperatorFunction<Batch<S>, Batch<S & Trend>> {
  const out = step.scratch(Trend)
  return step.map<S, S & Trend>((batch) => {
    out.reserve(batch.n)
    const { spot, anchorSpot } = batch.col as unknown as Batch<Anchored>['col']
    const { trend } = out.col
    for (let i = 0; i < batch.n; i++) trend[i] = spot[i] - anchorSpot[i]
    return withColumns<S, Trend>(batch, out.col)
  })
}
