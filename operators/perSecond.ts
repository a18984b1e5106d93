import type { OperatorFunction } from 'rxjs'
import type { Batch, Schema } from '../core/batch.ts'
import type { Calendar } from '../core/calendar.ts'
import { Second, type Trade, type VolDelta } from '../core/market.ts'
import type { RowBuffer } from '../core/rowBuffer.ts'
import { SessionWindows } from '../core/sessionWindows.ts'
import type { Step } from '../core/step.ts'
import { f64, type Table } from '../core/table.ts'
import { SECOND } from '../core/time.ts'

/** Of the session an instrument is in: its hours, the last price with the second it is of, what traded since the last row out. */
const fields = { open: f64(NaN), bell: f64(-Infinity), close: f64(NaN), seen: f64(NaN), vol: f64(0) }
type Grid = Table<typeof fields>

export interface PerSecondOptions<C extends string> {
  readonly calendar: Calendar
  /** Further f64 columns, whose last value goes with a second as its price does: such as bid and ask. None by default. */
  readonly carry?: readonly C[]
}

/**
 * The dense grid: a row for every instrument and second, from the second of its first tick to the bell.
 *
 *     ticks    09:15:00.2 @100 +5   09:15:00.9 @101 +1   09:15:03.1 @99 +2
 *     rows     :00 101 6 observed   :01 101 0 age 1      :02 101 0 age 2     :03 99 2 observed  ...
 *
 * Second s covers [s, s + 1 s): close is its last price, or the last price before it, carried, with `observed`
 * false and its age; vol is the sum of `delta`, 0 in a quiet second. What `carry` names is as of that last price. A second leaves when the watermark has passed
 * it, or a row of a later second came, whichever is first; both say the same. Rows out are in the order (ts, first
 * appearance of the instrument since the grid was last empty): the grid is emptied after the last bell, so an
 * instrument that trades on over another's bell keeps its place, and so does one that comes back in between.
 *
 * Takes rows in the order of event time. Counted: off_session rows, which have no grid to be on. State: the grid's
 * open second, a line an instrument of the session.
 */
export function perSecond<S extends Trade & VolDelta & { readonly [K in C]: 'f64' }, C extends string = never>(
  step: Step,
  { calendar, carry = [] }: PerSecondOptions<C>,
): OperatorFunction<Batch<S>, Batch<Second & { readonly [K in C]: 'f64' }>> {
  const grid: Grid = step.table('grid', { version: 1, fields: { ...fields, ...columnsOf(carry, f64(NaN)) } })
  const clock = step.cells('clock', { version: 1, cells: { now: -Infinity, lastBell: -Infinity } })
  const offSession = step.counter('off_session')
  const windows = new SessionWindows(calendar, step.instruments)
  type Out = Second & { readonly [K in C]: 'f64' }
  const wide = step.scratch<Out>({ ...Second, ...columnsOf(carry, 'f64') })
  const out = wide as unknown as RowBuffer<Second>
  const lines: Lines = { size: -1, open: NaN, bell: -Infinity, keys: grid.keys, close: grid.col.close, vol: grid.col.vol, carry }

  return step.map<S, Out>((batch) => {
    const ticks = batch as unknown as Batch<Trade & VolDelta>
    windows.cover()
    grid.cover()
    out.clear()
    for (let i = 0; i < ticks.n; ) {
      advance(grid, lines, clock, Math.floor(ticks.col.ts[i] / SECOND) * SECOND, out)
      const first = i
      i = clock.now + SECOND <= lines.bell && lines.size === grid.size ? gatherInHours(ticks, i, clock.now, grid) : gather(ticks, i, clock.now, grid)
      for (const name of carry) carryOn(ticks, name, first, i, grid)
      if (i === ticks.n || Math.floor(ticks.col.ts[i] / SECOND) * SECOND > clock.now) continue
      if (!place(grid, ticks.col.instrument[i], ticks.col.ts[i], windows, clock)) {
        offSession.add(1)
        i++
      }
      lines.size = -1
    }
    advance(grid, lines, clock, Math.floor(batch.watermark / SECOND) * SECOND, out)
    return wide.view(clock.now)
  })
}

/** Takes in the rows of the second from `now` on; stops at a row of a later second, or of an instrument with no place on the grid. */
function gather(batch: Batch<Trade & VolDelta>, from: number, now: number, grid: Grid): number {
  const { ts, instrument, price, delta } = batch.col
  const { bell, close, seen, vol } = grid.col
  const slotOf = grid.slotOf
  const end = now + SECOND
  let i = from
  for (; i < batch.n && ts[i] < end; i++) {
    const k = slotOf[instrument[i]]
    if (k < 0 || ts[i] >= bell[k]) break
    close[k] = price[i]
    seen[k] = now
    vol[k] += delta[i]
  }
  return i
}

/** The same in a second in which no line of the grid rings. */
function gatherInHours(batch: Batch<Trade & VolDelta>, from: number, now: number, grid: Grid): number {
  const { ts, instrument, price, delta } = batch.col
  const { close, seen, vol } = grid.col
  const slotOf = grid.slotOf
  const end = now + SECOND
  let i = from
  for (; i < batch.n && ts[i] < end; i++) {
    const k = slotOf[instrument[i]]
    if (k < 0) break
    close[k] = price[i]
    seen[k] = now
    vol[k] += delta[i]
  }
  return i
}

function columnsOf<C extends string, T>(names: readonly C[], of: T): { readonly [K in C]: T } {
  return Object.fromEntries(names.map((name) => [name, of])) as { readonly [K in C]: T }
}

/** The last value of a column, of the rows from..to-1 that were taken in. */
function carryOn(batch: Batch<Schema>, name: string, from: number, to: number, grid: Grid): void {
  const ids = batch.col['instrument'] as Int32Array
  const values = batch.col[name] as Float64Array
  const last = wideColumn(grid, name)
  const { slotOf } = grid
  for (let i = from; i < to; i++) last[slotOf[ids[i]]] = values[i]
}

/** Gives the instrument a line for the session around ts; false when there is none. */
function place(grid: Grid, id: number, ts: number, windows: SessionWindows, clock: { lastBell: number }): boolean {
  const segment = windows.segmentOf[id]
  if (!(ts >= windows.from[segment] && ts < windows.to[segment])) windows.seek(ts, segment)
  if (windows.trading[segment] === 0) return false
  const k = grid.slot(id)
  grid.col.open[k] = windows.from[segment]
  grid.col.bell[k] = windows.to[segment]
  grid.col.vol[k] = 0
  if (windows.to[segment] > clock.lastBell) clock.lastBell = windows.to[segment]
  return true
}

/** Writes out every second before `to`; after the last bell there is nothing left to write, and the grid is cleared. */
function advance(grid: Grid, lines: Lines, clock: { now: number; lastBell: number }, to: number, out: RowBuffer<Second>): void {
  if (!(to > clock.now)) return
  const end = Math.min(to, clock.lastBell)
  for (let second = clock.now; second < end && grid.size > 0; second += SECOND) writeSecond(grid, lines, second, out)
  if (to >= clock.lastBell && grid.size > 0) grid.clear()
  clock.now = to
}

function writeSecond(grid: Grid, lines: Lines, second: number, out: RowBuffer<Second>): void {
  out.reserve(out.n + grid.size)
  if (lines.size !== grid.size) survey(grid, lines)
  if (second < lines.bell) writeTogether(grid, lines, second, out)
  else writeEach(grid, lines.carry, second, out)
}

/** Every line of the grid as columns at once: what all have in common is filled, what lies side by side is copied. */
function writeTogether(grid: Grid, lines: Lines, second: number, out: RowBuffer<Second>): void {
  const { size } = grid
  const { seen } = grid.col
  const { observed, age } = out.col
  const n = out.n
  out.col.ts.fill(second, n, n + size)
  out.col.second.fill((second - lines.open) / SECOND, n, n + size)
  out.col.instrument.set(lines.keys, n)
  out.col.close.set(lines.close, n)
  for (const name of lines.carry) wideColumn(out, name).set(wideColumn(grid, name).subarray(0, size), n)
  out.col.vol.set(lines.vol, n)
  lines.vol.fill(0)
  for (let k = 0; k < size; k++) {
    const seconds = ((second - seen[k]) / SECOND) | 0
    age[n + k] = seconds
    // 1 for 0, else 0: which of them a market sends cannot be foretold, so a branch would cost more.
    observed[n + k] = (seconds - 1) >>> 31
  }
  out.n = n + size
}

/** Line by line, for instruments that opened at different times or of which some have rung. */
function writeEach(grid: Grid, carry: readonly string[], second: number, out: RowBuffer<Second>): void {
  const { open, bell, close, seen, vol } = grid.col
  const to = out.col
  let n = out.n
  for (let k = 0; k < grid.size; k++) {
    if (second >= bell[k]) continue
    const seconds = (second - seen[k]) / SECOND
    to.ts[n] = second
    to.instrument[n] = grid.keys[k]
    to.second[n] = (second - open[k]) / SECOND
    to.close[n] = close[k]
    to.vol[n] = vol[k]
    to.observed[n] = seconds === 0 ? 1 : 0
    to.age[n] = seconds
    vol[k] = 0
    for (const name of carry) wideColumn(out, name)[n] = wideColumn(grid, name)[k]
    n++
  }
  out.n = n
}

/**
 * What the grid's lines have in common, and views of their columns. A cache of the grid, no state: `size` is set to -1
 * when a line is opened, and the next second surveys it again.
 */
interface Lines {
  size: number
  /** When they all opened. */
  open: number
  /** The first bell of them; -Infinity when they did not open together. */
  bell: number
  keys: Int32Array
  close: Float64Array
  vol: Float64Array
  readonly carry: readonly string[]
}

/** A column that `carry` names, of the grid or of the rows out: of neither type's own. */
function wideColumn(of: { readonly col: object }, name: string): Float64Array {
  return (of.col as Readonly<Record<string, Float64Array>>)[name]
}

function survey(grid: Grid, lines: Lines): void {
  const { size } = grid
  const { open, bell, close, vol } = grid.col
  lines.size = size
  lines.open = open[0]
  lines.bell = Infinity
  for (let k = 0; k < size; k++) lines.bell = Math.min(lines.bell, open[k] === open[0] ? bell[k] : -Infinity)
  lines.keys = grid.keys.subarray(0, size)
  lines.close = close.subarray(0, size)
  lines.vol = vol.subarray(0, size)
}
