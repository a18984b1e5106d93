import { messageOf, TickloomError } from '../../../core/errors.ts'
import type { Instruments } from '../../../core/instruments.ts'
import { type FeedClock, systemClock } from '../clock.ts'
import { ExchangeTime } from '../exchangeTime.ts'
import type { Feed, FeedEvent } from '../feed.ts'
import { Session, type SessionOptions } from '../session.ts'
import type { KiteCredentials } from './credentials.ts'
import { eachListed, type KiteInstrumentsOptions, type KiteListed } from './instruments.ts'
import { KiteLine } from './line.ts'

import { KiteTick, PacketReader } from './packets.ts'

/** What Kite documents: tokens of a connection, connections of a key. */
export interface KiteLimits {
  readonly tokens: number
  readonly connections: number
}

export const kiteLimits: KiteLimits = { tokens: 3000, connections: 3 }

export interface KiteFeedOptions extends Pick<KiteInstrumentsOptions, 'file' | 'keep'> {
  readonly credentials: KiteCredentials
  readonly instruments: Instruments
  /** The instrument's name of a row of the dump; undefined: it is not wanted. */
  nameOf(listed: KiteListed): string | undefined
  readonly rest?: string
  readonly stream?: string
  readonly limits?: KiteLimits
  /** Tokens of one request. */
  readonly chunk?: number
  readonly clock?: FeedClock
  readonly session?: Partial<Omit<SessionOptions<KiteTick>, 'columns' | 'clock'>>
  /** What went wrong and is passed over, and what Kite says in words. */
  say?(message: string): void
}

const times = { ping: 2500, silence: 10_000, answer: 10_000, settled: 60_000, farewell: 1000 }
/** Connections a minute: how many Kite allows is not documented. */
const budget = { most: 60, window: 60_000 }
const usual = { times, budget, backoff: { first: 500, most: 30_000 }, largest: 1_000_000, enough: 512, linger: 20, most: 100_000 }

/**
 * Quotes of Kite in its mode `full`, which has the exchange's time and the book. What a token stands for is in the dump
 * of instruments of the day. A key has `limits.connections` connections of `limits.tokens` instruments.
 */
export class KiteFeed implements Feed<KiteTick> {
  readonly columns = KiteTick
  readonly #options: KiteFeedOptions
  readonly #session: Session<KiteTick>
  readonly #clock: FeedClock
  readonly #idOf = new Map<number, number>()
  readonly #taken = new Set<number>()
  readonly #reader = new PacketReader(this.#idOf)
  readonly #time: ExchangeTime

  constructor(options: KiteFeedOptions) {
    const { clock = systemClock, session } = options
    this.#options = options
    this.#clock = clock
    this.#time = new ExchangeTime({ allowance: 0, reach: Infinity }, clock)
    this.#session = new Session({ ...usual, ...session, columns: KiteTick, clock })
  }

  counts(): Readonly<Record<string, number>> {
    const { counts } = this.#session
    const malformed = (counts['malformed'] ?? 0) + this.#reader.counts.malformed
    return { ...counts, ...this.#reader.counts, malformed, subscribed: this.#idOf.size }
  }

  /** Throws FEED_UNREACHABLE, FEED_REFUSED and INPUT_UNREADABLE where there are no instruments. */
  start(signal: AbortSignal): AsyncGenerator<FeedEvent<KiteTick>> {
    return this.#session.run(signal, () => this.#begin())
  }

  async #begin(): Promise<void> {
    const { file, keep, credentials, rest = 'https://api.kite.trade', limits = kiteLimits } = this.#options
    const source = { file, keep, credentials, rest, now: this.#clock.now(), signal: this.#session.signal, timeout: 60_000 }
    await eachListed({ ...source, onStale: (thrown) => this.#stale(thrown) }, (listed) => this.#take(listed))
    const most = limits.tokens * limits.connections
    const { size } = this.#idOf
    if (size === 0) throw new TickloomError('FEED_REFUSED', 'no instrument of the dump is wanted', {})
    if (size > most)
      throw new TickloomError('FEED_REFUSED', `${size} instruments are wanted, and a key has ${most} at most: fewer symbols, expiries or strikes`, {
        wanted: size,
        most,
      })
    const tokens = [...this.#idOf.keys()]
    for (let from = 0; from < size; from += limits.tokens) this.#open(tokens.slice(from, from + limits.tokens))
  }

  #open(tokens: readonly number[]): void {
    const { credentials, stream = 'wss://ws.kite.trade', chunk = 500, say } = this.#options
    if (this.#session.signal.aborted) return
    this.#session.open(
      new KiteLine({
        url: credentials.url(stream),
        tokens,
        session: this.#session,
        reader: this.#reader,
        time: this.#time,
        idOf: this.#idOf,
        credentials,
        chunk,
        say,
      }),
    )
  }

  #take(listed: KiteListed): void {
    try {
      const name = this.#options.nameOf(listed)
      if (name !== undefined) this.#name(listed, name)
    } catch (thrown) {
      this.#session.count('unnamed')
      this.#options.say?.(messageOf(thrown))
    }
  }

  /** Two that are traded in two places under one name would be mixed up: the first of the dump stays. */
  #name({ token, symbol, segment }: KiteListed, name: string): void {
    const id = this.#options.instruments.id(name)
    if (this.#taken.has(id)) {
      this.#session.count('namesakes')
      this.#options.say?.(`${symbol} of ${segment} is left out: another instrument is called ${name}`)
      return
    }
    this.#taken.add(id)
    this.#idOf.set(token, id)
  }

  #stale(thrown: unknown): void {
    this.#session.count('listing failures')
    this.#options.say?.(`the dump of instruments is one of before: ${messageOf(thrown)}`)
  }
}
