import type { MonoTypeOperatorFunction } from 'rxjs'
import { type Batch, dropRows } from '../core/batch.ts'
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
  const found: Found = { rows: new Int32Array(0), count: 0, conflicts: 0 }

  return step.map<S, S>((batch) => {
    if (found.rows.length < batch.n) found.rows = new Int32Array(batch.n)
    found.count = 0
    found.conflicts = 0
    for (let from = 0; from < batch.n; ) {
      const today = Math.floor(batch.col.ts[from] / DAY)
      if (today !== day.number) {
        last.clear()
        day.number = today
      }
      from = search(batch as unknown as Batch<Trade>, from, (today + 1) * DAY, last, found)
    }
    if (found.count === 0) return batch
    duplicates.add(found.count)
    conflicts.add(found.conflicts)
    kept.reserve(batch.n - found.count)
    return dropRows(batch, found.rows, found.count, kept.col)
  })
}

/** The doubles of a batch: where they are, how many, and how many of them differ from the row kept. */
interface Found {
  rows: Int32Array
  count: number
  conflicts: number
}

/**
 * Finds the doubles among the rows from `from` on that lie before `end`; returns the first row that does not.
 *
 * Only a row whose time is that of a row beside it can have a double, so a row that stands alone in time is passed
 * without a look at the table, unless it begins or ends the batch and the one before or the next may have its time.
 */
function search(batch: Batch<Trade>, from: number, end: number, last: Table<typeof fields>, found: Found): number {
  const { ts } = batch.col
  const lastRow = batch.n - 1
  let i = from
  // Takes the row at `from` whatever its time, so that a time that is none cannot stop the loop.
  do {
    if (isDouble(batch, i, last, found)) found.rows[found.count++] = i
    i = ts[i + 1] === ts[i] ? i + 1 : nextTie(ts, i + 1, lastRow, end)
  } while (i <= lastRow && ts[i] < end)
  return i
}

/** The first row from `i` on that has the time of the row after it, or is `lastRow`, or does not lie before `end`. */
function nextTie(ts: Float64Array, i: number, lastRow: number, end: number): number {
  if (i >= lastRow) return i
  let row = i
  let t = ts[row]
  while (t < end && row < lastRow) {
    const next = ts[row + 1]
    if (next === t) break
    t = next
    row++
  }
  return row
}

/** Whether the instrument's row of this time is kept already; if not, this one is from now on. */
function isDouble(batch: Batch<Trade>, i: number, last: Table<typeof fields>, found: Found): boolean {
  const { ts, instrument, price, volume } = batch.col
  const k = last.slot(instrument[i])
  const { ts: lastTs, price: lastPrice, volume: lastVolume } = last.col
  if (ts[i] === lastTs[k]) {
    if (differ(price[i], lastPrice[k]) || differ(volume[i], lastVolume[k])) found.conflicts++
    return true
  }
  lastTs[k] = ts[i]
  lastPrice[k] = price[i]
  lastVolume[k] = volume[i]
  return false
}

/** Two unknown numbers (NaN) do not differ. */
function differ(a: number, b: number): boolean {
  return a !== b && !(Number.isNaN(a) && Number.isNaN(b))
}
