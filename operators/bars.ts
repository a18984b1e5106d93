import type { OperatorFunction } from 'rxjs'
import { Bar } from '../core/bar.ts'
import type { Batch } from '../core/batch.ts'
import type { Calendar } from '../core/calendar.ts'
import { TickloomError } from '../core/errors.ts'
import type { Trade, VolDelta } from '../core/market.ts'
import type { RowBuffer } from '../core/rowBuffer.ts'
import type { Step } from '../core/step.ts'
import { f64, type Table } from '../core/table.ts'
import { DAY, dayOf, startOfDay } from '../core/time.ts'

/** What a bar is made of. */
type Priced = Trade & VolDelta & { readonly oi: 'f64' }

const fields = { open: f64(NaN), high: f64(NaN), low: f64(NaN), close: f64(NaN), volume: f64(0), oi: f64(NaN) }
type Lines = Table<typeof fields>

export interface BarsOptions {
  readonly calendar: Calendar
  /** Length of a bar, whole microseconds, a day at most. */
  readonly length: number
}

/**
 * Open, high, low and close of every instrument over stretches of `length`, with what traded in them and the last open
 * interest. Only bars with a row: nothing is carried forward.
 *
 *     ticks    09:15:00 @100 +5   09:15:40 @103 +1   09:15:59 @99 +2   09:17:01 @101 +4
 *     60 s     09:15 100 103 99 99 vol 8             09:17 101 101 101 101 vol 4
 *
 * Bars begin at multiples of `length` from the first open of the day, the same for all instruments, and end at the
 * latest at midnight: a bar of a day holds all its sessions. `ts` is where the bar begins. `volume` is the sum of
 * `delta`; prices and open interest that are missing (NaN) are passed over.
 *
 * A bar leaves when the watermark has passed it, or a row of a later one came, whichever is first; both say the same.
 * Rows out are in the order (ts, first appearance in the bar). Takes rows in the order of event time, and all of them:
 * whoever wants trading hours only filters before. State: the open bar, a line an instrument. Throws PARAMETER_INVALID.
 */
export function bars<S extends Priced>(step: Step, { calendar, length }: BarsOptions): OperatorFunction<Batch<S>, Batch<Bar>> {
  if (!Number.isInteger(length) || length < 1 || length > DAY)
    throw new TickloomError('PARAMETER_INVALID', `${step.id}: a bar lasts whole microseconds, a day at most, not ${length}`, { step: step.id })
  const lines = step.table('lines', { version: 1, fields })
  const bar = step.cells('bar', { version: 1, cells: { start: -Infinity, end: -Infinity } })
  const out = step.scratch(Bar)
  const open = (ts: number): void => {
    const midnight = startOfDay(dayOf(ts, calendar.zone), calendar.zone)
    const anchor = firstOpen(calendar, ts) ?? midnight
    bar.start = Math.max(midnight, anchor + Math.floor((ts - anchor) / length) * length)
    bar.end = Math.min(midnight + DAY, anchor + (Math.floor((ts - anchor) / length) + 1) * length)
  }

  return step.map<S, Bar>((batch) => {
    const ticks = batch as unknown as Batch<Priced>
    const { ts } = ticks.col
    out.clear()
    lines.cover()
    for (let i = 0; i < ticks.n; ) {
      if (ts[i] >= bar.end) {
        write(lines, bar.start, out)
        open(ts[i])
      }
      i = gather(ticks, i, bar.end, lines)
    }
    const { watermark } = batch
    if (watermark >= bar.end && watermark > -Infinity) {
      write(lines, bar.start, out)
      if (Number.isFinite(watermark)) open(watermark)
      else bar.start = bar.end = watermark
    }
    return out.view(bar.start)
  })
}

/** When the day of `ts` first opens for anybody; undefined where nothing trades. */
function firstOpen(calendar: Calendar, ts: number): number | undefined {
  const day = dayOf(ts, calendar.zone)
  let first: number | undefined
  for (let segment = 0; segment < calendar.segments.length; segment++)
    for (const { open } of calendar.sessions(day, segment)) if (first === undefined || open < first) first = open
  return first
}

/** Takes in the rows from `from` on that lie before `end`; returns the first that does not. */
function gather(batch: Batch<Priced>, from: number, end: number, lines: Lines): number {
  const { ts, instrument, price, delta, oi } = batch.col
  let to = lines.col
  let i = from
  // Takes the row at `from` whatever its time, so that a time that is none cannot stop the loop.
  do {
    let k = lines.slotOf[instrument[i]]
    if (k < 0) {
      k = lines.slot(instrument[i])
      to = lines.col
    }
    const p = price[i]
    if (!Number.isNaN(p)) {
      if (Number.isNaN(to.close[k])) to.open[k] = to.high[k] = to.low[k] = p
      else if (p > to.high[k]) to.high[k] = p
      else if (p < to.low[k]) to.low[k] = p
      to.close[k] = p
    }
    to.volume[k] += delta[i]
    if (!Number.isNaN(oi[i])) to.oi[k] = oi[i]
  } while (++i < batch.n && ts[i] < end)
  return i
}

/** Writes the open bar out, and forgets it. */
function write(lines: Lines, start: number, out: RowBuffer<Bar>): void {
  const { size, col, keys } = lines
  if (size === 0) return
  const n = out.n
  out.reserve(n + size)
  out.col.ts.fill(start, n, n + size)
  out.col.instrument.set(keys.subarray(0, size), n)
  out.col.open.set(col.open.subarray(0, size), n)
  out.col.high.set(col.high.subarray(0, size), n)
  out.col.low.set(col.low.subarray(0, size), n)
  out.col.close.set(col.close.subarray(0, size), n)
  out.col.volume.set(col.volume.subarray(0, size), n)
  out.col.oi.set(col.oi.subarray(0, size), n)
  out.n = n + size
  lines.clear()
}
