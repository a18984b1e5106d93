import type { FeedClock } from './clock.ts'

export interface BackoffOptions {
  /** Of the first wait, milliseconds. */
  readonly first: number
  /** No wait is longer. */
  readonly most: number
}

/**
 * How long to wait before the next attempt: twice as long each time up to the longest, half of it by chance, so that
 * connections that broke together do not come back together.
 */
export class Backoff {
  attempts = 0
  readonly #options: BackoffOptions
  readonly #clock: FeedClock

  constructor(options: BackoffOptions, clock: FeedClock) {
    this.#options = options
    this.#clock = clock
  }

  next(): number {
    const { first, most } = this.#options
    const wait = Math.min(most, first * 2 ** Math.min(this.attempts++, 30))
    return wait * (0.5 + 0.5 * this.#clock.random())
  }

  reset(): void {
    this.attempts = 0
  }
}

/** Connections that an exchange allows in a while, over all of a feed. */
export class ConnectBudget {
  readonly #window: number
  readonly #clock: FeedClock
  /** When the last `most` connections were begun, as a ring; the oldest is at `#next`. */
  readonly #begun: Float64Array
  #next = 0

  constructor(most: number, window: number, clock: FeedClock) {
    this.#window = window
    this.#clock = clock
    this.#begun = new Float64Array(most).fill(-Infinity)
  }

  /** Takes one, and answers how many milliseconds from now on it may be used. */
  take(): number {
    const now = this.#clock.elapsed()
    const at = Math.max(now, this.#begun[this.#next] + this.#window)
    this.#begun[this.#next] = at
    this.#next = (this.#next + 1) % this.#begun.length
    return at - now
  }
}
