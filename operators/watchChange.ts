import type { WatchRule } from '../core/alerts.ts'
import type { Step } from '../core/step.ts'
import { f64, type Table } from '../core/table.ts'
import { SECOND } from '../core/time.ts'
import { sizeOf } from '../core/watchRules.ts'
import { edgeFields, fired, turned, type Watch, whats } from './watchEdge.ts'

/** The stretch is looked at in so many cells, the oldest of which is left out as a whole. */
const CELLS = 20
const fields = { ...edgeFields, cell: f64(-Infinity), low: f64(NaN, CELLS), high: f64(NaN, CELLS) } as const

/**
 * How far a value is from the lowest, or highest, of the last `within` seconds:
 *
 *     rise 5%     value >= low * 1.05       low of at least 19/20 of the stretch, and of no more than it
 *     rise 120    value >= low + 120
 *     fall        the same from the highest, downwards
 *     change      either of the two; where both are true, the one that has gone further. One after the other is an alert
 *
 * Of parts, values that are not above 0 are as good as missing.
 */
export class ChangeWatch implements Watch {
  what = whats.rise
  bound = Number.NaN
  reference = Number.NaN
  value = Number.NaN
  readonly #size: number
  readonly #relative: boolean
  readonly #rises: boolean
  readonly #falls: boolean
  readonly #length: number
  readonly #table: Table<typeof fields>

  constructor(step: Step, { name, rise, fall, change, within = 0 }: WatchRule) {
    const { size, relative } = sizeOf((rise ?? fall ?? change) as number | string)
    this.#size = size
    this.#relative = relative
    this.#rises = fall === undefined
    this.#falls = rise === undefined
    this.#length = Math.max(1, Math.floor((within * SECOND) / CELLS))
    this.#table = step.table(`rule ${name}`, { version: 1, fields })
  }

  look(id: number, ts: number, value: number): boolean {
    if (!Number.isFinite(value) || (this.#relative && value <= 0)) return false
    const k = this.#table.slot(id)
    this.#advance(k, Math.floor(ts / this.#length))
    this.value = value
    this.#note(k, value)
    const low = this.#lowest(k)
    const high = this.#highest(k)
    const up = this.#relative ? low * (1 + this.#size) : low + this.#size
    const down = this.#relative ? high * (1 - this.#size) : high - this.#size
    const rises = this.#rises && value >= up
    const falls = this.#falls && value <= down
    // It is itself among the lowest and highest, so a change of 0 is none.
    const further = rises && falls ? value - low >= high - value : rises
    if (rises || falls) this.#say(further ? whats.rise : whats.fall, further ? up : down, further ? low : high)
    return turned(this.#table.col, k, rises || falls ? this.what + 1 : 0)
  }

  fire(id: number, ts: number, cooldown: number): boolean {
    return fired(this.#table, id, ts, cooldown)
  }

  #say(what: number, bound: number, reference: number): void {
    this.what = what
    this.bound = bound
    this.reference = reference
  }

  /** Empties the cells between the one of the row before and that of this one. */
  #advance(k: number, cell: number): void {
    const { stride, col } = this.#table
    const from = Math.max(col.cell[k] + 1, cell - CELLS + 1)
    for (let c = from; c <= cell; c++) {
      const j = (((c % CELLS) + CELLS) % CELLS) * stride + k
      col.low[j] = col.high[j] = Number.NaN
    }
    col.cell[k] = cell
  }

  #note(k: number, value: number): void {
    const { stride, col } = this.#table
    const j = (((col.cell[k] % CELLS) + CELLS) % CELLS) * stride + k
    if (!(value >= col.low[j])) col.low[j] = value
    if (!(value <= col.high[j])) col.high[j] = value
  }

  #lowest(k: number): number {
    const { stride, col } = this.#table
    let low = Infinity
    for (let j = k, c = 0; c < CELLS; c++, j += stride) if (col.low[j] < low) low = col.low[j]
    return low
  }

  #highest(k: number): number {
    const { stride, col } = this.#table
    let high = -Infinity
    for (let j = k, c = 0; c < CELLS; c++, j += stride) if (col.high[j] > high) high = col.high[j]
    return high
  }
}
