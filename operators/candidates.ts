import type { Observable } from 'rxjs'
import type { Batch, Columns, Schema } from '../core/batch.ts'
import { takeRows } from '../core/batch.ts'
import { Spots } from '../core/spots.ts'
import type { Branches, Step } from '../core/step.ts'
import { f64, i32, type Table } from '../core/table.ts'
import { isNewDay, SECOND } from '../core/time.ts'
import { StrikePick } from './atmStrikes.ts'

/**
 * What a row has of the pick it belongs to: the contract's latest; a spot has the latest anchor at which anything of it
 * was picked, distance 0. NaN before the first.
 *
 * | column | meaning |
 * | --- | --- |
 * | until | the next anchor of the day, or the day's end |
 * | active | anchor <= ts < until: the contract may be entered; never of a spot |
 */
export const Candidate = { anchor: 'time', until: 'time', distance: 'i32', anchorSpot: 'f64', active: 'bool' } as const
export type Candidate = typeof Candidate

type SecondRow = { readonly ts: 'time'; readonly instrument: 'instrument'; readonly second: 'i32' }

const fields = { anchor: f64(NaN), until: f64(NaN), distance: i32(0), spot: f64(NaN), contract: i32(0) }
type Picked = Table<typeof fields>

/**
 * Keeps of all rows those of picked contracts, each from its first pick to the end of the day, and those of spots.
 *
 *     pick       10:00 24000 CE (until 11:00)                11:00 24100 CE
 *     24000 CE   10:00 active ... 10:59:59 active   11:00 ... not active, still there: a position may be open
 *
 * A row of the anchor's own second counts as picked. Nothing is kept of a contract before its anchor.
 *
 * Takes rows of whole seconds and the picks, each in the order of ts. Rows: at most one out per row in, in order. State:
 * a pick an instrument, of one day; the rows of the stream that is ahead.
 */
export function candidates<S extends SecondRow>(
  step: Step,
  { schema }: { readonly schema: S },
): (sources: Branches<{ rows: S; picks: StrikePick }>) => Observable<Batch<S & Candidate>> {
  const picked: Picked = step.table('picked', { version: 1, fields })
  const day = step.cells('day', { version: 1, cells: { open: -Infinity } })
  const index = step.scratch({ row: 'i32' })
  const out = step.scratch<S & Candidate>({ ...schema, ...Candidate })
  const spots = new Spots(step.instruments)

  const join = step.join<{ rows: S; picks: StrikePick }, { out: S & Candidate }>({ rows: schema, picks: StrikePick }, ['out'], ({ rows, picks }) => {
    spots.cover()
    picked.cover()
    index.clear()
    index.reserve(rows.n)
    out.reserve(rows.n)
    const seconds = rows as unknown as Batch<SecondRow>
    const n = choose(seconds, picks, picked, day, spots, index.col.row, out.col)
    const copied = Object.fromEntries(Object.keys(schema).map((name) => [name, (out.col as Columns<Schema>)[name]]))
    takeRows(rows, index.col.row, n, copied as unknown as Columns<S>)
    return { out: { ...out.first(n, rows.watermark), inOrder: rows.inOrder } }
  })
  return (sources) => join(sources).out
}

/** Writes which rows are kept, and what they have of their picks; returns how many. */
function choose(
  rows: Batch<SecondRow>,
  picks: Batch<StrikePick>,
  picked: Picked,
  day: { open: number },
  spots: Spots,
  index: Int32Array,
  out: Columns<Candidate>,
): number {
  const { ts, instrument, second } = rows.col
  let n = 0
  let next = 0
  for (let i = 0; i < rows.n; i++) {
    const opened = ts[i] - second[i] * SECOND
    if (isNewDay(opened, day.open)) {
      // Picks of the day before whose second has no row are of no use any more.
      while (next < picks.n && picks.col.ts[next] < opened) next++
      picked.clear()
      picked.cover()
      day.open = opened
    }
    while (next < picks.n && picks.col.ts[next] <= ts[i]) take(picks, next++, picked, spots)
    const id = instrument[i]
    const k = picked.slotOf[id]
    if (k < 0 && spots.of[id] !== id) continue
    index[n] = i
    write(ts[i], k, picked, out, n++)
  }
  while (next < picks.n) take(picks, next++, picked, spots)
  return n
}

/** A pick, for its contract and for the spot it is of. */
function take({ col }: Batch<StrikePick>, i: number, picked: Picked, spots: Spots): void {
  const contract = col.instrument[i]
  for (const id of [contract, spots.of[contract]]) {
    const k = picked.slot(id)
    const to = picked.col
    to.anchor[k] = col.anchor[i]
    to.until[k] = col.until[i]
    to.distance[k] = id === contract ? col.distance[i] : 0
    to.spot[k] = col.spot[i]
    to.contract[k] = id === contract ? 1 : 0
  }
}

function write(ts: number, k: number, picked: Picked, out: Columns<Candidate>, n: number): void {
  const { anchor, until, distance, spot, contract } = picked.col
  out.anchor[n] = k < 0 ? NaN : anchor[k]
  out.until[n] = k < 0 ? NaN : until[k]
  out.distance[n] = k < 0 ? 0 : distance[k]
  out.anchorSpot[n] = k < 0 ? NaN : spot[k]
  out.active[n] = k >= 0 && contract[k] === 1 && ts < until[k] ? 1 : 0
}
