import type { MonoTypeOperatorFunction } from 'rxjs'
import { type Batch, type Schema, sliceRows, takeRows } from '../core/batch.ts'
import type { Calendar } from '../core/calendar.ts'
import { SessionWindows } from '../core/sessionWindows.ts'
import type { Step } from '../core/step.ts'

type Timed = Schema & { readonly ts: 'time'; readonly instrument: 'instrument' }

export interface SessionFilterOptions<S extends Timed> {
  readonly schema: S
  readonly calendar: Calendar
}

/**
 * Keeps the rows of trading hours: open <= ts < close, by date and by the segment of the instrument.
 *
 * Rows: at most one out per row in, in order. Counted: off_session. State: none but the count.
 */
export function sessionFilter<S extends Timed>(step: Step, { schema, calendar }: SessionFilterOptions<S>): MonoTypeOperatorFunction<Batch<S>> {
  const windows = new SessionWindows(calendar, step.instruments)
  const dropped = step.counter('off_session')
  const kept = step.scratch(schema)
  let index = new Int32Array(0)

  return step.map<S, S>((batch) => {
    if (index.length < batch.n) index = new Int32Array(batch.n)
    const n = select(batch, windows, index)
    dropped.add(batch.n - n)
    if (n === batch.n) return batch
    if (n > 0 && index[n - 1] - index[0] === n - 1) return sliceRows(batch, index[0], index[n - 1] + 1, batch.watermark)
    kept.reserve(n)
    return takeRows(batch, index, n, kept.col)
  })
}

function select<S extends Timed>(batch: Batch<S>, windows: SessionWindows, index: Int32Array): number {
  windows.cover()
  const told = alike(batch, windows)
  if (told !== UNLIKE) return told === 1 ? batch.n : 0
  const { from, to, trading, segmentOf } = windows
  const ts = batch.col.ts
  const instrument = batch.col.instrument
  let n = 0
  for (let i = 0; i < batch.n; i++) {
    const t = ts[i]
    const segment = segmentOf[instrument[i]]
    // Written so that a NaN is sought too: it must not inherit the answer of the row before.
    if (!(t >= from[segment] && t < to[segment])) windows.seek(t, segment)
    if (trading[segment] === 1) index[n++] = i
  }
  return n
}

const UNLIKE = -1

/** 1 where every segment trades at every row, 0 where none does, else UNLIKE: the common cases, told without looking at instruments. */
function alike<S extends Timed>(batch: Batch<S>, windows: SessionWindows): number {
  const { trading } = windows
  const ts = batch.col.ts
  let from = -Infinity
  let to = Infinity
  for (let segment = 0; segment < trading.length; segment++) {
    if (!(ts[0] >= windows.from[segment] && ts[0] < windows.to[segment])) windows.seek(ts[0], segment)
    if (trading[segment] !== trading[0]) return UNLIKE
    if (windows.from[segment] > from) from = windows.from[segment]
    if (windows.to[segment] < to) to = windows.to[segment]
  }
  if (batch.inOrder) return ts[0] >= from && ts[batch.n - 1] < to ? trading[0] : UNLIKE
  for (let i = 0; i < batch.n; i++) if (!(ts[i] >= from && ts[i] < to)) return UNLIKE
  return trading[0]
}
