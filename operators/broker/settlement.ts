import type { Contract, OptionType } from '../../core/instruments.ts'
import type { Step } from '../../core/step.ts'
import { f64, type Table } from '../../core/table.ts'
import { MINUTE, startOfDay } from '../../core/time.ts'
import type { Bells } from './bells.ts'
import { asDecimal } from './execution.ts'
import { firstNotBefore, isPrice, type PriceRows } from './priceRows.ts'

/** How long before its bell the seconds of a spot begin that make its closing price. */
const WINDOW = 30 * MINUTE

const fields = { sum: f64(0), seconds: f64(0) }

/** What an option is worth at its expiry, by the closing price of its underlying. */
export function intrinsic(type: OptionType, strike: number, spot: number): number {
  return Math.max(0, asDecimal(type === 'CE' ? spot - strike : strike - spot))
}

/**
 * The closing price of each spot: the mean of its seconds in the last half hour before its own bell, carried ones
 * included. State: a sum and a count a spot, of the day.
 */
export class ClosingPrices {
  readonly #step: Step
  readonly #bells: Bells
  readonly #sums: Table<typeof fields>
  readonly #of: Record<'day', number>
  #spots = new Uint8Array(0)
  #seen = 0
  /** Rows of the batch that were taken in. */
  #at = 0
  /** Of `#windowDay`: from when until when any spot is in its last half hour. A cache of the calendar, no state. */
  #windowDay = NaN
  #from = Infinity
  #to = -Infinity

  constructor(step: Step, bells: Bells) {
    this.#step = step
    this.#bells = bells
    this.#sums = step.table('closing', { version: 1, fields })
    this.#of = step.cells('closing day', { version: 1, cells: { day: NaN } })
  }

  /** Before the first rows of a batch. */
  begin(): void {
    this.#at = 0
  }

  /** Takes in the rows before `to` that it has not yet. */
  advance(rows: PriceRows, to: number): void {
    const times = rows.batch.col.ts
    while (this.#at < to) {
      const day = this.#bells.dayOf(times[this.#at])
      if (day !== this.#windowDay) this.#seekDay(day)
      const midnight = startOfDay(day + 1, this.#bells.calendar.zone)
      const from = firstNotBefore(times, Math.min(this.#from, midnight), this.#at, to)
      const end = firstNotBefore(times, Math.min(this.#to, midnight), from, to)
      if (end > from) this.#take(rows, from, end, day)
      this.#at = firstNotBefore(times, midnight, end, to)
    }
  }

  /** NaN where no second of the spot came in its last half hour of that day. */
  of(spot: number, day: number): number {
    this.#sums.cover()
    const slot = this.#of.day === day ? this.#sums.slotOf[spot] : -1
    return slot < 0 ? NaN : this.#sums.col.sum[slot] / this.#sums.col.seconds[slot]
  }

  #take(rows: PriceRows, from: number, to: number, day: number): void {
    if (this.#of.day !== day) {
      this.#of.day = day
      this.#sums.clear()
    }
    this.#cover()
    const { ts, instrument, close } = rows.batch.col
    for (let i = from; i < to; i++) {
      const segment = this.#spots[instrument[i]]
      if (segment === 0 || !isPrice(close[i])) continue
      const bell = this.#bells.of(day, segment - 1)
      if (ts[i] < bell - WINDOW || ts[i] >= bell) continue
      const slot = this.#sums.slot(instrument[i])
      this.#sums.col.sum[slot] += close[i]
      this.#sums.col.seconds[slot]++
    }
  }

  #seekDay(day: number): void {
    this.#windowDay = day
    this.#from = Infinity
    this.#to = -Infinity
    for (let segment = 0; segment < this.#bells.calendar.segments.length; segment++) {
      const bell = this.#bells.of(day, segment)
      this.#from = Math.min(this.#from, bell === -Infinity ? Infinity : bell - WINDOW)
      this.#to = Math.max(this.#to, bell)
    }
  }

  /** Instrument id to 1 + its segment where it is a spot, 0 where it is none. */
  #cover(): void {
    const { instruments } = this.#step
    if (instruments.size > this.#spots.length) {
      const grown = new Uint8Array(instruments.size * 2)
      grown.set(this.#spots)
      this.#spots = grown
    }
    for (; this.#seen < instruments.size; this.#seen++) {
      const contract: Contract = instruments.contract(this.#seen)
      this.#spots[this.#seen] = contract.kind === 'spot' ? 1 + this.#bells.calendar.segmentOf(contract) : 0
    }
  }
}
