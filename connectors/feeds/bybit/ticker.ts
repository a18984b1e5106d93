import { Quote } from '../../../core/market.ts'
import { OptionQuote } from '../../../core/optionQuote.ts'
import type { RowBuffer } from '../../../core/rowBuffer.ts'

/**
 * A ticker of Bybit's option stream as a row. All its values are texts.
 *
 * | column | field |
 * | --- | --- |
 * | ts | `ts` of the message, to the millisecond |
 * | price | lastPrice; NaN: never traded |
 * | volume | totalVolume: all that ever traded, so that differences are right; volume24h falls as its window moves on |
 * | oi | openInterest |
 * | bid, ask, bidSize, askSize | NaN where that side of the book is empty, which the feed writes 0 |
 * | mark, forward, iv | markPrice, underlyingPrice, markPriceIv |
 * | delta, gamma, vega, theta | as sent |
 * | lastTrade, rho | NaN: not sent |
 */
export const BybitTicker = { ...Quote, ...OptionQuote } as const
export type BybitTicker = typeof BybitTicker

export interface TickerMessage {
  readonly topic?: unknown
  readonly ts?: unknown
  readonly data?: Readonly<Record<string, unknown>> | null
}

/** Writes tickers into columns. */
export class TickerReader {
  /** Values that are no number, of rows that were written with NaN in their place. */
  unreadable = 0
  readonly #idOf: ReadonlyMap<string, number>

  /** `idOf`: the instrument of a symbol. */
  constructor(idOf: ReadonlyMap<string, number>) {
    this.#idOf = idOf
  }

  /** `received` in microseconds. A reason: the message was not a row. */
  append({ ts, data }: TickerMessage, received: number, rows: RowBuffer<BybitTicker>): 'malformed' | 'stranger' | undefined {
    if (typeof ts !== 'number' || !Number.isSafeInteger(ts * 1000) || ts <= 0 || typeof data !== 'object' || data === null) return 'malformed'
    const id = this.#idOf.get(data['symbol'] as string)
    if (id === undefined) return typeof data['symbol'] === 'string' ? 'stranger' : 'malformed'
    const row = rows.n
    rows.reserve(row + 1)
    const { col } = rows
    const bid = this.#price(data['bidPrice'])
    const ask = this.#price(data['askPrice'])
    col.ts[row] = ts * 1000
    col.instrument[row] = id
    col.price[row] = this.#price(data['lastPrice'])
    col.volume[row] = this.#number(data['totalVolume'])
    col.oi[row] = this.#number(data['openInterest'])
    col.bid[row] = bid
    col.ask[row] = ask
    col.bidSize[row] = Number.isNaN(bid) ? NaN : this.#number(data['bidSize'])
    col.askSize[row] = Number.isNaN(ask) ? NaN : this.#number(data['askSize'])
    col.received[row] = received
    col.lastTrade[row] = NaN
    col.mark[row] = this.#number(data['markPrice'])
    col.forward[row] = this.#price(data['underlyingPrice'])
    col.iv[row] = this.#price(data['markPriceIv'])
    col.delta[row] = this.#number(data['delta'])
    col.gamma[row] = this.#number(data['gamma'])
    col.vega[row] = this.#number(data['vega'])
    col.theta[row] = this.#number(data['theta'])
    col.rho[row] = NaN
    rows.n = row + 1
    return undefined
  }

  /** Of 0, and below, the feed means that there is none. */
  #price(text: unknown): number {
    const value = this.#number(text)
    return value > 0 ? value : NaN
  }

  #number(text: unknown): number {
    if (text === '' || text === undefined || text === null) return NaN
    if (typeof text === 'string' && isNumeral(text)) {
      const value = +text
      if (Number.isFinite(value)) return value
    }
    this.unreadable++
    return NaN
  }
}

/** Begins as a number does. What follows wrongly makes NaN of it; but blanks, `0x10` and the like are numbers to JavaScript. */
function isNumeral(text: string): boolean {
  const first = text.charCodeAt(text.charCodeAt(0) === 45 ? 1 : 0)
  const second = text.charCodeAt(1) | 32
  return first >= 48 && first <= 57 && second !== 120 && second !== 98 && second !== 111
}
