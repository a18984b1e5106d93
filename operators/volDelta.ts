import type { OperatorFunction } from 'rxjs'
import { type Batch, withColumns } from '../core/batch.ts'
import type { Trade, VolDelta } from '../core/market.ts'
import type { Step } from '../core/step.ts'
import { f64, type Table } from '../core/table.ts'
import { dayOf, startOfDay, type Zone } from '../core/time.ts'

const fields = { volume: f64(NaN) }

/**
 * Adds `delta`: what traded since the instrument's kept row before, out of the exchange's running volume of the day.
 *
 *     volume   100   130   130    20    50   next day: 7
 *     delta      0    30     0     0    30             0
 *
 * delta = max(0, volume - previous volume of the same trading day). The first row of a day has nothing to differ
 * from and gives 0; a fall is a reset or a correction, gives 0 and becomes the new base; an unknown volume (NaN)
 * gives 0 and leaves the base.
 *
 * Takes rows in the order of event time. Rows: one out per row in, in order. State: a volume an instrument, of one day.
 */
export function volDelta<S extends Trade>(step: Step, { zone }: { readonly zone: Zone }): OperatorFunction<Batch<S>, Batch<S & VolDelta>> {
  const last = step.table('last', { version: 1, fields })
  const day = step.cells('day', { version: 1, cells: { end: -Infinity } })
  const out = step.scratch({ delta: 'f64' })

  return step.map<S, S & VolDelta>((batch) => {
    const { ts } = batch.col
    out.reserve(batch.n)
    for (let from = 0; from < batch.n; ) {
      if (ts[from] >= day.end) {
        last.clear()
        day.end = startOfDay(dayOf(ts[from], zone) + 1, zone)
      }
      from = differ(batch as unknown as Batch<Trade>, from, day.end, last, out.col.delta)
    }
    return withColumns<S, VolDelta>(batch, out.col)
  })
}

/** The deltas of the rows from `from` on that lie before `end`; returns the first row that does not. */
function differ(batch: Batch<Trade>, from: number, end: number, last: Table<typeof fields>, delta: Float64Array): number {
  const { ts, instrument, volume } = batch.col
  last.admit(instrument, batch.n)
  const slotOf = last.slotOf
  const previous = last.col.volume
  let i = from
  // Takes the row at `from` whatever its time, so that a time that is none cannot stop the loop.
  do {
    const k = slotOf[instrument[i]]
    const v = volume[i]
    const change = v - previous[k]
    const size = Math.abs(change)
    // Half of a change and its size is the change where it rose and 0 where it fell: exact, and without a branch that
    // no market lets foretell. It needs room above; what has none, or is unknown, goes the long way.
    if (size < 1e300) {
      delta[i] = (change + size) * 0.5
      previous[k] = v
    } else {
      delta[i] = v > previous[k] ? change : 0
      if (!Number.isNaN(v)) previous[k] = v
    }
  } while (++i < batch.n && ts[i] < end)
  return i
}
