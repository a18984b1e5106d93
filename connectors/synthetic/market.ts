import type { Batch } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import { Tick } from '../../core/market.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'
import { attach, DAY, IST, MINUTE, SECOND, startOfDay, UTC } from '../../core/time.ts'
import { type Chain, type ExpiryOf, makeChain, premium, thursdays } from './chain.ts'
import type { MarketOptions } from './options.ts'
import { Sfc32 } from './prng.ts'

const PRE_OPEN = 8 * MINUTE
const POST_CLOSE = 5 * MINUTE
const LATEST = 10
/** A tick of price is 0.05. */
const TICKS_A_POINT = 20
const OI_REFRESH = 180

/** What was planted: what operators ought to count. */
export interface Tallies {
  rows: number
  /** Rows in the session of an (instrument, ts) that a row before them had. */
  duplicates: number
  /** Duplicates whose price or volume differs from the first row's. */
  conflicts: number
  offSession: number
  /** Rows before the highest time that arrived before them: what is late at a lateness of 0. */
  late: number
  /** Falls of a cumulative volume. */
  resets: number
}

interface Delayed {
  readonly ts: number
  readonly i: number
  readonly price: number
  readonly volume: number
  readonly oi: number
  readonly half: number
}

/**
 * One day of a made-up market, second by second, in the order of arrival. `advance` appends one second's ticks to
 * `rows`; whoever calls it takes them away.
 *
 * A late row is the only one of its (instrument, ts), and no volume falls on one, so that the tallies hold whatever
 * the lateness of the operators that count.
 */
export class MarketDay {
  readonly rows = new RowBuffer(Tick, 4096)
  readonly tallies: Tallies = { rows: 0, duplicates: 0, conflicts: 0, offSession: 0, late: 0, resets: 0 }
  readonly #options: MarketOptions
  readonly #random: Sfc32
  readonly #chain: Chain
  readonly #ids: Int32Array
  readonly #open: number
  readonly #close: number
  readonly #quietFrom: number
  #now: number
  #newest = -Infinity
  #spot: number
  readonly #move: number
  readonly #deviation: number
  readonly #stale: Float64Array
  readonly #volume: Float64Array
  readonly #oi: Float64Array
  readonly #burst: Float64Array
  readonly #burstEnd: Float64Array
  readonly #keptTs: Float64Array
  readonly #keptPrice: Float64Array
  readonly #keptVolume: Float64Array
  readonly #resetAt: Float64Array
  readonly #delayed: Delayed[][] = Array.from({ length: LATEST + 1 }, () => [])

  constructor(options: MarketOptions, day: number, instruments: Instruments, expiryOf: ExpiryOf = thursdays) {
    this.#options = options
    this.#random = new Sfc32(options.seed, day)
    const yesterday = options.spot * (1 + (options.volatility / 16) * this.#random.normal())
    this.#spot = yesterday * (1 + (options.volatility / 40) * this.#random.normal())
    this.#chain = makeChain(options, day, this.#spot, this.#random, expiryOf)
    this.#ids = Int32Array.from(this.#chain.names, (name) => instruments.id(name))
    const midnight = startOfDay(day, IST)
    this.#open = midnight + attach(`1970-01-01 ${options.open}`, UTC)
    this.#close = midnight + attach(`1970-01-01 ${options.close}`, UTC)
    this.#now = Math.max(midnight, this.#open - PRE_OPEN)
    const seconds = (this.#close - this.#open) / SECOND
    this.#quietFrom = this.#open + Math.floor(seconds * (0.4 + 0.2 * this.#random.next())) * SECOND
    this.#move = (this.#spot * options.volatility) / Math.sqrt(252 * 22_500)
    this.#deviation = Math.max(0.05, this.#spot * options.volatility * Math.sqrt(this.#chain.daysLeft / 365))
    const n = this.#ids.length
    const column = (value: number) => new Float64Array(n).fill(value)
    this.#stale = Float64Array.from({ length: n }, (_, i) => this.#priceOf(i, yesterday))
    this.#volume = column(0)
    this.#oi = Float64Array.from({ length: n }, (_, i) => (i === 0 ? 0 : (2000 + this.#random.below(20_000)) * options.lot))
    this.#burst = column(1)
    this.#burstEnd = column(0)
    this.#keptTs = column(-Infinity)
    this.#keptPrice = column(NaN)
    this.#keptVolume = column(0)
    this.#resetAt = column(Infinity)
    for (let k = 0; k < options.resets && n > 1; k++) {
      this.#resetAt[1 + this.#random.below(n - 1)] = this.#open + Math.floor(seconds * (0.1 + 0.7 * this.#random.next())) * SECOND
    }
  }

  /** Appends one second's arrivals to `rows`; false when the day is over. */
  advance(): boolean {
    const second = this.#now
    if (second >= this.#close + POST_CLOSE) return false
    const inSession = second >= this.#open && second < this.#close
    if (inSession) {
      this.#spot = Math.max(1, this.#spot + this.#move * this.#random.normal())
      const still = second >= this.#quietFrom && second < this.#quietFrom + this.#options.quietStretch * SECOND
      if (!still) this.#trade(second)
    } else if (this.#options.offSession) this.#idle(second)
    this.#release(second)
    this.#now += SECOND
    return true
  }

  /** The rows of a second in the session: each instrument gets its turns, from another first one every second. */
  #trade(second: number): void {
    const n = this.#ids.length
    const { rate, stamp } = this.#options
    const rounds = Math.ceil(rate)
    const chance = rate / rounds
    const exact = stamp === 'microsecond'
    const first = this.#random.below(n)
    if (((second - this.#open) / SECOND) % OI_REFRESH === 0) this.#refreshInterest()
    for (let round = 0; round < rounds; round++) {
      for (let k = 0; k < n; k++) {
        const i = first + k < n ? first + k : first + k - n
        if (this.#random.next() >= chance * this.#chain.activity[i]) continue
        const within = exact ? Math.floor(((round + (k + this.#random.next()) / n) / rounds) * SECOND) : 0
        this.#snapshot(i, second + within, exact || round === rounds - 1)
      }
    }
  }

  #snapshot(i: number, ts: number, delayable: boolean): void {
    const random = this.#random
    const { duplicates, conflicts, late, lot } = this.#options
    const fresh = ts !== this.#keptTs[i]
    this.#accumulate(i, ts)
    const price = this.#priceOf(i, this.#spot, random.below(3) - 1)
    const half = (1 + random.below(3)) / TICKS_A_POINT
    if (fresh && delayable && random.next() < late) {
      const due = (ts - (ts % SECOND)) / SECOND + 1 + random.below(LATEST)
      this.#delayed[due % this.#delayed.length].push({ ts, i, price, volume: this.#volume[i], oi: this.#oi[i], half })
      return
    }
    if (fresh && ts >= this.#resetAt[i] && this.#keptVolume[i] > 0) {
      this.#volume[i] = 0
      this.#resetAt[i] = Infinity
      this.tallies.resets++
    }
    this.#keep(i, ts, price, fresh)
    this.#append(i, ts, price, this.#volume[i], this.#oi[i], half)
    if (random.next() >= duplicates) return
    const differs = random.next() < conflicts
    // A conflict carries volume of its own only half of the time; the rows after it include it either way.
    if (differs && i > 0 && random.next() < 0.5) this.#volume[i] += lot
    const again = differs ? price + 1 / TICKS_A_POINT : price
    this.#keep(i, ts, again, false)
    this.#append(i, ts, again, this.#volume[i], this.#oi[i], half)
  }

  /** Lots traded since the snapshot before: more near the money, and much more in a burst. */
  #accumulate(i: number, ts: number): void {
    if (i === 0) return
    const random = this.#random
    if (ts >= this.#burstEnd[i]) {
      const begins = random.next() < 1 / 1500
      this.#burst[i] = begins ? 5 + 35 * random.next() : 1
      if (begins) this.#burstEnd[i] = ts + (5 + random.below(41)) * SECOND
    }
    if (random.next() >= 0.4) return
    const away = (this.#chain.strike[i] - this.#spot) / (12 * this.#options.step)
    const usual = 0.5 + 5 / (1 + away * away)
    this.#volume[i] += Math.ceil(usual * this.#burst[i] * random.exponential()) * this.#options.lot
  }

  /** Bookkeeping of what a dedup would keep, for the tallies. */
  #keep(i: number, ts: number, price: number, fresh: boolean): void {
    if (fresh) {
      this.#keptTs[i] = ts
      this.#keptPrice[i] = price
      this.#keptVolume[i] = this.#volume[i]
      return
    }
    this.tallies.duplicates++
    // Compared as they are written, in whole ticks of price.
    const differs = Math.round(price * TICKS_A_POINT) !== Math.round(this.#keptPrice[i] * TICKS_A_POINT)
    if (differs || this.#volume[i] !== this.#keptVolume[i]) this.tallies.conflicts++
  }

  /** Off-session rows: yesterday's prices before the open, frozen ones after the close. */
  #idle(second: number): void {
    const before = second < this.#open
    for (let i = 0; i < this.#ids.length; i++) {
      if (this.#random.next() >= 1 / 30) continue
      const price = before || Number.isNaN(this.#keptPrice[i]) ? this.#stale[i] : this.#keptPrice[i]
      this.#append(i, second, price, this.#volume[i], this.#oi[i], 1 / TICKS_A_POINT)
      this.tallies.offSession++
    }
  }

  /** The delayed rows that arrive at the end of this second. */
  #release(second: number): void {
    const bucket = this.#delayed[(second / SECOND) % this.#delayed.length]
    for (const { ts, i, price, volume, oi, half } of bucket) this.#append(i, ts, price, volume, oi, half)
    bucket.length = 0
  }

  #append(i: number, ts: number, price: number, volume: number, oi: number, half: number): void {
    const rows = this.rows
    if (rows.n === rows.capacity) rows.reserve(rows.n + 1)
    const k = rows.n++
    const col = rows.col
    col.ts[k] = ts
    col.instrument[k] = this.#ids[i]
    const ticks = Math.max(1, Math.round(price * TICKS_A_POINT))
    col.price[k] = ticks / TICKS_A_POINT
    col.volume[k] = volume
    col.oi[k] = oi
    // An index has no book.
    col.bid[k] = i === 0 ? NaN : Math.max(0, ticks - Math.round(half * TICKS_A_POINT)) / TICKS_A_POINT
    col.ask[k] = i === 0 ? NaN : (ticks + Math.round(half * TICKS_A_POINT)) / TICKS_A_POINT
    if (ts < this.#newest) this.tallies.late++
    else this.#newest = ts
    this.tallies.rows++
  }

  #refreshInterest(): void {
    const { lot } = this.#options
    for (let i = 1; i < this.#oi.length; i++) this.#oi[i] = Math.max(0, this.#oi[i] + (this.#random.below(401) - 190) * lot)
  }

  #priceOf(i: number, spot: number, ticks = 0): number {
    const side = this.#chain.side[i]
    const value = side === 0 ? spot : premium(side * (spot - this.#chain.strike[i]), this.#deviation)
    return Math.max(1, Math.round(value * TICKS_A_POINT) + ticks) / TICKS_A_POINT
  }
}

/** A whole day at once, in the order of arrival, with what was planted. The watermark is the next local midnight. */
export function generateDay(
  options: MarketOptions,
  day: number,
  instruments: Instruments,
  expiryOf: ExpiryOf = thursdays,
): { ticks: Batch<Tick>; tallies: Tallies } {
  const market = new MarketDay(options, day, instruments, expiryOf)
  while (market.advance());
  return { ticks: market.rows.view(startOfDay(day, IST) + DAY), tallies: market.tallies }
}
