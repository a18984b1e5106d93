import { DAY } from '../../core/time.ts'
import type { FeedClock } from './clock.ts'
import type { Gap } from './feed.ts'

/** Microseconds. */
export interface ExchangeTimeOptions {
  /** How much later than the time it bears a row may still come in, beside the one that came first. */
  readonly allowance: number
  /** How far time goes on by itself while nothing comes. */
  readonly reach: number
}

/**
 * How far an exchange's time has come, as far as a reader of its feed can tell: T, the latest time that a row or a
 * heartbeat bore, and from there as the reader's clock goes. Only differences of that clock count, so it may be wrong.
 *
 *     all connections stand   T + min(elapsed since T, reach) - allowance
 *     one of them is lost     T - allowance: what it would have said is not known
 *
 * Never goes back; -Infinity before the first time. A time of more than a day after the reader's clock is a fault of its row.
 */
export class ExchangeTime {
  readonly #options: ExchangeTimeOptions
  readonly #clock: FeedClock
  readonly #lost = new Set<number>()
  #latest = -Infinity
  /** The reader's clock then, milliseconds. */
  #at = 0
  #reached = -Infinity

  constructor(options: ExchangeTimeOptions, clock: FeedClock) {
    this.#options = options
    this.#clock = clock
  }

  /** T, microseconds. */
  get latest(): number {
    return this.#latest
  }

  heard(ts: number): void {
    if (!(ts > this.#latest) || ts > this.#clock.now() + DAY) return
    this.#latest = ts
    this.#at = this.#clock.elapsed()
  }

  heardRows(ts: Float64Array, n: number): void {
    let latest = -Infinity
    const most = this.#clock.now() + DAY
    for (let i = 0; i < n; i++) if (ts[i] > latest && ts[i] <= most) latest = ts[i]
    this.heard(latest)
  }

  gap({ id, reason, to }: Gap): void {
    if (!Number.isNaN(to)) this.#lost.delete(id)
    else if (reason !== 'refused') this.#lost.add(id)
  }

  /** No row but a late one is expected to bear an earlier time. */
  reached(): number {
    const { allowance } = this.#options
    const ran = this.#lost.size > 0 ? 0 : this.#passed()
    this.#reached = Math.max(this.#reached, Math.floor(this.#latest + ran) - allowance)
    return this.#reached
  }

  #passed(): number {
    return Math.min((this.#clock.elapsed() - this.#at) * 1000, this.#options.reach)
  }
}
