import type { WatchRule } from '../core/alerts.ts'
import type { Step } from '../core/step.ts'
import { type Field, f64, type Table } from '../core/table.ts'
import { SECOND } from '../core/time.ts'
import { usual } from '../core/watchRules.ts'
import { edgeFields, fired, turned, type Watch, whats } from './watchEdge.ts'

/** Cells of a window. */
const WINDOW = 5

type BurstFields = typeof edgeFields & Record<'last' | 'at' | 'cell' | 'first' | 'traded', Field & { readonly kind: 'f64' }>

/**
 * What traded over the last window, against what usually trades over one; from cumulative volume.
 *
 *     cells             windows are looked at in fifths; the newest of them is still filling
 *     burst             volume of the newest 5 cells
 *     usual             volume of the cells before them that make up `baseline` seconds, for 5 of them
 *     true              burst >= floor and burst > multiplier * usual; not before all these cells were watched whole
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
  readonly #cells: number
  readonly #table: Table<BurstFields>

  constructor(step: Step, { name, burst = 1, window = 1, baseline = usual.baseline, floor = usual.floor }: WatchRule) {
    this.#multiplier = burst
    this.#floor = floor
    this.#length = Math.max(1, Math.floor((window * SECOND) / WINDOW))
    this.#cells = WINDOW + Math.round((baseline * SECOND) / this.#length)
    const fields = { ...edgeFields, last: f64(NaN), at: f64(NaN), cell: f64(NaN), first: f64(NaN), traded: f64(0, this.#cells) }
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
    // The first cell was watched in part.
    if (cell - col.first[k] < this.#cells) return false
    this.#sum(k, cell)
    return turned(col, k, this.value >= this.#floor && this.value > this.bound ? 1 : 0)
  }

  fire(id: number, ts: number, cooldown: number): boolean {
    return fired(this.#table, id, ts, cooldown)
  }

  #advance(k: number, cell: number): void {
    const { stride, col } = this.#table
    const cells = this.#cells
    for (let c = Math.max(col.cell[k] + 1, cell - cells + 1); c <= cell; c++) col.traded[place(c, cells) * stride + k] = 0
    col.cell[k] = cell
  }

  #add(k: number, cell: number, delta: number): void {
    this.#table.col.traded[place(cell, this.#cells) * this.#table.stride + k] += delta
  }

  #sum(k: number, cell: number): void {
    const { stride, col } = this.#table
    const cells = this.#cells
    let burst = 0
    let before = 0
    for (let c = 0; c < cells; c++) {
      const traded = col.traded[place(cell - c, cells) * stride + k]
      if (c < WINDOW) burst += traded
      else before += traded
    }
    this.value = burst
    this.reference = (before * WINDOW) / (cells - WINDOW)
    this.bound = this.#multiplier * this.reference
  }
}

/** Where a cell's number is kept; times before 1970 have cells too. */
function place(cell: number, cells: number): number {
  return ((cell % cells) + cells) % cells
}
