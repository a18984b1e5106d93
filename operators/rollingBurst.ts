import type { OperatorFunction } from 'rxjs'
import type { Batch } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import { Burst, type Second } from '../core/market.ts'
import type { RowBuffer } from '../core/rowBuffer.ts'
import type { Step } from '../core/step.ts'
import { f64, i32 } from '../core/table.ts'
import { isNewDay, SECOND } from '../core/time.ts'

export interface RollingBurstOptions {
  /** W: length of the burst window, whole seconds. */
  readonly window: number
  /** A: length of the baseline, whole seconds, at least W. */
  readonly baseline: number
}

/**
 * What traded over the last W seconds, beside what usually trades over W seconds.
 *
 *     burst(s)    = sum of vol over (s - W, s]
 *     baseline(s) = (sum of vol over (s - A, s]) / A * W     the same unit; NaN until A seconds of the session have passed
 *
 * Seconds before an instrument's first row of the session count as 0. Both start anew with every session.
 *
 * Takes perSecond's rows. Rows: one out per row in, in order. State: an instrument's last A volumes and both sums
 * as they are, so that a restored sum is the same to the last bit.
 */
export function rollingBurst(step: Step, { window, baseline }: RollingBurstOptions): OperatorFunction<Batch<Second>, Batch<Burst>> {
  if (!Number.isInteger(window) || !Number.isInteger(baseline) || window < 1 || baseline < window) {
    throw new TickloomError('PARAMETER_INVALID', `${step.id}: window and baseline are whole seconds with 1 <= window <= baseline, not ${window} and ${baseline}`, { step: step.id })
  }
  const fields = { ring: f64(0, baseline), short: f64(0), long: f64(0), open: f64(NaN), last: i32(-1) }
  const sums = step.table('sums', { version: 1, fields })
  const day = step.cells('day', { version: 1, cells: { open: -Infinity } })
  const out = step.scratch(Burst)

  return step.map<Second, Burst>((batch) => {
    out.clear()
    out.reserve(batch.n)
    for (let from = 0; from < batch.n;) {
      const opened = batch.col.ts[from] - batch.col.second[from] * SECOND
      if (isNewDay(opened, day.open)) { sums.clear(); day.open = opened }
      sums.admit(batch.col.instrument, batch.n)
      from = roll(batch, from, day.open, sums.slotOf, sums.col, out, window, baseline)
    }
    out.n = batch.n
    return out.view(batch.watermark)
  })
}

interface Sums { readonly ring: Float64Array; readonly short: Float64Array; readonly long: Float64Array; readonly open: Float64Array; readonly last: Int32Array }

/** Rolls on from row `from` to the end of the batch or of the day; returns the row it stopped at. */
function roll(batch: Batch<Second>, from: number, day: number, slotOf: Int32Array, sums: Sums, out: RowBuffer<Burst>, window: number, length: number): number {
  const { ts, instrument, second, close, vol } = batch.col
  const { short, long, last, open } = sums
  const to = out.col
  let i = from
  for (; i < batch.n; i++) {
    const k = slotOf[instrument[i]]
    const s = second[i]
    const opened = ts[i] - s * SECOND
    if (isNewDay(opened, day)) break
    if (opened !== open[k]) restart(sums, k, opened, s, length)
    while (last[k] < s - 1) push(sums, k, ++last[k], 0, window, length)
    last[k] = s
    push(sums, k, s, vol[i], window, length)
    to.ts[i] = ts[i]
    to.instrument[i] = instrument[i]
    to.second[i] = s
    to.close[i] = close[i]
    to.burst[i] = short[k]
    to.baseline[i] = s + 1 >= length ? (long[k] / length) * window : NaN
  }
  return i
}

/** A new session: nothing has traded in it before second s. */
function restart(sums: Sums, k: number, opened: number, s: number, length: number): void {
  sums.ring.fill(0, k * length, (k + 1) * length)
  sums.short[k] = 0
  sums.long[k] = 0
  sums.open[k] = opened
  sums.last[k] = s - 1
}

function push(sums: Sums, k: number, s: number, vol: number, window: number, length: number): void {
  const { ring, short, long } = sums
  const at = s % length
  const base = k * length
  const old = at >= window ? at - window : at - window + length
  short[k] += vol - ring[base + old]
  long[k] += vol - ring[base + at]
  ring[base + at] = vol
}
