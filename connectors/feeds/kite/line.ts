import { TickloomError } from '../../../core/errors.ts'
import type { Connection } from '../connection.ts'
import type { ExchangeTime } from '../exchangeTime.ts'
import type { Line, Session } from '../session.ts'
import type { KiteCredentials } from './credentials.ts'
import type { KiteTick, PacketReader } from './packets.ts'

export interface KiteLineOptions {
  readonly url: string
  readonly tokens: readonly number[]
  readonly session: Session<KiteTick>
  readonly reader: PacketReader
  readonly time: ExchangeTime
  readonly idOf: ReadonlyMap<number, number>
  readonly credentials: KiteCredentials
  /** Tokens of one request. */
  readonly chunk: number
  /** What Kite says in words. */
  say?(message: string): void
}

/** One connection to Kite's stream. Kite acknowledges no subscription: it stands once packets come, or nothing but beats. */
export class KiteLine implements Line {
  readonly #options: KiteLineOptions
  /** Beats since the subscription was asked for. */
  #beats = 0

  constructor(options: KiteLineOptions) {
    this.#options = options
  }

  get url(): string {
    return this.#options.url
  }

  instruments(): number[] {
    const { tokens, idOf } = this.#options
    return tokens.map((token) => idOf.get(token) as number)
  }

  opened(connection: Connection): void {
    const { tokens, chunk } = this.#options
    this.#beats = 0
    for (let from = 0; from < tokens.length; from += chunk) {
      const part = tokens.slice(from, from + chunk)
      connection.send(JSON.stringify({ a: 'subscribe', v: part }))
      connection.send(JSON.stringify({ a: 'mode', v: ['full', part] }))
    }
    connection.awaitsAnswer()
  }

  ping(connection: Connection): void {
    connection.ping()
  }

  message(data: Buffer, binary: boolean, connection: Connection): void {
    const { session, reader, time } = this.#options
    if (!binary) this.#words(data)
    else if (data.length === 1) this.#beat(connection)
    else {
      const { rows } = session.outbox
      const before = rows.n
      const added = reader.append(data, session.clock.now(), rows)
      for (let row = before; row < rows.n; row++) time.heard(rows.col.ts[row])
      if (added > 0) session.outbox.added(added)
      connection.stands()
    }
  }

  status(status: number): void {
    if (status === 400 || status === 401 || status === 403)
      throw new TickloomError('FEED_REFUSED', `Kite answered ${status}: it does not accept the key and access token, which is good for one day`, {
        status,
      })
  }

  /** A byte: there is nothing to say, so time went on. The first may have been under way before the request was read. */
  #beat(connection: Connection): void {
    const { session, time } = this.#options
    session.count('beats')
    if (++this.#beats >= 2) connection.stands()
    const ts = time.reached()
    if (Number.isFinite(ts)) session.outbox.put({ kind: 'heartbeat', ts })
  }

  /** Orders of the account come here too, and are nobody's concern. */
  #words(data: Buffer): void {
    const { session, credentials, say } = this.#options
    const message = parsed(data)
    if (message === undefined) session.count('malformed')
    else if (message.type === 'error') {
      session.count('errors')
      say?.(credentials.hidden(`Kite says: ${String(message.data)}`))
    } else if (message.type === 'order' || message.type === 'message') session.count(`${message.type}s`)
    else session.count('unknown')
  }
}

function parsed(data: Buffer): { readonly type?: unknown; readonly data?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(data.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    // What is no JSON is counted by whoever asked.
    return undefined
  }
}
