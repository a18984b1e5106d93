import type { OperatorFunction } from 'rxjs'
import { type Batch, wordsOf } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import type { Step } from '../core/step.ts'
import { SECOND } from '../core/time.ts'
import { Order } from '../core/trading.ts'

/** Fractions are of the entry's price; what is 0 is not asked for. */
export interface BracketOptions {
  readonly side: 'buy' | 'sell'
  readonly lots: number
  readonly stop: number
  readonly target: number
  readonly trail: number
  /** Profit from which on the trail is watched; 0: at once. */
  readonly trailAfter: number
  /** Seconds from the decision after which the position is ended. */
  readonly hold: number
}

type Chosen = { readonly ts: 'time'; readonly instrument: 'instrument'; readonly anchor: 'time' }

/**
 * An order for every row, all alike, with the ways out of it (core/trading.ts says what the columns mean).
 *
 * Takes rows in the order of ts, such as those that `entries` takes. Rows: one out per row in, in order. No state.
 */
export function bracketOrders<S extends Chosen>(step: Step, options: BracketOptions): OperatorFunction<Batch<S>, Batch<Order>> {
  const { side, lots, hold } = options
  if (!(Number.isInteger(lots) && lots > 0))
    throw new TickloomError('PARAMETER_INVALID', `${step.id}: lots is a whole number above 0, not ${lots}`, { step: step.id })
  const asked = (fraction: number): number => (fraction > 0 ? fraction : NaN)
  const out = step.scratch(Order)
  return step.map<S, Order>((batch) => {
    const { ts, instrument, anchor } = batch.col as unknown as Batch<Chosen>['col']
    const { n } = batch
    out.reserve(n)
    out.n = n
    const { col } = out
    col.ts.set(ts.subarray(0, n))
    col.instrument.set(instrument.subarray(0, n))
    col.anchor.set(anchor.subarray(0, n))
    col.side.fill(wordsOf(Order.side).indexOf(side), 0, n)
    col.lots.fill(lots, 0, n)
    col.stop.fill(asked(options.stop), 0, n)
    col.target.fill(asked(options.target), 0, n)
    col.trail.fill(asked(options.trail), 0, n)
    col.trailAfter.fill(options.trailAfter, 0, n)
    for (let i = 0; i < n; i++) col.until[i] = hold > 0 ? ts[i] + hold * SECOND : NaN
    return out.view(batch.watermark)
  })
}
