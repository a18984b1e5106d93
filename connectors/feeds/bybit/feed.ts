import { messageOf } from '../../../core/errors.ts'
import type { Instruments } from '../../../core/instruments.ts'
import { Backoff } from '../attempts.ts'
import { type FeedClock, systemClock } from '../clock.ts'
import type { Connection } from '../connection.ts'
import type { Feed, FeedEvent } from '../feed.ts'
import { Session, type SessionOptions } from '../session.ts'
import { BybitLine } from './line.ts'
import { fetchListing, keepListing, type ListedOption, type ListingOptions, readListing } from './listing.ts'
import { type BybitLimits, bybitLimits } from './subscriptions.ts'
import { BybitTicker, TickerReader } from './ticker.ts'

/** Times in milliseconds. */
export interface BybitFeedOptions {
  readonly coins: readonly string[]
  readonly instruments: Instruments
  /** The instrument's name for a symbol of Bybit; throws for what is no option. */
  nameOf(symbol: string): string
  readonly rest?: string
  readonly stream?: string
  /** Where the listing is kept; without it the exchange is asked at every start. */
  readonly listingFile?: string
  /** How old the kept listing may be at the start: a day. */
  readonly listingAge?: number
  /** Between two looks for new listings. */
  readonly refresh?: number
  /** Topics of one request. */
  readonly chunk?: number
  readonly limits?: BybitLimits
  readonly page?: number
  readonly clock?: FeedClock
  readonly session?: Partial<Omit<SessionOptions<BybitTicker>, 'columns' | 'clock'>>
  /** What went wrong and is tried again. */
  say?(message: string): void
}

const MINUTE = 60_000

/** 500 connections in 5 minutes are documented, for an address: some are left to others. */
const budget = { most: 400, window: 5 * MINUTE }
const times = { ping: 20_000, silence: 45_000, answer: 10_000, settled: MINUTE, farewell: 1000 }
const usual = { times, budget, backoff: { first: 500, most: 30_000 }, largest: 1_000_000, enough: 512, linger: 20, most: 100_000 }

/**
 * The tickers of all options of some coins, as `BybitTicker` rows. The listing is fetched page by page or taken from
 * its file, and looked at again while the feed runs: what is new is subscribed, what has expired is not any more. One
 * connection has as many symbols as the limits allow.
 */
export class BybitFeed implements Feed<BybitTicker> {
  readonly columns = BybitTicker
  readonly #options: BybitFeedOptions
  readonly #listing: ListingOptions
  readonly #session: Session<BybitTicker>
  readonly #clock: FeedClock
  readonly #idOf = new Map<string, number>()
  readonly #reader = new TickerReader(this.#idOf)
  readonly #lines = new Map<BybitLine, Connection>()
  readonly #delivery = new Map<string, number>()

  constructor(options: BybitFeedOptions) {
    const { coins, rest = 'https://api.bybit.com', page = 1000, clock = systemClock, session } = options
    this.#options = options
    this.#clock = clock
    this.#listing = { rest, coins, page, timeout: 15_000 }
    this.#session = new Session({ ...usual, ...session, columns: BybitTicker, clock })
  }

  counts(): Readonly<Record<string, number>> {
    const subscribed = [...this.#lines.keys()].reduce((sum, { symbols }) => sum + symbols.size, 0)
    return { ...this.#session.counts, unreadable: this.#reader.unreadable, lines: this.#lines.size, subscribed }
  }

  /** Throws FEED_UNREACHABLE and FEED_REFUSED when there is no listing, neither fetched nor kept. */
  start(signal: AbortSignal): AsyncGenerator<FeedEvent<BybitTicker>> {
    return this.#session.run(signal, () => this.#begin())
  }

  async #begin(): Promise<void> {
    const { listingFile, listingAge = 24 * 60 * MINUTE, refresh = 10 * MINUTE } = this.#options
    const kept = listingFile === undefined ? undefined : readListing(listingFile, this.#listing)
    const fresh = kept !== undefined && this.#millis() - kept.at < listingAge
    let listed = kept?.options
    if (!fresh) {
      try {
        listed = await this.#fetch()
      } catch (thrown) {
        if (listed === undefined) throw thrown
        this.#failed(thrown)
      }
    }
    this.#subscribe(listed as readonly ListedOption[])
    this.#refreshAfter(refresh, new Backoff({ first: MINUTE / 2, most: refresh }, this.#clock))
  }

  async #fetch(): Promise<ListedOption[]> {
    const options = await fetchListing(this.#listing, this.#session.signal)
    const { listingFile } = this.#options
    if (listingFile !== undefined)
      await keepListing(listingFile, this.#listing, { at: this.#millis(), options }).catch((thrown) => this.#failed(thrown))
    return options
  }

  #refreshAfter(wait: number, backoff: Backoff): void {
    const { refresh = 10 * MINUTE } = this.#options
    const cancel = this.#clock.after(wait, () => void again())
    const again = async (): Promise<void> => {
      this.#session.signal.removeEventListener('abort', cancel)
      let next = refresh
      try {
        this.#subscribe(await this.#fetch())
        this.#session.count('refreshes')
        backoff.reset()
      } catch (thrown) {
        if (this.#session.signal.aborted) return
        this.#failed(thrown)
        next = backoff.next()
      }
      this.#refreshAfter(next, backoff)
    }
    this.#session.signal.addEventListener('abort', cancel, { once: true })
    if (this.#session.signal.aborted) cancel()
  }

  /** Options that the exchange left out before they ended stay: a listing that is short by mistake must not end a stream. */
  #subscribe(listed: readonly ListedOption[]): void {
    if (this.#session.signal.aborted) return
    const now = this.#millis()
    for (const { symbol, delivery } of listed) if (!(delivery <= now) && this.#name(symbol)) this.#delivery.set(symbol, delivery)
    const ended = [...this.#delivery].filter(([, delivery]) => delivery <= now).map(([symbol]) => symbol)
    for (const symbol of ended) this.#delivery.delete(symbol)
    for (const [line, connection] of this.#lines) this.#leave(line, connection, ended)
    for (const symbol of ended) this.#idOf.delete(symbol)
    const subscribed = new Set([...this.#lines.keys()].flatMap(({ symbols }) => [...symbols]))
    let wanted = [...this.#delivery.keys()].filter((symbol) => !subscribed.has(symbol))
    for (const [line, connection] of this.#lines) wanted = wanted.slice(line.take(wanted, connection).length)
    while (wanted.length > 0) wanted = wanted.slice(this.#line(wanted))
  }

  #leave(line: BybitLine, connection: Connection, ended: readonly string[]): void {
    line.drop(ended, connection)
    if (line.symbols.size > 0) return
    this.#lines.delete(line)
    void this.#session.close(line)
  }

  /** A connection of its own for as many as it holds; answers how many. */
  #line(wanted: readonly string[]): number {
    const { stream = 'wss://stream.bybit.com/v5/public/option', limits = bybitLimits, chunk = 25 } = this.#options
    const line = new BybitLine({ url: stream, session: this.#session, reader: this.#reader, idOf: this.#idOf, limits, chunk })
    const taken = line.take(wanted, undefined)
    if (taken.length === 0) throw new RangeError(`${wanted[0]} fits on no connection`)
    this.#lines.set(line, this.#session.open(line))
    return taken.length
  }

  /** False: the symbol stands for no option, is counted and left out. */
  #name(symbol: string): boolean {
    if (this.#idOf.has(symbol)) return true
    try {
      this.#idOf.set(symbol, this.#options.instruments.id(this.#options.nameOf(symbol)))
      return true
    } catch (thrown) {
      this.#session.count('unnamed')
      this.#options.say?.(messageOf(thrown))
      return false
    }
  }

  #failed(thrown: unknown): void {
    this.#session.count('listing failures')
    this.#options.say?.(`the listing of options: ${messageOf(thrown)}`)
  }

  #millis(): number {
    return this.#clock.now() / 1000
  }
}
