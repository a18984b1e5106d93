import type { OperatorFunction } from 'rxjs'
import { type Batch, withColumns } from '../core/batch.ts'
import type { Step } from '../core/step.ts'
import { f64 } from '../core/table.ts'
import { isNewDay, SECOND } from '../core/time.ts'

/** A contract's own price at its anchor, and how many seconds old it was then; NaN where it had none. */
export const AnchorPrice = { anchorPrice: 'f64', anchorPriceAge: 'f64' } as const
export type AnchorPrice = typeof AnchorPrice

type Anchored = {
  readonly ts: 'time'
  readonly instrument: 'instrument'
  readonly second: 'i32'
  readonly close: 'f64'
  readonly age: 'i32'
  readonly anchor: 'time'
}

const fields = { anchor: f64(NaN), price: f64(NaN), age: f64(NaN) }

/**
 * The price table of anchors, by contract and anchor: adds to every row what its contract cost in the second of the
 * row's anchor.
 *
 *     anchor 10:00    10:00:00 @90 age 2   10:00:01 @95   ...   11:00:00 @80 (anchor 11:00)   11:00:01 @81
 *     anchorPrice               90                   90                  80                           80
 *     its age                    2                    2                   0                            0
 *
 * A contract that first traded after the anchor has none (NaN) until it is picked again: no later price stands in.
 *
 * Takes rows of candidates, in the order of ts. Rows: one out per row in, in order. State: an anchor and its price an
 * instrument, of one day.
 */
export function entryPrice<S extends Anchored>(step: Step): OperatorFunction<Batch<S>, Batch<S & AnchorPrice>> {
  const prices = step.table('prices', { version: 1, fields })
  const day = step.cells('day', { version: 1, cells: { open: -Infinity } })
  const out = step.scratch(AnchorPrice)
  return step.map<S, S & AnchorPrice>((batch) => {
    const { ts, instrument, second, close, age, anchor } = batch.col as unknown as Batch<Anchored>['col']
    out.reserve(batch.n)
    for (let i = 0; i < batch.n; i++) {
      const opened = ts[i] - second[i] * SECOND
      if (isNewDay(opened, day.open)) {
        prices.clear()
        day.open = opened
      }
      const k = prices.slot(instrument[i])
      const at = prices.col
      if (anchor[i] !== at.anchor[k]) {
        const there = ts[i] === anchor[i]
        at.anchor[k] = anchor[i]
        at.price[k] = there ? close[i] : NaN
        at.age[k] = there ? age[i] : NaN
      }
      out.col.anchorPrice[i] = at.price[k]
      out.col.anchorPriceAge[i] = at.age[k]
    }
    return withColumns<S, AnchorPrice>(batch, out.col)
  })
}
