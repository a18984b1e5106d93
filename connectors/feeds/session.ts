import type { Schema } from '../../core/batch.ts'
import { Backoff, type BackoffOptions, ConnectBudget } from './attempts.ts'
import type { FeedClock } from './clock.ts'
import { Connection, type ConnectionTimes } from './connection.ts'
import type { FeedEvent, Gap } from './feed.ts'
import { Outbox, type OutboxOptions } from './outbox.ts'

export interface SessionOptions<S extends Schema> extends Omit<OutboxOptions<S>, 'onFull' | 'onRoom'> {
  readonly times: ConnectionTimes
  readonly backoff: BackoffOptions
  /** Connections in so many milliseconds at most. */
  readonly budget: { readonly most: number; readonly window: number }
  readonly largest: number
}

/** What a protocol does with one connection. */
export interface Line {
  readonly url: string
  opened(connection: Connection): void
  message(data: Buffer, binary: boolean, connection: Connection): void
  ping(connection: Connection): void
  /** Ids of what is subscribed on it. */
  instruments(): readonly number[]
  /** Throws what makes it pointless to try again. */
  status?(status: number): void
}

/** What is common to all feeds: the connections, the gaps between them, and the way out. */
export class Session<S extends Schema> {
  readonly outbox: Outbox<S>
  readonly counts: Record<string, number> = {}
  readonly #options: SessionOptions<S>
  readonly #budget: ConnectBudget
  readonly #connections = new Map<Line, { readonly connection: Connection; readonly number: number }>()
  readonly #stop = new AbortController()
  #stopped: Promise<void> | undefined
  #lines = 0
  #gaps = 0

  constructor(options: SessionOptions<S>) {
    this.#options = options
    this.#budget = new ConnectBudget(options.budget.most, options.budget.window, options.clock)
    this.outbox = new Outbox({ ...options, onFull: () => this.#pause(true), onRoom: () => this.#pause(false) })
  }

  get clock(): FeedClock {
    return this.#options.clock
  }

  /** Aborted when the session ends: for what waits beside the connections. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  count(name: string, by = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + by
  }

  /** `begin` opens the lines. What it throws, the iteration throws. */
  async *run(signal: AbortSignal, begin: () => Promise<void>): AsyncGenerator<FeedEvent<S>> {
    const stop = (): void => void this.#end()
    signal.addEventListener('abort', stop, { once: true })
    try {
      if (signal.aborted) stop()
      else void begin().catch((thrown: unknown) => this.fail(thrown))
      yield* this.outbox.events()
    } finally {
      signal.removeEventListener('abort', stop)
      await this.#end()
    }
  }

  fail(thrown: unknown): void {
    if (!this.#stop.signal.aborted) this.outbox.fail(thrown)
  }

  /** Opens a connection for the line and keeps it up. */
  open(line: Line): Connection {
    const { clock, times, backoff, largest } = this.#options
    const number = this.#lines++
    let gap: Gap | undefined
    const tell = (): void => this.outbox.put({ kind: 'gap', gap: gap as Gap })
    const connection: Connection = new Connection({
      url: line.url,
      clock,
      times,
      largest,
      backoff: new Backoff(backoff, clock),
      budget: this.#budget,
      onOpen: () => {
        this.count('connections')
        line.opened(connection)
      },
      onMessage: (data, binary) => {
        this.count('messages')
        line.message(data, binary, connection)
      },
      onPing: () => line.ping(connection),
      onLost: (reason, from) => {
        this.count('losses')
        gap = { id: this.#gaps++, connection: number, reason, from, to: NaN, attempts: connection.attempts, instruments: line.instruments() }
        tell()
      },
      onRestored: () => {
        gap = { ...(gap as Gap), to: clock.now(), attempts: connection.attempts, instruments: line.instruments() }
        tell()
      },
      onStatus: (status) => this.#ends(line, status),
    })
    this.#connections.set(line, { connection, number })
    if (this.outbox.full) connection.pause(true)
    connection.begin()
    return connection
  }

  /** Closes the line's connection without a gap: nothing is wanted of it any more. */
  async close(line: Line): Promise<void> {
    await this.#connections.get(line)?.connection.close()
    this.#connections.delete(line)
  }

  /** The exchange will not send these. */
  refused(line: Line, instruments: readonly number[]): void {
    this.count('refused', instruments.length)
    const { connection, number } = this.#connections.get(line) as { connection: Connection; number: number }
    const gap: Gap = { id: this.#gaps++, connection: number, reason: 'refused', from: connection.heardAt, to: NaN, attempts: 0, instruments }
    this.outbox.put({ kind: 'gap', gap })
  }

  #ends(line: Line, status: number): boolean {
    this.count(`status ${status}`)
    try {
      line.status?.(status)
      return false
    } catch (thrown) {
      this.fail(thrown)
      return true
    }
  }

  #pause(paused: boolean): void {
    if (this.#stop.signal.aborted) return
    if (paused) this.count('pauses')
    for (const { connection } of this.#connections.values()) connection.pause(paused)
  }

  #end(): Promise<void> {
    this.#stopped ??= this.#closeAll()
    return this.#stopped
  }

  async #closeAll(): Promise<void> {
    this.#stop.abort()
    await Promise.all([...this.#connections.values()].map(({ connection }) => connection.close()))
    this.outbox.end()
  }
}
