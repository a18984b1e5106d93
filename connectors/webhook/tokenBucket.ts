import type { FeedClock } from '../feeds/clock.ts'

/** `burst` at once, and `perMinute` in the long run. */
export class TokenBucket {
  readonly #burst: number
  readonly #perMilli: number
  readonly #clock: FeedClock
  #tokens: number
  #at: number

  constructor({ burst, perMinute }: { readonly burst: number; readonly perMinute: number }, clock: FeedClock) {
    this.#burst = burst
    this.#perMilli = perMinute / 60_000
    this.#clock = clock
    this.#tokens = burst
    this.#at = clock.elapsed()
  }

  /** Whole ones there are. */
  get tokens(): number {
    const now = this.#clock.elapsed()
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMilli)
    this.#at = now
    return Math.floor(this.#tokens)
  }

  /** Milliseconds until there is one. */
  wait(): number {
    return this.tokens > 0 ? 0 : Math.ceil((1 - this.#tokens) / this.#perMilli)
  }

  /** Below none only for whoever does not wait. */
  take(): void {
    this.#tokens -= 1
  }
}
