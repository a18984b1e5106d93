import { Quote } from '../../../core/market.ts'
import { OptionQuote } from '../../../core/optionQuote.ts'
import type { RowBuffer } from '../../../core/rowBuffer.ts'
import { TickerScan } from './tickerScan.ts'

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

const fields = [
  'lastPrice',
  'totalVolume',
  'openInterest',
  'bidPrice',
  'askPrice',
  'bidSize',
  'askSize',
  'markPrice',
  'underlyingPrice',
  'markPriceIv',
  'delta',
  'gamma',
  'vega',
  'theta',
] as const

/** Writes tickers into columns. */
export class TickerReader {
  /** Values that are no number, of rows that were written with NaN in their place. */
  unreadable = 0
  readonly #idOf: ReadonlyMap<string, number>
  readonly #scan = new TickerScan(fields)

  /** `idOf`: the instrument of a symbol. */
  constructor(idOf: ReadonlyMap<string, number>) {
    this.#idOf = idOf
  }

  /** `received` in microseconds. A reason: the message was not a row. */
  append({ ts, data }: TickerMessage, received: number, rows: RowBuffer<BybitTicker>): 'malformed' | 'stranger' | undefined {
    if (typeof ts !== 'number' || !Number.isSafeInteger(ts * 1000) || ts <= 0 || typeof data !== 'object' || data === null) return 'malformed'
    const id = this.#idOf.get(data['symbol'] as string)
    if (id === undefined) return typeof data['symbol'] === 'string' ? 'stranger' : 'malformed'
    const values = this.#scan.values
    for (let i = 0; i < fields.length; i++) values[i] = this.#number(data[fields[i]])
    write(id, ts, values, received, rows)
    return undefined
  }

  /** The same out of the bytes of a message, where they are as tickers usually are; false: nothing was written, it is to be parsed. */
  scan(data: Buffer, received: number, rows: RowBuffer<BybitTicker>): boolean {
    const scan = this.#scan
    if (!scan.read(data)) return false
    const id = this.#idOf.get(scan.symbol)
    if (id === undefined) return false
    write(id, scan.ts, scan.values, received, rows)
    return true
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

/** A row of values in the order of `fields`. `ts` in milliseconds. */
function write(id: number, ts: number, values: Float64Array, received: number, rows: RowBuffer<BybitTicker>): void {
  const row = rows.n
  rows.reserve(row + 1)
  const { col } = rows
  const [bid, ask] = [price(values[3]), price(values[4])]
  col.ts[row] = ts * 1000
  col.instrument[row] = id
  col.price[row] = price(values[0])
  col.volume[row] = values[1]
  col.oi[row] = values[2]
  col.bid[row] = bid
  col.ask[row] = ask
  col.bidSize[row] = Number.isNaN(bid) ? NaN : values[5]
  col.askSize[row] = Number.isNaN(ask) ? NaN : values[6]
  col.received[row] = received
  col.lastTrade[row] = NaN
  col.mark[row] = values[7]
  col.forward[row] = price(values[8])
  col.iv[row] = price(values[9])
  col.delta[row] = values[10]
  col.gamma[row] = values[11]
  col.vega[row] = values[12]
  col.theta[row] = values[13]
  col.rho[row] = NaN
  rows.n = row + 1
}

/** Of 0, and below, the feed means that there is none. */
function price(value: number): number {
  return value > 0 ? value : NaN
}
