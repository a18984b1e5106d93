import type { OperatorFunction } from 'rxjs'
import type { Batch } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import { nameOf, type OptionType } from '../core/instruments.ts'
import type { OptionMarket } from '../core/optionMarket.ts'
import type { RowBuffer } from '../core/rowBuffer.ts'
import { Spots } from '../core/spots.ts'
import type { Counter, Step } from '../core/step.ts'
import { f64, type Table } from '../core/table.ts'
import { dayOf, SECOND, startOfDay } from '../core/time.ts'
import type { Spot } from './spotGrid.ts'

/**
 * A contract picked at an anchor.
 *
 * | column | meaning |
 * | --- | --- |
 * | ts, anchor | the second at whose end it is known that it is picked; the anchor itself |
 * | until | the next anchor of the day, or the day's end |
 * | distance | strikes above the money, below it negative |
 * | spot | what the strike was rounded from |
 */
export const StrikePick = {
  ts: 'time',
  instrument: 'instrument',
  anchor: 'time',
  until: 'time',
  distance: 'i32',
  strike: 'f64',
  spot: 'f64',
} as const
export type StrikePick = typeof StrikePick

export interface AtmStrikesOptions {
  readonly market: OptionMarket
  /** Microseconds after local midnight, rising. */
  readonly anchors: readonly number[]
  /** n: strikes on either side of the money. */
  readonly width: number
  readonly series: 'nearest' | 'weekly' | 'monthly'
  readonly types: readonly OptionType[]
  /** A spot observed more seconds before the anchor than this is refused. */
  readonly maxAge: number
}

/** Of a spot on the current day: its last price, the second it was observed in, and how many of the anchors are decided. */
const fields = { price: f64(NaN), seen: f64(-Infinity) }
type SpotRow = { readonly ts: 'time'; readonly instrument: 'instrument' } & Spot

/**
 * Picks the strikes around the money, at each anchor, from the spot known then.
 *
 *     strike = round(spot / step) * step + d * step     d = -n .. n, half a step rounds up
 *
 * The spot is that of the second [anchor, anchor + 1 s) or, where the index had no tick in it, the last before, if it
 * is not older than maxAge. An anchor is decided when the watermark or a row has passed its second, so no later price
 * can take part, and nothing that waits for a pick has it before. Expiry, step and names are the market's as known on
 * the day.
 *
 * Takes spotGrid's rows, in the order of ts; looks at those of spots only. Rows out: anchor by anchor; at each the
 * underlyings in the order in which they appeared that day; of each the strikes from the lowest, calls first. Counted,
 * once an anchor and underlying: stale, no_spot (its first tick came after the anchor), no_expiry, unknown (the market
 * has no such underlying). State: a price a spot, and how far the day's anchors are decided.
 */
export function atmStrikes<S extends SpotRow>(step: Step, options: AtmStrikesOptions): OperatorFunction<Batch<S>, Batch<StrikePick>> {
  check(step, options)
  const known = step.table('known', { version: 1, fields })
  const clock = step.cells('clock', { version: 1, cells: { day: NaN, next: Infinity, decided: 0 } })
  const out = step.scratch(StrikePick)
  const spots = new Spots(step.instruments)
  const picking = new Picking(step, options, known, out)
  const { anchors, market } = options

  const decideBefore = (ts: number): void => {
    while (ts > clock.next) {
      picking.at(clock.day, clock.decided)
      clock.decided++
      clock.next = clock.decided < anchors.length ? startOfDay(clock.day, market.calendar.zone) + anchors[clock.decided] : Infinity
    }
  }

  return step.map<S, StrikePick>((batch) => {
    spots.cover()
    known.cover()
    out.clear()
    const { ts, instrument, spot, spotAge } = batch.col as unknown as Batch<SpotRow>['col']
    for (let i = 0; i < batch.n; i++) {
      if (ts[i] > clock.next) decideBefore(ts[i])
      if (spots.of[instrument[i]] !== instrument[i]) continue
      const day = dayOf(ts[i], market.calendar.zone)
      if (day !== clock.day) {
        known.clear()
        clock.day = day
        clock.decided = 0
        clock.next = startOfDay(day, market.calendar.zone) + anchors[0]
      }
      decideBefore(ts[i])
      const k = known.slotOf[instrument[i]] < 0 ? picking.open(instrument[i], clock.decided) : known.slotOf[instrument[i]]
      known.col.price[k] = spot[i]
      known.col.seen[k] = ts[i] - spotAge[i] * SECOND
    }
    decideBefore(batch.watermark)
    return out.view(batch.watermark)
  })
}

function check(step: Step, { anchors, width }: AtmStrikesOptions): void {
  const rising = anchors.every((at, i) => at >= 0 && at % SECOND === 0 && (i === 0 || at > anchors[i - 1]))
  const fault = anchors.length === 0 || !rising ? 'anchors are whole seconds of a day that rise' : !(width >= 0) ? 'width is 0 or more' : undefined
  if (fault !== undefined) throw new TickloomError('PARAMETER_INVALID', `${step.id}: ${fault}`, { step: step.id })
}

/** Decides one anchor after the other. */
class Picking {
  readonly #step: Step
  readonly #options: AtmStrikesOptions
  readonly #known: Table<typeof fields>
  readonly #out: RowBuffer<StrikePick>
  readonly #refused: Readonly<Record<'stale' | 'no_spot' | 'no_expiry' | 'unknown', Counter>>

  constructor(step: Step, options: AtmStrikesOptions, known: Table<typeof fields>, out: RowBuffer<StrikePick>) {
    this.#step = step
    this.#options = options
    this.#known = known
    this.#out = out
    const counted = (reason: string): Counter => step.counter(reason)
    this.#refused = { stale: counted('stale'), no_spot: counted('no_spot'), no_expiry: counted('no_expiry'), unknown: counted('unknown') }
  }

  /** The slot of a spot that has its first row of the day, after so many anchors. */
  open(spot: number, anchors: number): number {
    this.#refused.no_spot.add(anchors)
    return this.#known.slot(spot)
  }

  at(day: number, index: number): void {
    const { anchors, market, maxAge } = this.#options
    const midnight = startOfDay(day, market.calendar.zone)
    const anchor = midnight + anchors[index]
    const until = index + 1 < anchors.length ? midnight + anchors[index + 1] : startOfDay(day + 1, market.calendar.zone)
    const { price, seen } = this.#known.col
    for (let k = 0; k < this.#known.size; k++) {
      if ((anchor - seen[k]) / SECOND > maxAge) this.#refused.stale.add(1)
      else this.#pick(this.#step.instruments.name(this.#known.keys[k]), day, anchor, until, price[k])
    }
  }

  #pick(underlying: string, day: number, anchor: number, until: number, spot: number): void {
    const { market, width, series, types } = this.#options
    const step = stepOf(market, underlying)
    const expiry = step === undefined ? undefined : market.expiry(underlying, day, series)
    if (step === undefined || expiry === undefined) {
      this.#refused[step === undefined ? 'unknown' : 'no_expiry'].add(1)
      return
    }
    const nearest = Math.round(spot / step)
    for (let distance = -width; distance <= width; distance++) {
      const strike = (nearest + distance) * step
      if (!(strike > 0 && strike < Infinity)) continue
      for (const type of types) {
        const instrument = this.#step.instruments.id(nameOf({ kind: 'option', underlying, expiry, strike, type }))
        this.#write({ ts: anchor, instrument, anchor, until, distance, strike, spot })
      }
    }
  }

  #write(pick: Readonly<Record<keyof StrikePick, number>>): void {
    this.#out.reserve(this.#out.n + 1)
    const n = this.#out.n++
    for (const name of Object.keys(StrikePick) as (keyof StrikePick)[]) this.#out.col[name][n] = pick[name]
  }
}

/** The distance of strikes; undefined of what the market does not know, such as the spot of something without options. */
function stepOf(market: OptionMarket, underlying: string): number | undefined {
  try {
    return market.strikeStep(underlying)
  } catch (thrown) {
    if (thrown instanceof TickloomError && thrown.code === 'INSTRUMENT_INVALID') return undefined
    throw thrown
  }
}
