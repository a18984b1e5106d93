import type { Observable } from 'rxjs'
import type { Batch, Schema } from '../core/batch.ts'
import { sliceRows, takeRows } from '../core/batch.ts'
import type { RowBuffer } from '../core/rowBuffer.ts'
import type { Branches, Step } from '../core/step.ts'
import { sortByTime } from './sortByTime.ts'

type Timed = Schema & { readonly ts: 'time' }
/** A late row, and by how many microseconds it missed the watermark it should have met. */
export type Late<S extends Timed> = S & { readonly lateness: 'f64' }

export interface EventTimeOptions<S extends Timed> {
  readonly schema: S
  /** How far behind the newest row a row may come and still be put in its place, in microseconds. */
  readonly lateness: number
}

/**
 * Puts rows in the order of their exchange time and says how far time has come.
 *
 * Row by row, with M the highest time seen so far (heartbeats included):
 *
 *     ts >= M - lateness   on time: leaves in the order (ts, arrival) once M - lateness has reached ts
 *     ts <  M - lateness   late: leaves through `late`, counted, never dropped
 *     ts not finite        late too, counted as bad_time
 *
 * Watermark out: M - lateness. State: M, and the rows of the last `lateness` microseconds.
 */
export function eventTime<S extends Timed>(
  step: Step,
  { schema, lateness }: EventTimeOptions<S>,
): (source: Observable<Batch<S>>) => Branches<{ onTime: S; late: Late<S> }> {
  const clock = step.cells('clock', { version: 1, cells: { maximum: -Infinity } })
  const pending = step.rows('pending', { version: 1, schema })
  const lateCount = step.counter('late')
  const badTime = step.counter('bad_time')
  const lateSchema: Late<S> = { ...schema, lateness: 'f64' }
  const lateRows = step.scratch(lateSchema)
  const sorted = step.scratch(schema)
  let index = new Int32Array(0)

  return step.split<S, { onTime: S; late: Late<S> }>(['onTime', 'late'], (batch) => {
    lateRows.clear()
    if (lateness === 0 && pending.n === 0 && rises(batch, clock.maximum)) {
      clock.maximum = Math.max(clock.maximum, batch.n > 0 ? batch.col.ts[batch.n - 1] : -Infinity, batch.watermark)
      return { onTime: { n: batch.n, watermark: clock.maximum, col: batch.col, inOrder: true }, late: lateRows.view(clock.maximum) }
    }
    clock.maximum = admit(batch, clock.maximum, lateness, pending, lateRows)
    for (let i = 0; i < lateRows.n; i++) if (!Number.isFinite(lateRows.col['ts'][i])) badTime.add(1)
    lateCount.add(lateRows.n)
    const watermark = clock.maximum - lateness
    if (index.length < pending.n) index = new Int32Array(pending.n * 2)
    return { onTime: release(pending, watermark, index, sorted), late: lateRows.view(watermark) }
  })
}

/** Whether rows are in order, none before `maximum`, with times that are some; what is not finite can only stand at the ends of such. */
function rises<S extends Timed>(batch: Batch<S>, maximum: number): boolean {
  const { n } = batch
  if (n === 0) return true
  const ts = batch.col.ts
  if (ts[0] === -Infinity || ts[n - 1] === Infinity) return false
  return batch.inOrder ? ts[0] >= maximum : inOrder(ts, n, maximum)
}

function inOrder(ts: Float64Array, n: number, least: number): boolean {
  let last = least
  for (let i = 0; i < n; i++) {
    const t = ts[i]
    if (!(t >= last)) return false
    last = t
  }
  return true
}

function admit<S extends Timed>(batch: Batch<S>, before: number, lateness: number, pending: RowBuffer<S>, late: RowBuffer<Late<S>>): number {
  const ts = batch.col.ts
  let maximum = before
  let from = 0
  for (let i = 0; i < batch.n; i++) {
    const t = ts[i]
    if (t >= maximum - lateness && t !== Infinity && t !== -Infinity) {
      if (t > maximum) maximum = t
      continue
    }
    pending.append(batch, from, i)
    from = i + 1
    keepLate(batch, i, maximum - lateness - t, late)
  }
  pending.append(batch, from, batch.n)
  return Math.max(maximum, batch.watermark)
}

function keepLate<S extends Timed>(batch: Batch<S>, row: number, behind: number, late: RowBuffer<Late<S>>): void {
  late.reserve(late.n + 1)
  for (const name in batch.col) if (name in late.schema) late.col[name][late.n] = batch.col[name][row]
  late.col['lateness'][late.n++] = behind
}

/** Takes out of `pending` what the watermark has reached, in order of (ts, arrival). */
function release<S extends Timed>(pending: RowBuffer<S>, watermark: number, index: Int32Array, out: RowBuffer<S>): Batch<S> {
  const ts = pending.col['ts'] as Float64Array
  const n = pending.n
  let due = 0
  for (let i = 0; i < n; i++) if (ts[i] <= watermark) index[due++] = i
  out.clear()
  out.reserve(due)
  sortByTime(index, due, ts)
  const batch = takeRows(pending.view(watermark), index, due, out.col)
  keepRest(pending, watermark)
  return { ...sliceRows(batch, 0, due, watermark), inOrder: true }
}

function keepRest<S extends Timed>(pending: RowBuffer<S>, watermark: number): void {
  const ts = pending.col['ts'] as Float64Array
  let kept = 0
  for (let i = 0; i < pending.n; i++) {
    if (ts[i] <= watermark) continue
    if (kept < i) for (const name in pending.schema) if (name !== 'ts') pending.col[name][kept] = pending.col[name][i]
    ts[kept++] = ts[i]
  }
  pending.n = kept
}
