import type { OperatorFunction } from 'rxjs'
import { type Batch, type Columns, type Schema, withColumns } from '../core/batch.ts'
import type { Second } from '../core/market.ts'
import { Spots } from '../core/spots.ts'
import type { Step } from '../core/step.ts'
import { f64, type Table } from '../core/table.ts'
import { isNewDay, SECOND } from '../core/time.ts'

/** The price of the row's underlying as of its second, and how many seconds ago it was observed; NaN before the day's first. */
export const Spot = { spot: 'f64', spotAge: 'f64' } as const
export type Spot = typeof Spot

type SecondRow = Pick<Second, 'ts' | 'instrument' | 'second' | 'close' | 'age'>

/** Of a day: the last price of a spot, and the second in which it was observed. */
const fields = { price: f64(NaN), seen: f64(-Infinity) }
type Grid = Table<typeof fields>

/**
 * Puts beside every second the spot of its underlying: one grid a day, which all that reads the rows shares.
 *
 *     rows    :00 CE 90   :00 NIFTY 24010   :01 NIFTY 24010 age 1   :01 CE 91   :02 CE 92 (the index has closed)
 *     spot        24010             24010                   24010         24010       24010
 *     age             0                 0                       1             1           2
 *
 * spot(s) = close of the spot's row of second s, wherever in the second it stands; where there is none, that of the
 * last one of the day, grown older. Never one of a later second, and never one of yesterday.
 *
 * Takes perSecond's rows, in the order of ts. Rows: one out per row in, in order. A row whose second may not be whole,
 * because the watermark has not passed it and no later row came, is held until it is. State: a price a spot, and the
 * rows held.
 */
export function spotGrid<S extends SecondRow>(step: Step, { schema }: { readonly schema: S }): OperatorFunction<Batch<S>, Batch<S & Spot>> {
  const grid: Grid = step.table('grid', { version: 1, fields })
  const held = step.rows('held', { version: 1, schema })
  const day = step.cells('day', { version: 1, cells: { open: -Infinity } })
  const added = step.scratch(Spot)
  const out = step.scratch<S & Spot>({ ...schema, ...Spot })
  const spots = new Spots(step.instruments)
  const look = (batch: Batch<S>, to: number, into: Columns<Spot>): void => walk(batch as unknown as Batch<SecondRow>, to, grid, day, spots, into)

  return step.map<S, S & Spot>((batch) => {
    spots.cover()
    grid.cover()
    const whole = wholeRows(batch)
    if (held.n === 0 && whole === batch.n) {
      added.reserve(batch.n)
      look(batch, batch.n, added.col)
      return withColumns<S, Spot>(batch, added.col)
    }
    // Seldom: somebody cut a second in two.
    held.append(batch)
    const ready = held.view(batch.watermark)
    const n = wholeRows(ready)
    out.clear()
    out.reserve(n)
    look(ready, n, out.col)
    for (const name in schema) (out.col as Columns<Schema>)[name].set((ready.col as Columns<Schema>)[name].subarray(0, n))
    out.n = n
    held.dropFirst(n)
    return out.view(held.n > 0 ? Math.min(batch.watermark, held.col.ts[0]) : batch.watermark)
  })
}

/** How many of the first rows are of seconds that are whole. */
function wholeRows({ n, watermark, col: { ts } }: Batch<{ readonly ts: 'time' }>): number {
  if (n === 0 || watermark > ts[n - 1]) return n
  let whole = n
  while (whole > 0 && ts[whole - 1] === ts[n - 1]) whole--
  return whole
}

/** Takes the spots of each second of the first `to` rows, then looks up everybody's. */
function walk(rows: Batch<SecondRow>, to: number, grid: Grid, day: { open: number }, spots: Spots, into: Columns<Spot>): void {
  const { ts, second } = rows.col
  for (let i = 0; i < to; ) {
    const opened = ts[i] - second[i] * SECOND
    if (isNewDay(opened, day.open)) {
      grid.clear()
      day.open = opened
    }
    let end = i + 1
    while (end < to && ts[end] === ts[i]) end++
    observe(rows, i, end, grid, spots)
    lookUp(rows, i, end, grid, spots, into)
    i = end
  }
}

function observe({ col: { ts, instrument, close, age } }: Batch<SecondRow>, from: number, to: number, grid: Grid, { of }: Spots): void {
  for (let i = from; i < to; i++) {
    if (of[instrument[i]] !== instrument[i]) continue
    const k = grid.slot(instrument[i])
    grid.col.price[k] = close[i]
    grid.col.seen[k] = ts[i] - age[i] * SECOND
  }
}

/** Rows from..to-1 are of one second, and mostly of one underlying after the other. */
function lookUp({ col: { ts, instrument } }: Batch<SecondRow>, from: number, to: number, grid: Grid, { of }: Spots, into: Columns<Spot>): void {
  const { slotOf } = grid
  const { price, seen } = grid.col
  const { spot, spotAge } = into
  let found = -1
  let value = NaN
  let age = NaN
  for (let i = from; i < to; i++) {
    const id = of[instrument[i]]
    if (id !== found) {
      found = id
      const k = slotOf[id]
      value = k < 0 ? NaN : price[k]
      age = k < 0 ? NaN : (ts[i] - seen[k]) / SECOND
    }
    spot[i] = value
    spotAge[i] = age
  }
}
