import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch, Schema } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import type { Destination, Flushed, Sink } from '../core/ports.ts'

/** Times in milliseconds. */
export interface SteadyOptions {
  /** Before a flush that failed is made again: doubled at each failure in a row, up to the last. */
  readonly retry?: { readonly first: number; readonly last: number }
  /** How long closing waits for what is not flushed yet. */
  readonly grace: number
  onFailure?(failure: TickloomError, retryIn: number): void
  /** The first flush that went well after some that failed. */
  onRecovery?(seconds: number): void
}

/** How a destination does. */
export interface SteadyState {
  readonly name: string
  /** What the last attempt failed with, and when the first of those in a row did, by performance.now(). */
  readonly failing: { readonly failure: TickloomError; readonly since: number } | undefined
  /** When the flush began that is still going, by performance.now(). */
  readonly busySince: number | undefined
  readonly flushes: number
  readonly failures: number
  readonly rows: number
  readonly bytes: number
  /** Spent in flushes, and in the last one, seconds. */
  readonly seconds: number
  readonly lastSeconds: number
}

export interface SteadyDestination extends Destination {
  state(): SteadyState
}

/**
 * A destination that holds nobody up: flushes go on beside the graph, one at a time, and one that fails for a reason that
 * passes is made again, with growing pauses, until it goes well. For destinations that keep the newest rows only, whose
 * memory is bounded while they wait; epochs that end meanwhile are flushed as one. `open` fails at once.
 *
 * So a flush that has returned says nothing of what is durable: for runs that save no checkpoint. `close` waits for what
 * was flushed last, for `grace` at most, and throws what is in the way. What does not pass by itself, the next `flush` throws.
 */
export function steadily(destination: Destination, options: SteadyOptions): SteadyDestination {
  const meter = new Meter(destination.name)
  const sinks: SteadySink[] = []
  return {
    name: destination.name,
    async open(task) {
      const sink = new SteadySink(await destination.open(task), meter, options)
      sinks.push(sink)
      return sink
    },
    async close() {
      const ends = await Promise.allSettled(sinks.map((sink) => sink.settle()))
      // A flush that hangs has the destination still: it is left to the end of the process.
      if (meter.busySince === undefined) await destination.close()
      for (const end of ends) if (end.status === 'rejected') throw end.reason
    },
    state: () => ({ ...meter }),
  }
}

class Meter implements SteadyState {
  readonly name: string
  failing: SteadyState['failing']
  busySince: number | undefined
  flushes = 0
  failures = 0
  rows = 0
  bytes = 0
  seconds = 0
  lastSeconds = 0

  constructor(name: string) {
    this.name = name
  }
}

class SteadySink implements Sink {
  readonly #sink: Sink
  readonly #meter: Meter
  readonly #options: SteadyOptions
  /** The last epoch that has ended and is not begun to be flushed. */
  #next: number | undefined
  /** Closing had not long enough for what was there. */
  #left = false
  #working: Promise<void> | undefined
  #fatal: { readonly thrown: unknown } | undefined
  /** Aborted when closing has waited long enough. */
  readonly #over = new AbortController()
  readonly #closing = new AbortController()

  constructor(sink: Sink, meter: Meter, options: SteadyOptions) {
    this.#sink = sink
    this.#meter = meter
    this.#options = options
  }

  write(output: string, batch: Batch<Schema>): void {
    this.#sink.write(output, batch)
  }

  async flush(epoch: number): Promise<Flushed> {
    if (this.#fatal !== undefined) throw this.#fatal.thrown
    this.#next = epoch
    this.#working ??= this.#work()
    return { rows: 0, bytes: 0 }
  }

  /** What waits is waited for when the destination closes, together with that of other destinations. */
  async close(): Promise<void> {
    this.#closing.abort()
  }

  /** All that was flushed is durable, or the grace is over: then it throws what is in the way. */
  async settle(): Promise<void> {
    this.#closing.abort()
    const timer = setTimeout(() => this.#over.abort(), this.#options.grace)
    const late = new Promise<void>((resolve) => this.#over.signal.addEventListener('abort', () => resolve(), { once: true }))
    await Promise.race([this.#working, late])
    clearTimeout(timer)
    const hangs = this.#meter.busySince !== undefined
    if (!hangs) {
      await this.#working
      await this.#sink.close()
    }
    if (this.#fatal !== undefined) throw this.#fatal.thrown
    if (!this.#left && !hangs) return
    const { name, failing } = this.#meter
    throw failing?.failure ?? new TickloomError('DATABASE_REFUSED', `${name} did not answer in time: what came last is not in it`, { sink: name })
  }

  async #work(): Promise<void> {
    try {
      while (this.#next !== undefined) {
        const epoch = this.#next
        this.#next = undefined
        if (!(await this.#until(epoch))) {
          this.#left = true
          return
        }
      }
    } catch (thrown) {
      this.#fatal = { thrown }
    } finally {
      this.#working = undefined
    }
  }

  /** The same epoch again and again: that of the rows that are sealed. False: closing had not long enough. */
  async #until(epoch: number): Promise<boolean> {
    const { first, last } = this.#options.retry ?? { first: 1000, last: 30_000 }
    for (let wait = first; !this.#over.signal.aborted; wait = Math.min(last, wait * 2)) {
      const failure = await this.#once(epoch)
      if (failure === undefined) return true
      // Between half of it and all of it; little when there is only the grace left.
      const pause = Math.min(wait * (0.5 + Math.random() / 2), this.#closing.signal.aborted ? 250 : Infinity)
      this.#options.onFailure?.(failure, pause)
      const ends = this.#closing.signal.aborted ? this.#over.signal : this.#closing.signal
      await sleep(pause, undefined, { signal: ends }).catch(() => undefined)
    }
    return false
  }

  /** A failure that passes is the answer; what does not is thrown. */
  async #once(epoch: number): Promise<TickloomError | undefined> {
    const meter = this.#meter
    const began = (meter.busySince = performance.now())
    try {
      const { rows, bytes } = await this.#sink.flush(epoch)
      meter.flushes++
      meter.rows += rows
      meter.bytes += bytes
      meter.lastSeconds = (performance.now() - began) / 1000
      meter.seconds += meter.lastSeconds
      if (meter.failing !== undefined) this.#options.onRecovery?.((performance.now() - meter.failing.since) / 1000)
      meter.failing = undefined
      return undefined
    } catch (thrown) {
      meter.failures++
      if (!(thrown instanceof TickloomError && thrown.retry && thrown.fault === 'external')) throw thrown
      meter.failing = { failure: thrown, since: meter.failing?.since ?? began }
      return thrown
    } finally {
      meter.busySince = undefined
    }
  }
}
