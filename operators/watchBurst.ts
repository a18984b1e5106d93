import type { WatchRule } from '../core/alerts.ts'
import type { Step } from '../core/step.ts'
import { type Field, f64, type Table } from '../core/table.ts'
import { SECOND } from '../core/time.ts'
import { usual } from '../core/watchRules.ts'
import { edgeFields, fired, turned, type Watch, whats } from './watchEdge.ts'

/** Cells of a window. */
const WINDOW = 5

type BurstFields = typeof edgeFields & Record<'last' | 'at' | 'cell' | 'first' | 'traded' | 'windows', Field & { readonly kind: 'f64' }>

/**
 * What traded over the last window, against what usually trades over one; from cumulative volume.
 *
 *     cells             windows, which begin at multiples of their length, are looked at in fifths; the newest is filling
 *     burst             volume of the newest 5 cells
 *     usual             mean volume of the newest windows that make up `baseline` seconds and were over before these cells
 *     true              burst >= floor and burst > multiplier * usual; not before all these windows were watched whole
 *
 * Volume that became less began anew and counts from there. What traded between two rows that are further apart than a
 * window (a gap, a quiet instrument) is in no burst, as nobody knows when it was; it is part of what is usual.
 */
export class BurstWatch implements Watch {
  readonly what = whats.burst
  bound = Number.NaN
  reference = Number.NaN
  value = Number.NaN
  readonly #multiplier: number
  readonly #floor: number
  readonly #length: number
  /** Windows that tell what is usual. */
  readonly #before: number
  /** Windows that are held: two more, one of them filling. */
  readonly #held: number
  readonly #table: Table<BurstFields>

  constructor(step: Step, { name, burst = 1, window = 1, baseline = usual.baseline, floor = usual.floor }: WatchRule) {
    this.#multiplier = burst
    this.#floor = floor
    this.#length = Math.max(1, Math.floor((window * SECOND) / WINDOW))
    this.#before = Math.max(1, Math.round(baseline / window))
    this.#held = this.#before + 2
    const own = { last: f64(NaN), at: f64(NaN), cell: f64(NaN), first: f64(NaN), traded: f64(0, WINDOW), windows: f64(0, this.#held) }
    const fields = { ...edgeFields, ...own }
    this.#table = step.table<BurstFields>(`rule ${name}`, { version: 1, fields })
  }

  look(id: number, ts: number, volume: number): boolean {
    if (!(volume >= 0) || volume === Infinity) return false
    const k = this.#table.slot(id)
    const { col } = this.#table
    const cell = Math.floor(ts / this.#length)
    if (Number.isNaN(col.cell[k])) col.first[k] = col.cell[k] = cell
    this.#advance(k, cell)
    const delta = Math.max(0, volume - col.last[k])
    if (delta > 0) this.#add(k, ts - col.at[k] > WINDOW * this.#length ? cell - WINDOW : cell, delta)
    col.last[k] = volume
    col.at[k] = ts
    // The window before those 5 cells; the first cell ever was watched in part.
    const last = Math.floor((cell - WINDOW + 1) / WINDOW) - 1
    if ((last - this.#before + 1) * WINDOW <= col.first[k]) return false
    this.#sum(k, last)
    return turned(col, k, this.value >= this.#floor && this.value > this.bound ? 1 : 0)
  }

  fire(id: number, ts: number, cooldown: number): boolean {
    return fired(this.#table, id, ts, cooldown)
  }

  #advance(k: number, cell: number): void {
    const { stride, col } = this.#table
    const before = col.cell[k]
    for (let c = Math.max(before + 1, cell - WINDOW + 1); c <= cell; c++) col.traded[place(c, WINDOW) * stride + k] = 0
    const window = Math.floor(cell / WINDOW)
    for (let w = Math.max(Math.floor(before / WINDOW) + 1, window - this.#held + 1); w <= window; w++)
      col.windows[place(w, this.#held) * stride + k] = 0
    col.cell[k] = cell
  }

  /** A cell that is no longer among the newest counts for its window only. */
  #add(k: number, cell: number, delta: number): void {
    const { stride, col } = this.#table
    if (cell > col.cell[k] - WINDOW) col.traded[place(cell, WINDOW) * stride + k] += delta
    col.windows[place(Math.floor(cell / WINDOW), this.#held) * stride + k] += delta
  }

  #sum(k: number, last: number): void {
    const { stride, col } = this.#table
    let burst = 0
    for (let c = 0; c < WINDOW; c++) burst += col.traded[c * stride + k]
    let before = 0
    for (let w = last; w > last - this.#before; w--) before += col.windows[place(w, this.#held) * stride + k]
    this.value = burst
    this.reference = before / this.#before
    this.bound = this.#multiplier * this.reference
  }
}

/** Where the number of a cell or window is kept; times before 1970 have them too. */
function place(index: number, held: number): number {
  return ((index % held) + held) % held
}
