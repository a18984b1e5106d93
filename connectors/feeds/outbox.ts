import type { Schema } from '../../core/batch.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'
import type { FeedClock } from './clock.ts'
import type { FeedEvent } from './feed.ts'

export interface OutboxOptions<S extends Schema> {
  readonly columns: S
  readonly clock: FeedClock
  /** Rows that are handed over at once, without waiting for more. */
  readonly enough: number
  /** How long fewer rows wait for more, milliseconds. */
  readonly linger: number
  /** Rows that may wait; from then on `onFull`, and `onRoom` when half of them are gone. */
  readonly most: number
  onFull(): void
  onRoom(): void
}

/**
 * Between the sockets and whoever reads a feed: rows gathered into columns, other events between them in their place.
 * The memory of rows that were read is used again.
 */
export class Outbox<S extends Schema> {
  readonly #options: OutboxOptions<S>
  readonly #queue: (RowBuffer<S> | FeedEvent<S>)[] = []
  readonly #spare: RowBuffer<S>[] = []
  /** What is being filled; the newest of all. */
  #open: RowBuffer<S>
  #waiting = 0
  #full = false
  #ended = false
  #failure: { readonly thrown: unknown } | undefined
  #wake: (() => void) | undefined
  #cancel: (() => void) | undefined
  #due = false

  constructor(options: OutboxOptions<S>) {
    this.#options = options
    this.#open = new RowBuffer(options.columns, options.enough)
  }

  get full(): boolean {
    return this.#full
  }

  /** Where to write rows: reserve, write into `col` at `n`, raise `n`, then `added`. */
  get rows(): RowBuffer<S> {
    return this.#open
  }

  added(rows: number): void {
    const { enough, linger, most, clock } = this.#options
    this.#waiting += rows
    if (this.#waiting >= most && !this.#full) {
      this.#full = true
      this.#options.onFull()
    }
    if (this.#open.n >= enough) this.#ready()
    else this.#cancel ??= clock.after(linger, () => this.#ready())
  }

  put(event: FeedEvent<S>): void {
    this.#seal()
    this.#queue.push(event)
    this.#ready()
  }

  /** No more will come; what waits is still read. */
  end(): void {
    this.#ended = true
    this.#ready()
  }

  /** The iteration throws this when what came before it was read. The first failure counts. */
  fail(thrown: unknown): void {
    this.#failure ??= { thrown }
    this.end()
  }

  async *events(): AsyncGenerator<FeedEvent<S>> {
    for (;;) {
      if (this.#queue.length === 0 && (this.#due || this.#ended)) this.#seal()
      const next = this.#queue.shift()
      if (next instanceof RowBuffer) {
        yield { kind: 'rows', batch: next.view(-Infinity) }
        this.#give(next)
      } else if (next !== undefined) yield next
      else if (!this.#ended)
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      else if (this.#failure !== undefined) throw this.#failure.thrown
      else return
    }
  }

  /** The rows gathered so far end here; what comes goes into a buffer of its own. */
  #seal(): void {
    this.#due = false
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#open.n === 0) return
    this.#queue.push(this.#open)
    this.#open = this.#spare.pop() ?? new RowBuffer(this.#options.columns, this.#options.enough)
  }

  #give(read: RowBuffer<S>): void {
    this.#waiting -= read.n
    read.clear()
    // A burst's buffer is let go, so that one burst does not hold its memory for ever.
    if (this.#spare.length < 2 && read.capacity <= this.#options.enough * 4) this.#spare.push(read)
    if (!this.#full || this.#waiting > this.#options.most / 2) return
    this.#full = false
    this.#options.onRoom()
  }

  #ready(): void {
    this.#due = true
    this.#cancel?.()
    this.#cancel = undefined
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
