import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs'

/** Timers of one instant after which no more are believed to end, such as those of `interval(0)`. */
const ENDLESS = 100_000

type Work<T> = (this: SchedulerAction<T>, state: T) => void

/**
 * An RxJS scheduler whose clock is event time: it stands still until `advance` is called.
 *
 * RxJS counts in milliseconds, so `now()` is event time in milliseconds, with the microseconds as a fraction. Timers
 * are kept in whole microseconds; a delay above 0 lasts 1 at least. Timers fire in the order of the times they are due
 * at, those of one time in the order they were set. RxJS's own VirtualTimeScheduler keeps every timer that ever
 * fired, starts at 0 and runs until no timer is left, which an `interval` never reaches.
 */
export class EventTimeScheduler implements SchedulerLike {
  readonly #timers: Timer<unknown>[] = []
  #micros: number
  #set = 0

  /** `start` is the event time it stands at first, in microseconds. */
  constructor(start: number) {
    this.#micros = start
  }

  /** Event time in microseconds. */
  get micros(): number {
    return this.#micros
  }

  now(): number {
    return this.#micros / 1000
  }

  schedule<T>(work: Work<T>, delay = 0, state?: T): Subscription {
    return new Timer<T>(work, this.#timers, (after) => this.#due(after)).schedule(state, delay)
  }

  /** Fires every timer due at `to` or before, then stands at `to`. A time gone by, or one that is not finite, moves nothing. */
  advance(to: number): void {
    if (!(to >= this.#micros) || to === Infinity) return
    let fired = 0
    for (let next = this.#timers.at(-1); next && next.due <= to; next = this.#timers.at(-1)) {
      fired = next.due > this.#micros ? 1 : fired + 1
      if (fired > ENDLESS) throw new Error(`more than ${ENDLESS} timers are due at one instant: a period of 0 never ends`)
      this.#micros = next.due
      next.fire()
    }
    this.#micros = to
  }

  #due(delay: number): { due: number; order: number } {
    const micros = delay > 0 ? Math.max(1, Math.round(delay * 1000)) : 0
    return { due: this.#micros + micros, order: this.#set++ }
  }
}

/** One action of a scheduler. Set anew, it is moved: it is never in `timers` twice. */
class Timer<T> extends Subscription implements SchedulerAction<T> {
  due = Infinity
  #order = 0
  #state: T | undefined
  readonly #work: Work<T>
  readonly #timers: Timer<unknown>[]
  readonly #dueAfter: (delay: number) => { due: number; order: number }

  constructor(work: Work<T>, timers: Timer<unknown>[], dueAfter: (delay: number) => { due: number; order: number }) {
    super()
    this.#work = work
    this.#timers = timers
    this.#dueAfter = dueAfter
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this
    this.#withdraw()
    this.#state = state
    const { due, order } = this.#dueAfter(delay)
    // RxJS's way to say never.
    if (due === Infinity || Number.isNaN(due)) return this
    this.due = due
    this.#order = order
    this.#insert()
    return this
  }

  fire(): void {
    this.#withdraw()
    try {
      this.#work(this.#state as T)
    } catch (thrown) {
      this.unsubscribe()
      throw thrown
    }
  }

  override unsubscribe(): void {
    this.#withdraw()
    super.unsubscribe()
  }

  /** The next to fire stands last, where it is taken off without moving the others. */
  #insert(): void {
    let from = 0
    let to = this.#timers.length
    while (from < to) {
      const middle = (from + to) >> 1
      const other = this.#timers[middle]
      if (other.due > this.due || (other.due === this.due && other.#order > this.#order)) from = middle + 1
      else to = middle
    }
    this.#timers.splice(from, 0, this as Timer<unknown>)
  }

  #withdraw(): void {
    const place = this.#timers.lastIndexOf(this as Timer<unknown>)
    if (place >= 0) this.#timers.splice(place, 1)
  }
}
