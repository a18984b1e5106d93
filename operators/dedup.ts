import type { MonoTypeOperatorFunction } from 'rxjs'
import { type Batch, type Column, type Columns, gather } from '../core/batch.ts'
import { Trade } from '../core/market.ts'
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
  const further = Object.keys(schema).filter((name) => !(name in Trade))
  let index = new Int32Array(0)

  return step.map<S, S>((batch) => {
    if (index.length < batch.n) index = new Int32Array(batch.n)
    kept.reserve(batch.n)
    tally.fill(0)
    for (let from = 0; from < batch.n; ) {
      const today = Math.floor(batch.col.ts[from] / DAY)
      if (today !== day.number) {
        last.clear()
        day.number = today
      }
      from = select(batch as unknown as Batch<Trade>, from, (today + 1) * DAY, last, kept.col as unknown as Columns<Trade>, index, tally)
    }
    const n = tally[0]
    if (n === batch.n) return batch
    duplicates.add(batch.n - n)
    conflicts.add(tally[1])
    for (const name of further) gather(columnOf(batch, name), index, n, columnOf(kept, name))
    return kept.first(n, batch.watermark)
  })
}

/**
 * Goes through the rows from `from` on that lie before `end`. Rows to keep are copied to `kept` in the same pass, which
 * is cheaper than picking them in a second one; index[0..tally[0]-1] says which they are, tally[1] counts conflicts.
 *
 * Only a row whose time is that of a row beside it can have a double, so a row that stands alone in time is kept
 * without a look at the table, unless it ends the batch and the next one may go on with its time.
 */
function select(
  batch: Batch<Trade>,
  from: number,
  end: number,
  last: Table<typeof fields>,
  kept: Columns<Trade>,
  index: Int32Array,
  tally: Int32Array,
): number {
  last.admit(batch.col.instrument, batch.n)
  const { ts, instrument, price, volume } = batch.col
  const { ts: toTs, instrument: toInstrument, price: toPrice, volume: toVolume } = kept
  const { ts: lastTs, price: lastPrice, volume: lastVolume } = last.col
  const { slotOf } = last
  const lastRow = batch.n - 1
  let n = tally[0]
  let i = from
  let before = NaN
  // Takes the row at `from` whatever its time, so that a time that is none cannot stop the loop.
  do {
    const t = ts[i]
    const beside = t === before || i === from || i === lastRow || ts[i + 1] === t
    before = t
    if (beside) {
      const k = slotOf[instrument[i]]
      if (t === lastTs[k]) {
        if (differ(price[i], lastPrice[k]) || differ(volume[i], lastVolume[k])) tally[1]++
        continue
      }
      lastTs[k] = t
      lastPrice[k] = price[i]
      lastVolume[k] = volume[i]
    }
    toTs[n] = t
    toInstrument[n] = instrument[i]
    toPrice[n] = price[i]
    toVolume[n] = volume[i]
    index[n++] = i
  } while (++i < batch.n && ts[i] < end)
  tally[0] = n
  return i
}

function columnOf(rows: { readonly col: object }, name: string): Column {
  return (rows.col as Readonly<Record<string, Column>>)[name]
}

/** Two unknown numbers (NaN) do not differ. */
function differ(a: number, b: number): boolean {
  return a !== b && !(Number.isNaN(a) && Number.isNaN(b))
}
