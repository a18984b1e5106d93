import type { OperatorFunction } from 'rxjs'
import { abreast } from '../core/abreast.ts'
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
    for (let from = 0; from < batch.n; ) {
      const opened = batch.col.ts[from] - batch.col.second[from] * SECOND
      if (isNewDay(opened, day.open)) {
        edges.clear()
        day.open = opened
      }
      const rows = abreast(batch, from, edges)
      for (let k = turning(batch, from, 0, rows, opened, edges, options); k < rows; k = turning(batch, from, k + 1, rows, opened, edges, options)) {
        turn(batch, from + k, k, opened, edges, options, out, passedOver)
      }
      from = turnEach(batch, from, from + rows, opened, edges, options, out, passedOver)
    }
    return out.view(batch.watermark)
  })
}

/** The first slot from `k` on, below `rows`, whose row (`from` + slot) changes anything: most change nothing. */
function turning(
  batch: Batch<Burst>,
  from: number,
  k: number,
  rows: number,
  opened: number,
  edges: Edges,
  { multiplier, floor }: SignalOptions,
): number {
  const { burst, baseline } = batch.col
  const { open, on } = edges.col
  let slot = k
  for (; slot < rows; slot++) {
    const sum = burst[from + slot]
    const is = sum > multiplier * baseline[from + slot] && sum >= floor ? 1 : 0
    if (is !== on[slot] || open[slot] !== opened) break
  }
  return slot
}

/** Takes the rows from `from` on that are of the second of row `of`, wherever their slots are; returns the first row of another. */
function turnEach(
  batch: Batch<Burst>,
  of: number,
  from: number,
  opened: number,
  edges: Edges,
  options: SignalOptions,
  out: RowBuffer<Signal>,
  passedOver: Counter,
): number {
  const { ts, instrument, second } = batch.col
  const t = ts[of]
  const s = second[of]
  let i = from
  for (; i < batch.n && ts[i] === t && second[i] === s; i++) turn(batch, i, edges.slot(instrument[i]), opened, edges, options, out, passedOver)
  return i
}

/** Brings slot k to row i, and writes the signal if it is one. */
function turn(
  batch: Batch<Burst>,
  i: number,
  k: number,
  opened: number,
  edges: Edges,
  { multiplier, floor, cooldown }: SignalOptions,
  out: RowBuffer<Signal>,
  passedOver: Counter,
): void {
  const { ts, burst, baseline } = batch.col
  const { open, on, fired } = edges.col
  if (open[k] !== opened) {
    open[k] = opened
    on[k] = 0
    fired[k] = -Infinity
  }
  const was = on[k]
  on[k] = burst[i] >= floor && burst[i] > multiplier * baseline[i] ? 1 : 0
  if (on[k] === 0 || was === 1) return
  if (ts[i] - fired[k] < cooldown * SECOND) {
    passedOver.add(1)
    return
  }
  fired[k] = ts[i]
  writeSignal(batch, i, out)
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
