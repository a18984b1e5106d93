import type { Column, Columns, Schema } from '../../core/batch.ts'
import type { RowBuffer } from '../../core/rowBuffer.ts'

/**
 * An open position; `account` is its underlying's spot.
 *
 * | column | meaning |
 * | --- | --- |
 * | long | 1, or 0 for a short |
 * | fees | of the entry |
 * | stop, target, armed | prices at which they are hit, and from which on the trail is watched; NaN: none |
 * | trail | way back, a fraction of `best` |
 * | last | price of its last row, carried or not |
 * | exit, placed | number of the purpose it is to be ended for, and the second that decided it; -1 while there is none |
 */
export const Position = {
  instrument: 'instrument',
  account: 'instrument',
  position: 'i32',
  anchor: 'time',
  long: 'bool',
  lots: 'i32',
  quantity: 'f64',
  entered: 'time',
  entry: 'f64',
  fees: 'f64',
  stop: 'f64',
  target: 'f64',
  trail: 'f64',
  armed: 'f64',
  until: 'time',
  best: 'f64',
  worst: 'f64',
  last: 'f64',
  exit: 'i32',
  placed: 'time',
} as const
export type Position = typeof Position

export type RowOf<S extends Schema> = { readonly [C in keyof S]: number }

/** For the few rows that trading makes; never a row a tick. */
export function appendRow<S extends Schema>(to: RowBuffer<S>, row: RowOf<S>): void {
  to.reserve(to.n + 1)
  for (const name in to.schema) (to.col[name] as Column)[to.n] = row[name]
  to.n++
}

export function rowAt<S extends Schema>(from: RowBuffer<S>, i: number): RowOf<S> {
  const row: Record<string, number> = {}
  for (const name in from.schema) row[name] = (from.col[name] as Column)[i]
  return row as RowOf<S>
}

/** Takes row i out; those after it move up. */
export function removeRow<S extends Schema>(from: RowBuffer<S>, i: number): void {
  for (const name in from.schema) (from.col[name] as Column).copyWithin(i, i + 1, from.n)
  from.n--
}

/** Prices are decimals held in binary: one that is within a billionth of a level is at it. */
const NEAR = 1e-9

interface Wanted {
  readonly stop: number
  readonly target: number
  readonly trail: number
  readonly trailAfter: number
}

/**
 * Levels of an entry at `entry`, where d is 1 for a long and -1 for a short:
 *
 *     stop    entry * (1 - d * stop)        hit when d * price <= d * level
 *     target  entry * (1 + d * target)      hit when d * price >= d * level
 *     armed   entry * (1 + d * trailAfter)  from when on d * best >= d * level
 */
export function levelsOf(entry: number, long: boolean, { stop, target, trail, trailAfter }: Wanted): { stop: number; target: number; armed: number } {
  const d = long ? 1 : -1
  const near = d * NEAR * entry
  const after = Number.isNaN(trailAfter) ? 0 : trailAfter
  return {
    stop: entry * (1 - d * stop) + near,
    target: entry * (1 + d * target) - near,
    armed: Number.isNaN(trail) ? NaN : entry * (1 + d * after) - near,
  }
}

/** Whether the price gave back `trail` of the best one: d * price <= d * best * (1 - d * trail). */
export function isTrailed(price: number, k: number, { long, trail, armed, best }: Columns<Position>): boolean {
  if (long[k] === 1) return best[k] >= armed[k] && price <= best[k] * (1 - trail[k] + NEAR)
  return best[k] <= armed[k] && price >= best[k] * (1 + trail[k] - NEAR)
}
