import { WebSocket } from 'ws'
import type { Backoff, ConnectBudget } from './attempts.ts'
import type { FeedClock } from './clock.ts'
import type { GapReason } from './feed.ts'

/** Times in milliseconds. */
export interface ConnectionTimes {
  /** Between two pings. */
  readonly ping: number
  /** Silence after which a connection counts as dead. */
  readonly silence: number
  /** For the handshake, and again for the answer to a subscription. */
  readonly answer: number
  /** A connection that stood so long is a good one: the next wait is the shortest again. */
  readonly settled: number
  /** For a farewell. */
  readonly farewell: number
}

export interface ConnectionOptions {
  readonly url: string
  readonly clock: FeedClock
  readonly times: ConnectionTimes
  readonly backoff: Backoff
  readonly budget: ConnectBudget
  /** The largest message, bytes. */
  readonly largest: number
  /** Headers of the handshake. */
  readonly headers?: Readonly<Record<string, string>>
  /** The socket is open: subscribe. */
  onOpen(): void
  onMessage(data: Buffer, binary: boolean): void
  onPing(): void
  /** It stands no longer; `from` is when it last said anything, microseconds. Called once a loss, and not when closed by us. */
  onLost(reason: GapReason, from: number): void
  /** The subscription stands again after a loss. */
  onRestored(): void
  /** The handshake was answered by an HTTP status. Where it answers true, this is the end. */
  onStatus?(status: number): boolean
}

/**
 * One WebSocket that comes back: connects, pings, notices silence, waits longer after each failure, and tells what was
 * lost. A message that came whole before the end of a connection is delivered before the loss is told.
 */
export class Connection {
  readonly #options: ConnectionOptions
  #socket: WebSocket | undefined
  #reason: GapReason = 'unreachable'
  #lost = false
  #stopping = false
  #paused = false
  #closed: (() => void) | undefined
  #closing: Promise<void> | undefined
  #timers: (() => void)[] = []
  #retry: (() => void) | undefined
  #heardAt: number
  #heardElapsed = 0
  #openedElapsed = 0
  #suspect = false
  #answered = false
  #asked = 0
  #attempts = 0

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#heardAt = options.clock.now()
  }

  get open(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  /** When it last said anything, microseconds. */
  get heardAt(): number {
    return this.#heardAt
  }

  /** Attempts to connect since it was lost, or since the beginning. */
  get attempts(): number {
    return this.#attempts
  }

  /** Begins to connect, once the budget allows it. */
  begin(): void {
    const wait = this.#options.budget.take()
    if (wait > 0) this.#retry = this.#options.clock.after(wait, () => this.#connect())
    else this.#connect()
  }

  send(text: string): void {
    if (this.open) this.#socket?.send(text)
  }

  ping(): void {
    if (this.open) this.#socket?.ping()
  }

  /** The protocol says that the subscription stands. */
  stands(): void {
    this.#answered = true
    if (this.#lost) this.#options.onRestored()
    this.#lost = false
    this.#attempts = 0
  }

  /** The protocol waits for an answer to something it sent. */
  awaitsAnswer(): void {
    this.#answered = false
    this.#misses(++this.#asked, this.#options.times.answer, false)
  }

  /** As with silence, at the second look only. */
  #misses(asked: number, milliseconds: number, suspect: boolean): void {
    const { answer } = this.#options.times
    this.#timer(milliseconds, () => {
      if (this.#answered || asked !== this.#asked) return
      if (this.#paused) this.#misses(asked, answer, false)
      else if (suspect) this.#drop('unanswered')
      else this.#misses(asked, answer / 4, true)
    })
  }

  /** Reads no further, or again. Silence is then our own. */
  pause(paused: boolean): void {
    if (paused && this.#stopping) return
    this.#paused = paused
    // Of a socket that has failed, what it has still is delivered with its end; resumed before, it would throw it away.
    if (paused && this.open) this.#socket?.pause()
    else if (this.open) this.#socket?.resume()
    this.#heardElapsed = this.#options.clock.elapsed()
    this.#suspect = false
  }

  /** Ends it for good; resolves when nothing more can come. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#stopping = true
    this.#retry?.()
    const socket = this.#socket
    if (socket === undefined) return
    const closed = new Promise<void>((resolve) => {
      this.#closed = resolve
    })
    this.pause(false)
    this.#quiet()
    if (socket.readyState === WebSocket.CONNECTING) socket.terminate()
    else socket.close(1000)
    const cancel = this.#options.clock.after(this.#options.times.farewell, () => socket.terminate())
    await closed
    cancel()
  }

  #connect(): void {
    const { url, headers, largest, times, clock } = this.#options
    this.#retry = undefined
    this.#reason = 'unreachable'
    this.#attempts++
    const socket = new WebSocket(url, { headers, maxPayload: largest, perMessageDeflate: false, handshakeTimeout: times.answer })
    this.#socket = socket
    socket.on('open', () => this.#opened(socket))
    socket.on('message', (data, binary) => {
      this.#heard()
      this.#options.onMessage(data as Buffer, binary)
    })
    socket.on('ping', () => this.#heard())
    socket.on('pong', () => this.#heard())
    socket.on('unexpected-response', (_, response) => {
      if (this.#options.onStatus?.(response.statusCode ?? 0)) this.#stopping = true
      response.resume()
      socket.terminate()
    })
    // What follows an error is always 'close'; a message of ours is no reason for a second one.
    socket.on('error', (error) => {
      if (this.#reason === 'closed' && String((error as NodeJS.ErrnoException).code).startsWith('WS_ERR_')) this.#reason = 'malformed'
    })
    socket.on('close', () => this.#ended())
    this.#openedElapsed = clock.elapsed()
  }

  #opened(socket: WebSocket): void {
    const { clock, times } = this.#options
    this.#reason = 'closed'
    this.#heard()
    this.#openedElapsed = clock.elapsed()
    if (this.#paused) socket.pause()
    // What is written to a peer that is gone ends the connection before what it said is read.
    this.#every(times.ping, () => this.#paused || this.#options.onPing())
    this.#every(times.silence / 4, () => this.#watch())
    this.#options.onOpen()
  }

  #heard(): void {
    const { clock } = this.#options
    this.#heardAt = clock.now()
    this.#heardElapsed = clock.elapsed()
    this.#suspect = false
  }

  /** Dead at the second look only: between the two the socket was read, whatever kept this process busy before. */
  #watch(): void {
    const { clock, times, backoff } = this.#options
    if (this.#answered && clock.elapsed() - this.#openedElapsed > times.settled) backoff.reset()
    if (this.#paused || clock.elapsed() - this.#heardElapsed <= times.silence) return
    if (this.#suspect) this.#drop('silent')
    this.#suspect = true
  }

  #drop(reason: GapReason): void {
    this.#reason = reason
    this.#socket?.terminate()
  }

  #ended(): void {
    this.#quiet()
    this.#socket = undefined
    if (this.#stopping) {
      this.#closed?.()
      return
    }
    if (!this.#lost) {
      this.#lost = true
      this.#options.onLost(this.#reason, this.#heardAt)
    }
    this.#answered = false
    this.#retry = this.#options.clock.after(this.#options.backoff.next(), () => this.begin())
  }

  #every(milliseconds: number, call: () => void): void {
    this.#timer(milliseconds, () => {
      call()
      if (this.open) this.#every(milliseconds, call)
    })
  }

  #timer(milliseconds: number, call: () => void): void {
    const cancel = this.#options.clock.after(milliseconds, () => {
      this.#timers = this.#timers.filter((timer) => timer !== cancel)
      call()
    })
    this.#timers.push(cancel)
  }

  #quiet(): void {
    for (const cancel of this.#timers.splice(0)) cancel()
  }
}
