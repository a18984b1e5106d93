import { allocateColumns, type Batch, type Schema, takeRows } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'

/**
 * The rows in the order of the table's key: instruments by name, each one's rows as they came, which is in time order.
 * The engine sees that an insert is in order already and leaves out its sort; counting costs a fraction of comparing.
 */
export function inTableOrder<S extends Schema>(batch: Batch<S>, schema: S, instruments: Instruments): Batch<S> {
  const key = Object.keys(schema).find((name) => schema[name] === 'instrument')
  if (key === undefined) return batch
  const ids = batch.col[key] as Int32Array
  const places = placesByName(ids, batch.n, instruments)
  const index = new Int32Array(batch.n)
  for (let i = 0; i < batch.n; i++) index[places[ids[i]]++] = i
  return takeRows(batch, index, batch.n, allocateColumns(schema, batch.n))
}

/** Where the first row of each instrument goes. */
function placesByName(ids: Int32Array, n: number, instruments: Instruments): Int32Array {
  const counts = new Int32Array(instruments.size)
  for (let i = 0; i < n; i++) counts[ids[i]]++
  const present: number[] = []
  for (let id = 0; id < counts.length; id++) if (counts[id] > 0) present.push(id)
  present.sort((a, b) => (instruments.name(a) < instruments.name(b) ? -1 : 1))
  let place = 0
  for (const id of present) {
    const rows = counts[id]
    counts[id] = place
    place += rows
  }
  return counts
}
