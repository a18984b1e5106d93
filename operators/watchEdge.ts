import { Alert } from '../core/alerts.ts'
import { wordsOf } from '../core/batch.ts'
import type { Fields, Table } from '../core/table.ts'
import { f64, i32 } from '../core/table.ts'

/** Looks at one rule's rows, one after the other; after `look` the fields say what it found. */
export interface Watch {
  /** Whether the row may raise an alert: its slot's rule came to be true with it. */
  look(id: number, ts: number, value: number): boolean
  /** Remembers that the alert was raised; false while the one before is too near. */
  fire(id: number, ts: number, cooldown: number): boolean
  what: number
  readonly bound: number
  reference: number
  value: number
}

/** Places of the words of `Alert.what`. */
export const whats = Object.fromEntries(wordsOf(Alert.what).map((word, place) => [word, place])) as Record<
  'above' | 'below' | 'rise' | 'fall' | 'burst',
  number
>

/** What every rule keeps of an instrument: whether it is true, and in which way, and when it last raised an alert. */
export const edgeFields = { on: i32(0), fired: f64(-Infinity) } as const
type EdgeFields = typeof edgeFields

/** Brings slot k to `on`, 0 for not true; whether it came to be true with that, or true in another way. */
export function turned(edges: { readonly on: Int32Array }, k: number, on: number): boolean {
  const was = edges.on[k]
  edges.on[k] = on
  return on !== 0 && was !== on
}

/** Remembers an alert of slot k at `ts`, unless the one before is nearer than `cooldown` microseconds. */
export function fired<F extends Fields & EdgeFields>(table: Table<F>, id: number, ts: number, cooldown: number): boolean {
  const k = table.slotOf[id]
  const last = table.col.fired as Float64Array
  if (ts - last[k] < cooldown) return false
  last[k] = ts
  return true
}
