import type { Batch, Schema } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import { NewestRows } from '../../core/latestRows.ts'
import { type FeedClock, systemClock } from './clock.ts'
import type { Feed, FeedEvent } from './feed.ts'

/** Times in milliseconds. */
export interface ConflateOptions {
  /** Instruments that may wait. When one more comes, the one that has waited longest is dropped. */
  readonly size: number
  /** Waiting instruments that are handed over at once. */
  readonly enough: number
  /** How long fewer wait for more. */
  readonly linger: number
  /** Between two heartbeats of its own: the newest time that a row had, and what has passed since it came. Default: none. */
  readonly beat?: number
  readonly clock?: FeedClock
}

/** Rows: `received = delivered + conflated + dropped + untimed + waiting`. */
export interface ConflateCounts {
  readonly received: number
  readonly delivered: number
  /** A newer row of its instrument took its place, or was there already. */
  readonly conflated: number
  /** The queue was full of other instruments. */
  readonly dropped: number
  /** No time. */
  readonly untimed: number
  readonly waiting: number
}

export interface ConflatedFeed<S extends Schema> extends Feed<S> {
  rowCounts(): ConflateCounts
}

/**
 * A feed for who wants the newest row of every instrument and must not hold up the sockets: it is read promptly,
 * whatever the consumer does, and of what waits for him only the newest row of each instrument is kept. Memory is
 * bounded by `size`.
 *
 * Newest is the row with the highest `ts`; of one time, the one that came last. Rows are in the order in which their
 * instruments began to wait. A gap overtakes the rows that wait, so that it is told at once and never conflated; of
 * heartbeats that wait the newest is told, after the rows. Failures and the end of the feed come after all rows.
 */
export function conflate<S extends Schema>(feed: Feed<S>, options: ConflateOptions): ConflatedFeed<S> {
  return new Conflated(feed, options)
}

class Conflated<S extends Schema> implements ConflatedFeed<S> {
  readonly columns: S
  readonly #feed: Feed<S>
  readonly #options: ConflateOptions
  readonly #clock: FeedClock
  readonly #queue: NewestQueue<S>
  readonly #gaps: FeedEvent<S>[] = []
  /** The newest heartbeat that waits. */
  #beat = -Infinity
  /** What waits need not wait for more. */
  #due = false
  #ended = false
  #failure: { readonly thrown: unknown } | undefined
  #wake: (() => void) | undefined
  #linger: (() => void) | undefined
  #pulse: (() => void) | undefined
  #delivered = 0

  constructor(feed: Feed<S>, options: ConflateOptions) {
    this.columns = feed.columns
    this.#feed = feed
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#queue = new NewestQueue(feed.columns, options.size)
  }

  counts(): Readonly<Record<string, number>> {
    return { ...this.#feed.counts(), ...this.rowCounts() }
  }

  rowCounts(): ConflateCounts {
    const { received, conflated, dropped, untimed, n } = this.#queue
    return { received, delivered: this.#delivered, conflated, dropped, untimed, waiting: n }
  }

  async *start(signal: AbortSignal): AsyncGenerator<FeedEvent<S>> {
    const broken = new AbortController()
    const reading = this.#read(AbortSignal.any([signal, broken.signal]))
    this.#beatAfter()
    try {
      for (;;) {
        const event = this.#next()
        if (event !== undefined) yield event
        else if (!this.#ended)
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
        else if (this.#failure !== undefined) throw this.#failure.thrown
        else return
      }
    } finally {
      broken.abort()
      this.#pulse?.()
      this.#linger?.()
      await reading
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    try {
      for await (const event of this.#feed.start(signal)) this.#take(event)
    } catch (thrown) {
      this.#failure = { thrown }
    }
    this.#ended = true
    this.#ready()
  }

  #take(event: FeedEvent<S>): void {
    if (event.kind === 'gap') this.#gaps.push(event)
    else if (event.kind === 'heartbeat') this.#beat = Math.max(this.#beat, event.ts)
    else {
      const { enough, linger, beat } = this.#options
      this.#queue.append(event.batch, beat === undefined ? 0 : this.#clock.elapsed())
      if (this.#queue.n < enough) {
        this.#linger ??= this.#clock.after(linger, () => this.#ready())
        return
      }
    }
    this.#ready()
  }

  #next(): FeedEvent<S> | undefined {
    const gap = this.#gaps.shift()
    if (gap !== undefined) return gap
    if (this.#queue.n > 0 && (this.#due || this.#ended)) {
      this.#due = false
      this.#delivered += this.#queue.n
      return { kind: 'rows', batch: this.#queue.take() }
    }
    if (this.#beat === -Infinity) return undefined
    const ts = this.#beat
    this.#beat = -Infinity
    return { kind: 'heartbeat', ts }
  }

  #ready(): void {
    this.#due = this.#queue.n > 0
    this.#linger?.()
    this.#linger = undefined
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  #beatAfter(): void {
    const { beat } = this.#options
    if (beat === undefined) return
    this.#pulse = this.#clock.after(beat, () => {
      const { newest, newestAt } = this.#queue
      if (newest > -Infinity) {
        this.#beat = Math.max(this.#beat, Math.floor(newest + (this.#clock.elapsed() - newestAt) * 1000))
        this.#ready()
      }
      this.#beatAfter()
    })
  }
}

/** The newest row of each instrument, of at most `size`: two sets of rows, one of which fills while the other is lent. */
class NewestQueue<S extends Schema> {
  received = 0
  /** The highest time of all rows, and when it came. */
  newest = -Infinity
  newestAt = 0
  readonly #time: string
  #open: NewestRows
  #lent: NewestRows

  constructor(columns: S, size: number) {
    if (!(size >= 1)) throw new TickloomError('OPTION_INVALID', `a queue of ${size} instruments holds nothing`, { size })
    const named = (kind: string) => Object.keys(columns).find((name) => columns[name] === kind) as string
    this.#time = columns['ts'] === 'time' ? 'ts' : named('time')
    const of = { schema: columns, key: { from: named('instrument') }, time: { from: this.#time } }
    this.#open = new NewestRows(of, size)
    this.#lent = new NewestRows(of, size)
  }

  get n(): number {
    return this.#open.n
  }
  get conflated(): number {
    return this.#open.conflated + this.#lent.conflated
  }
  get dropped(): number {
    return this.#open.dropped + this.#lent.dropped
  }
  get untimed(): number {
    return this.#open.untimed + this.#lent.untimed
  }

  append(batch: Batch<S>, elapsed: number): void {
    this.received += batch.n
    this.#open.append(batch)
    const ts = batch.col[this.#time] as Float64Array
    const before = this.newest
    for (let i = 0; i < batch.n; i++) if (ts[i] > this.newest && ts[i] < Infinity) this.newest = ts[i]
    if (this.newest > before) this.newestAt = elapsed
  }

  /** All that waits, lent until the next call. */
  take(): Batch<S> {
    const taken = this.#open
    this.#lent.clear()
    this.#open = this.#lent
    this.#lent = taken
    return taken.rows.view(-Infinity) as Batch<S>
  }
}
