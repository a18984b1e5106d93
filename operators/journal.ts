import type { OperatorFunction } from 'rxjs'
import type { Batch, Columns, Schema } from '../core/batch.ts'
import { HEARTBEAT } from '../core/market.ts'
import type { RowBuffer } from '../core/rowBuffer.ts'
import type { Step } from '../core/step.ts'

type Received = Schema & { readonly ts: 'time'; readonly instrument: 'instrument' }

/**
 * Everything that came, in the order it came, as rows: what a recording holds.
 *
 * Rows leave as they are. With M the highest time so far, of rows and heartbeats, a batch whose watermark is above M
 * is followed by a row of the instrument `*` (HEARTBEAT) whose `ts` is the watermark and whose other columns are
 * missing, and M rises to it. A watermark at or below M says nothing that the rows have not said, so the answer does
 * not depend on how the input was cut. State: M.
 */
export function journal<S extends Received>(step: Step, { schema }: { readonly schema: S }): OperatorFunction<Batch<S>, Batch<S>> {
  const clock = step.cells('clock', { version: 1, cells: { maximum: -Infinity } })
  const heartbeats = step.counter('heartbeat')
  const out = step.scratch(schema)
  return step.map((batch) => {
    clock.maximum = highest(batch.col.ts, batch.n, clock.maximum)
    if (!(batch.watermark > clock.maximum) || batch.watermark === Infinity) return { n: batch.n, watermark: clock.maximum, col: batch.col }
    clock.maximum = batch.watermark
    heartbeats.add(1)
    out.clear()
    out.append(batch)
    appendHeartbeat(out, batch.watermark, step.instruments.id(HEARTBEAT))
    return out.view(clock.maximum)
  })
}

function highest(ts: Float64Array, n: number, before: number): number {
  let maximum = before
  for (let i = 0; i < n; i++) if (ts[i] > maximum && ts[i] !== Infinity) maximum = ts[i]
  return maximum
}

function appendHeartbeat<S extends Received>(rows: RowBuffer<S>, ts: number, instrument: number): void {
  rows.reserve(rows.n + 1)
  const col = rows.col as Columns<Schema>
  for (const name in rows.schema) col[name][rows.n] = rows.schema[name] === 'time' || rows.schema[name] === 'f64' ? NaN : 0
  rows.col.ts[rows.n] = ts
  rows.col.instrument[rows.n++] = instrument
}
