import type { MonoTypeOperatorFunction } from 'rxjs'
import { type Batch, takeRows } from '../core/batch.ts'
import type { Trade } from '../core/market.ts'
import type { Step } from '../core/step.ts'
import { f64, type Table } from '../core/table.ts'
import { DAY } from '../core/time.ts'

const fields = { ts: f64(NaN), price: f64(NaN), volume: f64(NaN) }

/**
 * Keeps one row of each (instrument, ts): the first to arrive, because a live stream cannot take a row back.
 *
 * Takes rows in the order of event time. Rows: at most one out per row in, in order. Counted: `duplicate`, and
 * `conflict` for those of them whose price or volume differs from the row kept. State: the last row kept an
 * instrument, of one day (two rows of one ts are always of one day, so nothing is lost by forgetting at midnight UTC).
 */
export function dedup<S extends Trade>(step: Step, { schema }: { readonly schema: S }): MonoTypeOperatorFunction<Batch<S>> {
  const last = step.table('last', { version: 1, fields })
  const day = step.cells('day', { version: 1, cells: { number: NaN } })
  const duplicates = step.counter('duplicate')
  const conflicts = step.counter('conflict')
  const kept = step.scratch(schema)
  const tally = new Int32Array(2)
  let index = new Int32Array(0)

  return step.map<S, S>((batch) => {
    if (index.length < batch.n) index = new Int32Array(batch.n)
    tally.fill(0)
    for (let from = 0; from < batch.n; ) {
      const today = Math.floor(batch.col.ts[from] / DAY)
      if (today !== day.number) {
        last.clear()
        day.number = today
      }
      from = select(batch as unknown as Batch<Trade>, from, (today + 1) * DAY, last, index, tally)
    }
    const n = tally[0]
    if (n === batch.n) return batch
    duplicates.add(batch.n - n)
    conflicts.add(tally[1])
    kept.reserve(n)
    return takeRows(batch, index, n, kept.col)
  })
}

/** Goes through the rows from `from` on that lie before `end`: adds those to keep to index[0..tally[0]-1], counts conflicts in tally[1]. */
function select(batch: Batch<Trade>, from: number, end: number, last: Table<typeof fields>, index: Int32Array, tally: Int32Array): number {
  last.admit(batch.col.instrument, batch.n)
  const { ts, instrument, price, volume } = batch.col
  const { ts: lastTs, price: lastPrice, volume: lastVolume } = last.col
  const slotOf = last.slotOf
  let n = tally[0]
  let conflicts = 0
  let i = from
  // Takes the row at `from` whatever its time, so that a time that is none cannot stop the loop.
  do {
    const k = slotOf[instrument[i]]
    if (ts[i] === lastTs[k]) {
      if (differ(price[i], lastPrice[k]) || differ(volume[i], lastVolume[k])) conflicts++
      continue
    }
    lastTs[k] = ts[i]
    lastPrice[k] = price[i]
    lastVolume[k] = volume[i]
    index[n++] = i
  } while (++i < batch.n && ts[i] < end)
  tally[0] = n
  tally[1] += conflicts
  return i
}

/** Two unknown numbers (NaN) do not differ. */
function differ(a: number, b: number): boolean {
  return a !== b && !(Number.isNaN(a) && Number.isNaN(b))
}
