import type { Observable } from 'rxjs'
import type { Batch } from '../core/batch.ts'
import type { Calendar } from '../core/calendar.ts'
import type { Instruments } from '../core/instruments.ts'
import type { RowBuffer } from '../core/rowBuffer.ts'
import { Spots } from '../core/spots.ts'
import type { Branches, Counter, Step } from '../core/step.ts'
import { f64, i32, type Table } from '../core/table.ts'
import { SECOND } from '../core/time.ts'
import { Bells } from './broker/bells.ts'
import { Signal } from './signal.ts'

/** What `entries` must know of a candidate's second. */
export const Watched = {
  ts: 'time',
  instrument: 'instrument',
  age: 'i32',
  spot: 'f64',
  anchor: 'time',
  distance: 'i32',
  anchorSpot: 'f64',
  active: 'bool',
  trend: 'f64',
  anchorPrice: 'f64',
} as const
export type Watched = typeof Watched

/** An edge of a candidate that passed every filter. `rank`: among those of its second and underlying, 1 is the best. */
export const Wanted = {
  ...Signal,
  anchor: 'time',
  distance: 'i32',
  spot: 'f64',
  trend: 'f64',
  anchorPrice: 'f64',
  rank: 'i32',
  taken: 'bool',
} as const
export type Wanted = typeof Wanted

export interface EntriesOptions {
  readonly side: 'buy' | 'sell'
  /** `with`: the position gains if the spot goes on as it went since the anchor; `against`: if it turns back. */
  readonly trend: 'with' | 'against' | 'off'
  /** Points that the spot must have gone, that way. */
  readonly leastMove: number
  /** The least price at the anchor; 0: any, and none. */
  readonly leastPremium: number
  /** A price older than so many seconds is no price to decide on. */
  readonly maxAge: number
  /** Positions an anchor and underlying. */
  readonly perAnchor: number
  readonly calendar: Calendar
  /** Seconds before the bell from when on nothing is entered: what would be filled then is passed over. */
  readonly squareOff: number
}

const fields = { anchor: f64(NaN), taken: i32(0) }
const reasons = ['stale', 'too_late', 'trend', 'premium', 'anchor_full'] as const
type Refused = Readonly<Record<(typeof reasons)[number], Counter>>

/**
 * Which bursts are entered: those of active candidates that pass the filters, best first, so many an anchor.
 *
 *     view  = +1 where the position gains by a rising spot (a call bought, a put sold), else -1
 *     with    view * trend > 0, and at least leastMove        against   -view * trend likewise
 *     best    the highest ratio; then the least |distance|; calls before puts; the lower strike
 *
 * `wanted` has all that pass, with their rank; `taken` those of them that are entered: the best while the anchor of
 * that underlying has room. Both are known at the end of their second.
 *
 * Takes rows of candidates with their trend and entryPrice, and signal's rows of the same instruments and of any others,
 * each in the order of ts. Counted: edges of active candidates that are passed over, by the first filter that they
 * fail. State: how many were taken at the anchor, an underlying; the rows of the stream that is ahead.
 */
export function entries<S extends Watched>(
  step: Step,
  options: EntriesOptions,
): (sources: Branches<{ watched: S; edges: Signal }>) => Branches<{ wanted: Wanted; taken: Wanted }> {
  const anchors = step.table('anchors', { version: 1, fields })
  const refused = Object.fromEntries(reasons.map((reason) => [reason, step.counter(reason)])) as unknown as Refused
  const wanted = step.scratch(Wanted)
  const taken = step.scratch(Wanted)
  const spots = new Spots(step.instruments)
  const filters = new Filters(options, step.instruments, refused)

  const join = step.join<{ watched: Watched; edges: Signal }, { wanted: Wanted; taken: Wanted }>(
    { watched: Watched, edges: Signal },
    ['wanted', 'taken'],
    ({ watched, edges }) => {
      spots.cover()
      wanted.clear()
      taken.clear()
      let w = 0
      for (let e = 0; e < edges.n; ) {
        const ts = edges.col.ts[e]
        while (w < watched.n && watched.col.ts[w] < ts) w++
        const found: Entry[] = []
        for (; e < edges.n && edges.col.ts[e] === ts; e++) {
          const row = rowOf(watched, w, ts, edges.col.instrument[e])
          if (row >= 0 && watched.col.active[row] === 1 && filters.pass(watched, row)) found.push({ edge: e, row })
        }
        if (found.length > 1) found.sort((a, b) => filters.compare(watched, edges, a, b))
        for (const [i, entry] of found.entries()) {
          const spot = spots.of[edges.col.instrument[entry.edge]]
          const rank = 1 + found.slice(0, i).filter((other) => spots.of[edges.col.instrument[other.edge]] === spot).length
          const room = takes(anchors, spot, watched.col.anchor[entry.row], options.perAnchor)
          if (!room) refused.anchor_full.add(1)
          write(watched, edges, entry, rank, room, wanted)
          if (room) write(watched, edges, entry, rank, room, taken)
        }
      }
      return { wanted: wanted.view(watched.watermark), taken: taken.view(watched.watermark) }
    },
  )
  return ({ watched, edges }) => join({ watched: watched as unknown as Observable<Batch<Watched>>, edges })
}

/** An edge, and the candidate's row of the same second. */
interface Entry {
  readonly edge: number
  readonly row: number
}

function rowOf({ n, col }: Batch<Watched>, from: number, ts: number, instrument: number): number {
  for (let i = from; i < n && col.ts[i] === ts; i++) if (col.instrument[i] === instrument) return i
  return -1
}

class Filters {
  readonly #options: EntriesOptions
  readonly #instruments: Instruments
  readonly #refused: Refused
  readonly #bells: Bells

  constructor(options: EntriesOptions, instruments: Instruments, refused: Refused) {
    this.#options = options
    this.#instruments = instruments
    this.#refused = refused
    this.#bells = new Bells(options.calendar)
  }

  pass({ col }: Batch<Watched>, i: number): boolean {
    const { maxAge, leastPremium } = this.#options
    if (!(col.age[i] <= maxAge)) return this.#no('stale')
    if (this.#isTooLate(col.ts[i], col.instrument[i])) return this.#no('too_late')
    if (!this.#agrees(col.trend[i], col.instrument[i])) return this.#no('trend')
    return leastPremium === 0 || col.anchorPrice[i] >= leastPremium || this.#no('premium')
  }

  /** Below 0 where a is the better one. */
  compare(watched: Batch<Watched>, edges: Batch<Signal>, a: Entry, b: Entry): number {
    const { ratio, instrument } = edges.col
    if (ratio[a.edge] !== ratio[b.edge]) return ratio[a.edge] > ratio[b.edge] ? -1 : 1
    const { distance } = watched.col
    const nearer = Math.abs(distance[a.row]) - Math.abs(distance[b.row])
    const later = this.#isPut(instrument[a.edge]) - this.#isPut(instrument[b.edge])
    if (nearer !== 0 || later !== 0) return nearer !== 0 ? nearer : later
    if (distance[a.row] !== distance[b.row]) return distance[a.row] - distance[b.row]
    return this.#instruments.name(instrument[a.edge]) < this.#instruments.name(instrument[b.edge]) ? -1 : 1
  }

  /** A fill comes a second after its decision at the earliest. */
  #isTooLate(ts: number, id: number): boolean {
    const bells = this.#bells
    const bell = bells.of(bells.dayOf(ts), bells.calendar.segmentOf(this.#instruments.contract(id)))
    return ts + SECOND >= bell - this.#options.squareOff * SECOND
  }

  #agrees(trend: number, instrument: number): boolean {
    const { trend: wanted, side, leastMove } = this.#options
    if (wanted === 'off') return true
    const view = (this.#isPut(instrument) === 1 ? -1 : 1) * (side === 'buy' ? 1 : -1)
    const move = (wanted === 'with' ? view : -view) * trend
    return move > 0 && move >= leastMove
  }

  #isPut(id: number): number {
    const contract = this.#instruments.contract(id)
    return contract.kind === 'option' && contract.type === 'PE' ? 1 : 0
  }

  #no(reason: keyof Refused): false {
    this.#refused[reason].add(1)
    return false
  }
}

/** Whether the anchor has room for one more, which then has it. */
function takes(anchors: Table<typeof fields>, spot: number, anchor: number, most: number): boolean {
  const k = anchors.slot(spot)
  const { col } = anchors
  if (col.anchor[k] !== anchor) {
    col.anchor[k] = anchor
    col.taken[k] = 0
  }
  if (col.taken[k] >= most) return false
  col.taken[k]++
  return true
}

function write(watched: Batch<Watched>, edges: Batch<Signal>, { edge, row }: Entry, rank: number, room: boolean, out: RowBuffer<Wanted>): void {
  out.reserve(out.n + 1)
  const n = out.n++
  for (const name of Object.keys(Signal) as (keyof Signal)[]) out.col[name][n] = edges.col[name][edge]
  for (const name of ['anchor', 'distance', 'spot', 'trend', 'anchorPrice'] as const) out.col[name][n] = watched.col[name][row]
  out.col.rank[n] = rank
  out.col.taken[n] = room ? 1 : 0
}
