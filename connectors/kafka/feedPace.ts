import { setTimeout as sleep } from 'node:timers/promises'

/**
 * When a time of the exchange is due: `speed` times as fast as it went, from an instant on, without drift. Infinity:
 * everything is due at once.
 */
export class Pace {
  /** The most that anything was sent after it was due, milliseconds. */
  behind = 0
  readonly #speed: number
  #from = 0
  #start = 0
  /** What is due before this exchange time need not be asked of the clock again. */
  #reached = -Infinity

  constructor(speed: number) {
    this.#speed = speed
  }

  /** The exchange time `ts`, in microseconds, is due now. */
  begin(ts: number): void {
    this.#from = ts
    this.#start = performance.now()
    this.#reached = -Infinity
  }

  isDue(ts: number): boolean {
    if (ts <= this.#reached || this.#speed === Infinity) return true
    const elapsed = performance.now() - this.#start
    this.#reached = this.#from + elapsed * 1000 * this.#speed
    if (ts > this.#reached) return false
    this.behind = Math.max(this.behind, (this.#reached - ts) / 1000 / this.#speed)
    return true
  }

  /** Throws the signal's reason. */
  async until(ts: number, signal: AbortSignal): Promise<void> {
    while (!this.isDue(ts)) {
      const left = this.#start + (ts - this.#from) / 1000 / this.#speed - performance.now()
      // A timer holds no more than 24.8 days.
      await sleep(Math.min(Math.max(left, 0), 1e9), undefined, { signal })
    }
  }
}
