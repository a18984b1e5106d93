import type { Batch } from './batch.ts'
import type { Fields, Table } from './table.ts'

/** What rows of seconds have in common: perSecond's, and those of every step that adds to them. */
type OfSecond = { readonly ts: 'time'; readonly instrument: 'instrument'; readonly second: 'i32' }

/**
 * How many rows from `from` on are of its second and, one after the other, of the instruments in slots 0, 1, 2 ... of
 * the table; 0 when the first is not. Their state can be walked beside the rows, without looking up a slot for each.
 *
 * Takes rows in the order of ts. On a dense grid it is the whole second; what comes after is for a slower way.
 */
export function abreast(batch: Batch<OfSecond>, from: number, { keys, size }: Table<Fields>): number {
  const { ts, instrument, second } = batch.col
  const s = second[from]
  const t = ts[from]
  const most = Math.min(size, batch.n - from)
  let rows = 0
  while (rows < most && instrument[from + rows] === keys[rows] && second[from + rows] === s) rows++
  while (rows > 0 && ts[from + rows - 1] !== t) rows--
  return rows
}
