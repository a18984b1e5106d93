import type { OperatorFunction } from 'rxjs'
import type { Batch } from '../core/batch.ts'
import type { Burst } from '../core/market.ts'
import type { RowBuffer } from '../core/rowBuffer.ts'
import type { Counter, Step } from '../core/step.ts'
import { f64, i32, type Table } from '../core/table.ts'
import { isNewDay, SECOND } from '../core/time.ts'

/** A rising edge: the second in which a burst began, and burst / baseline. */
export const Signal = { ts: 'time', instrument: 'instrument', second: 'i32', close: 'f64', burst: 'f64', baseline: 'f64', ratio: 'f64' } as const
export type Signal = typeof Signal

export interface SignalOptions {
  /** How many times its baseline a burst must exceed. */
  readonly multiplier: number
  /** The least burst that counts, contracts. */
  readonly floor: number
  /** Edges within so many seconds of an instrument's last signal are passed over; 0: none. */
  readonly cooldown: number
}

const fields = { open: f64(NaN), on: i32(0), fired: f64(-Infinity) }
type Edges = Table<typeof fields>

/**
 * Fires on the rising edge of a burst.
 *
 *     on(s)   = burst > multiplier * baseline and burst >= floor     false while the baseline is undefined
 *     fires     when on(s) and not on(s - 1), unless less than `cooldown` seconds have passed since the last signal
 *
 * Starts anew with every session. Takes rollingBurst's rows. Rows: at most one out per row in, in order. Counted:
 * cooldown, edges passed over. State: per instrument whether it is on and when it last fired.
 */
export function signal(step: Step, options: SignalOptions): OperatorFunction<Batch<Burst>, Batch<Signal>> {
  const edges = step.table('edges', { version: 1, fields })
  const passedOver = step.counter('cooldown')
  const day = step.cells('day', { version: 1, cells: { open: -Infinity } })
  const out = step.scratch(Signal)

  return step.map<Burst, Signal>((batch) => {
    out.clear()
    edges.admit(batch.col.instrument, batch.n)
    for (let from = 0; from < batch.n; ) {
      const opened = batch.col.ts[from] - batch.col.second[from] * SECOND
      if (isNewDay(opened, day.open)) {
        edges.clear()
        edges.admit(batch.col.instrument.subarray(from), batch.n - from)
        day.open = opened
      }
      from = fire(batch, from, opened, edges, options, out, passedOver)
    }
    return out.view(batch.watermark)
  })
}

/** Writes the signals of one second, the one of row `from`; returns the first row of another. */
function fire(
  batch: Batch<Burst>,
  from: number,
  opened: number,
  edges: Edges,
  { multiplier, floor, cooldown }: SignalOptions,
  out: RowBuffer<Signal>,
  passedOver: Counter,
): number {
  const { ts, instrument, second, burst, baseline } = batch.col
  const { open, on, fired } = edges.col
  const slotOf = edges.slotOf
  const t = ts[from]
  const s = second[from]
  let i = from
  for (; i < batch.n && ts[i] === t && second[i] === s; i++) {
    const k = slotOf[instrument[i]]
    if (open[k] !== opened) {
      open[k] = opened
      on[k] = 0
      fired[k] = -Infinity
    }
    const was = on[k]
    on[k] = burst[i] >= floor && burst[i] > multiplier * baseline[i] ? 1 : 0
    if (on[k] === 0 || was === 1) continue
    if (t - fired[k] < cooldown * SECOND) {
      passedOver.add(1)
      continue
    }
    fired[k] = t
    writeSignal(batch, i, out)
  }
  return i
}

function writeSignal(batch: Batch<Burst>, i: number, out: RowBuffer<Signal>): void {
  out.reserve(out.n + 1)
  const n = out.n++
  const { ts, instrument, second, close, burst, baseline } = batch.col
  out.col.ts[n] = ts[i]
  out.col.instrument[n] = instrument[i]
  out.col.second[n] = second[i]
  out.col.close[n] = close[i]
  out.col.burst[n] = burst[i]
  out.col.baseline[n] = baseline[i]
  out.col.ratio[n] = burst[i] / baseline[i]
}
