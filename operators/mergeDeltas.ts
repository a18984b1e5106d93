import type { OperatorFunction } from 'rxjs'
import { type Batch, type Column, dropRows, type Schema, withColumns } from '../core/batch.ts'
import { HEARTBEAT } from '../core/market.ts'
import type { Step } from '../core/step.ts'
import { f64, type Table } from '../core/table.ts'

/** `reset`: nothing that came before this row counts for its instrument any more; of an instrument called `*`, for any. */
export const Delta = { ts: 'time', instrument: 'instrument', reset: 'bool' } as const
export type Delta = typeof Delta

/** Columns of S whose missing value is NaN. */
type Mergeable<S extends Schema> = { [C in keyof S & string]: S[C] extends 'f64' | 'time' ? C : never }[keyof S & string]

/**
 * Whole rows out of those of a feed that sends only what has changed (Noren's): NaN in a merged column is what the
 * instrument's row before had.
 *
 *     instrument   A      A      B      A      *      A      A
 *     reset                                    1             1
 *     bid         100     -     200    101            -     102
 *     ask         105    106     -      -             -      -
 *     bid out     100    100    200    101   (left    -     102
 *     ask out     105    106     -     106    out)    -      -
 *
 * After a lost connection the fields that changed meanwhile are unknown, so a marker has to come before the first row
 * of the new one: a row with `reset`. It stands for itself, so the full row that such feeds begin with may be it. A
 * row of the instrument `*` with `reset` is for every instrument and left out. A value that became unknown cannot be
 * told from one that did not change: that is in the nature of such feeds.
 *
 * Takes rows in the order of arrival. Rows: one out per row in, in order, but for markers of `*`; the other columns
 * are as they were. State: the merged columns, an instrument.
 */
export function mergeDeltas<S extends Delta>(
  step: Step,
  { columns }: { readonly columns: readonly Mergeable<S>[] },
): OperatorFunction<Batch<S>, Batch<S>> {
  const last = step.table('last', { version: 1, fields: Object.fromEntries(columns.map((name) => [name, f64(NaN)])) })
  const schema: Schema = Object.fromEntries(columns.map((name) => [name, 'f64']))
  const merged = step.scratch(schema)
  const markers = step.scratch({ row: 'i32' })
  const every = step.instruments.id(HEARTBEAT)
  let kept: { n: number; col: Record<string, Column> } | undefined

  return step.map<S, S>((batch) => {
    merged.reserve(batch.n)
    markers.reserve(batch.n)
    const count = mergeAll(batch as unknown as Batch<Delta>, columns, last, merged.col, every, markers.col.row)
    const whole = withColumns(batch, merged.col) as unknown as Batch<S>
    if (count === 0) return whole
    if (kept === undefined || kept.n < batch.n) kept = roomLike(whole)
    return dropRows(whole, markers.col.row, count, kept.col as Batch<S>['col'])
  })
}

type Last = Table<Record<string, ReturnType<typeof f64>>>

/** Fills `out`, and `markers` with the rows that are markers of every instrument; answers how many those are. */
function mergeAll(
  batch: Batch<Delta>,
  columns: readonly string[],
  last: Last,
  out: Readonly<Record<string, Column>>,
  every: number,
  markers: Int32Array,
) {
  const { instrument, reset } = batch.col
  let count = 0
  let from = 0
  for (let i = 0; i <= batch.n; i++) {
    if (i < batch.n && (instrument[i] !== every || reset[i] === 0)) continue
    merge(batch, from, i, columns, last, out)
    if (i === batch.n) break
    last.clear()
    markers[count++] = i
    from = i + 1
  }
  return count
}

/** Rows from..to-1, among which no marker of every instrument is. */
function merge(batch: Batch<Delta>, from: number, to: number, columns: readonly string[], last: Last, out: Readonly<Record<string, Column>>): void {
  if (from === to) return
  const { instrument, reset } = batch.col
  last.admit(from === 0 ? instrument : instrument.subarray(from, to), to - from)
  for (const name of columns) fill(instrument, reset, (batch.col as never)[name], last.slotOf, last.col[name], out[name] as Float64Array, from, to)
}

function fill(
  instrument: Int32Array,
  reset: Uint8Array,
  given: Float64Array,
  slotOf: Int32Array,
  kept: Float64Array,
  out: Float64Array,
  from: number,
  to: number,
): void {
  for (let i = from; i < to; i++) {
    const k = slotOf[instrument[i]]
    const value = given[i]
    if (!Number.isNaN(value) || reset[i] !== 0) kept[k] = value
    out[i] = kept[k]
  }
}

function roomLike<S extends Schema>({ n, col }: Batch<S>): { n: number; col: Record<string, Column> } {
  return { n, col: Object.fromEntries(Object.entries(col).map(([name, column]) => [name, (column as Column).slice(0, n)])) }
}
