import type { WatchRule } from '../core/alerts.ts'
import type { Step } from '../core/step.ts'
import type { Table } from '../core/table.ts'
import { edgeFields, fired, turned, type Watch, whats } from './watchEdge.ts'

/**
 * A level, with room to come back (above; below is the mirror image):
 *
 *     true    from value > above on
 *     until   value <= rearm          by default the level itself
 */
export class LevelWatch implements Watch {
  readonly what: number
  readonly bound: number
  readonly reference = Number.NaN
  value = Number.NaN
  readonly #rearm: number
  /** 1 above, -1 below: times this, below is above. */
  readonly #side: 1 | -1
  readonly #edges: Table<typeof edgeFields>

  constructor(step: Step, { name, above, below, rearm }: WatchRule) {
    this.what = above === undefined ? whats.below : whats.above
    this.#side = above === undefined ? -1 : 1
    this.bound = (above ?? below) as number
    this.#rearm = rearm ?? this.bound
    this.#edges = step.table(`rule ${name}`, { version: 1, fields: edgeFields })
  }

  look(id: number, _ts: number, value: number): boolean {
    if (Number.isNaN(value)) return false
    const k = this.#edges.slot(id)
    const { on } = this.#edges.col
    this.value = value
    const side = this.#side
    const level = on[k] === 0 ? this.bound : this.#rearm
    return turned(this.#edges.col, k, value * side > level * side ? 1 : 0)
  }

  fire(id: number, ts: number, cooldown: number): boolean {
    return fired(this.#edges, id, ts, cooldown)
  }
}
