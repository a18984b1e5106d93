import type { Connection } from '../connection.ts'
import type { Line, Session } from '../session.ts'
import { type BybitLimits, chunks, Subscriptions, topicOf } from './subscriptions.ts'
import type { BybitTicker, TickerMessage, TickerReader } from './ticker.ts'

interface Answer extends TickerMessage {
  readonly op?: unknown
  readonly type?: unknown
  readonly success?: unknown
  readonly args?: unknown
}

export interface BybitLineOptions {
  readonly url: string
  readonly session: Session<BybitTicker>
  readonly reader: TickerReader
  readonly limits: BybitLimits
  /** Topics of one request. */
  readonly chunk: number
  readonly idOf: ReadonlyMap<string, number>
}

/** One connection of the option stream: what is subscribed on it, what it answers, what it sends. */
export class BybitLine implements Line {
  readonly url: string
  readonly #options: BybitLineOptions
  readonly #subscriptions: Subscriptions
  /** Requests without an answer, in their order: answers come in it and need not say which request they are of. */
  #asked: { readonly op: 'subscribe' | 'unsubscribe'; readonly symbols: readonly string[] }[] = []

  constructor(options: BybitLineOptions) {
    this.#options = options
    this.url = options.url
    this.#subscriptions = new Subscriptions(options.limits)
  }

  get symbols(): ReadonlySet<string> {
    return this.#subscriptions.symbols
  }

  /** Answers those it has room for, and subscribes them when the connection stands. */
  take(symbols: readonly string[], connection: Connection | undefined): string[] {
    const taken: string[] = []
    for (const symbol of symbols) {
      if (!this.#subscriptions.add(symbol)) break
      taken.push(symbol)
    }
    if (connection?.open) this.#ask('subscribe', taken, connection)
    return taken
  }

  drop(symbols: readonly string[], connection: Connection | undefined): void {
    const dropped = symbols.filter((symbol) => this.#subscriptions.remove(symbol))
    if (connection?.open) this.#ask('unsubscribe', dropped, connection)
  }

  instruments(): number[] {
    return [...this.#subscriptions.symbols].map((symbol) => this.#options.idOf.get(symbol) as number)
  }

  opened(connection: Connection): void {
    this.#asked = []
    if (this.#subscriptions.symbols.size === 0) connection.stands()
    this.#ask('subscribe', [...this.#subscriptions.symbols], connection)
  }

  ping(connection: Connection): void {
    connection.send('{"op":"ping"}')
  }

  message(data: Buffer, binary: boolean, connection: Connection): void {
    const { session, reader } = this.#options
    if (!binary && reader.scan(data, session.clock.now(), session.outbox.rows)) {
      session.outbox.added(1)
      return
    }
    const message = binary ? undefined : parsed(data)
    if (message === undefined) session.count('malformed')
    else if (typeof message.topic === 'string') {
      const reason = message.topic.startsWith('tickers.') ? reader.append(message, session.clock.now(), session.outbox.rows) : 'stranger'
      if (reason === undefined) session.outbox.added(1)
      else session.count(reason)
    } else this.#control(message, connection)
  }

  #control(message: Answer, connection: Connection): void {
    const { session } = this.#options
    const { op, type, success, args } = message
    if (op === 'pong' || op === 'ping') {
      const ts = Array.isArray(args) ? Number(args[0]) * 1000 : NaN
      if (Number.isSafeInteger(ts)) session.outbox.put({ kind: 'heartbeat', ts })
    } else if (type === 'COMMAND_RESP' || op === 'subscribe' || op === 'unsubscribe') this.#answered(success === true, message, connection)
    else session.count('unknown')
  }

  /** A refusal that does not name what it refuses is asked again in halves, down to the symbol that is the reason. */
  #answered(success: boolean, { data }: Answer, connection: Connection): void {
    const request = this.#asked.shift()
    if (request === undefined) {
      this.#options.session.count('unknown')
      return
    }
    if (request.op === 'subscribe') {
      const named = Array.isArray(data?.['failTopics']) ? (data['failTopics'] as unknown[]) : []
      const failed = request.symbols.filter((symbol) => named.includes(topicOf(symbol)))
      if (failed.length > 0) this.#refuse(failed)
      else if (!success && request.symbols.length > 1) {
        this.#ask('subscribe', request.symbols, connection, Math.ceil(request.symbols.length / 2))
        return
      } else if (!success) this.#refuse(request.symbols)
    }
    if (this.#asked.length === 0) connection.stands()
  }

  #refuse(symbols: readonly string[]): void {
    const { session, idOf } = this.#options
    for (const symbol of symbols) this.#subscriptions.remove(symbol)
    session.refused(
      this,
      symbols.map((symbol) => idOf.get(symbol) as number),
    )
  }

  #ask(op: 'subscribe' | 'unsubscribe', symbols: readonly string[], connection: Connection, most = this.#options.chunk): void {
    for (const part of chunks(symbols, most)) {
      this.#asked.push({ op, symbols: part })
      connection.send(JSON.stringify({ op, args: part.map(topicOf) }))
    }
    if (this.#asked.length > 0) connection.awaitsAnswer()
  }
}

function parsed(data: Buffer): Answer | undefined {
  try {
    const value: unknown = JSON.parse(data.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    // What is no JSON is counted by whoever asked.
    return undefined
  }
}
