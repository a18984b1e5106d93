import { Quote } from '../../../core/market.ts'
import type { RowBuffer } from '../../../core/rowBuffer.ts'
import { HOUR, SECOND } from '../../../core/time.ts'

/** The bytes of a packet say what it is. Offsets within it. */
const LTP = 8
const INDEX_QUOTE = 28
const INDEX_FULL = 32
const QUOTE = 44
const FULL = 184
const AT = { token: 0, price: 4, indexTime: 28, volume: 16, lastTrade: 44, oi: 48, time: 60, bid: 64, ask: 124 } as const

/** What prices of a segment, which is the token's last byte, are divided by. */
const CDS = 3
const BCD = 6
const divisorOf = (token: number): number => ((token & 0xff) === CDS ? 10_000_000 : (token & 0xff) === BCD ? 10_000 : 100)

/** What is no row, or a strange one, by reason. */
export interface PacketCounts {
  /** Frames and packets that are not of the form below. */
  malformed: number
  /** Of an instrument that was not asked for. */
  stranger: number
  /** Without the exchange's time, as in modes other than `full`: Kite sends some until it has heard which mode is wanted. */
  partial: number
  /** In the mode `full`, and yet its time is 0. */
  untimed: number
  /** Rows whose time is more than an hour ahead of the reader's clock: a zone was added somewhere, or that clock is wrong. */
  ahead: number
}

/**
 * Writes Kite's binary frames into columns.
 *
 *     frame    int16 number of packets, then of each: int16 length, packet
 *     packet   184 bytes: full; 32: an index in full; 44, 28, 8: other modes, which have no time
 *
 * Numbers are big-endian; quantities unsigned, so that a volume of 2^31 and more is what it is; prices hundredths of a
 * rupee, in currency segments other parts. Times are seconds of the epoch, UTC, whatever the wall clock of the market.
 *
 * | column | field |
 * | --- | --- |
 * | ts | the exchange's time, to the second; never that of the last trade |
 * | price | last price; NaN where there is none, which the feed writes 0 |
 * | volume | of the day; NaN for an index, as are oi and the book |
 * | bid, ask, bidSize, askSize | the first level; NaN where that side is empty |
 * | lastTrade | NaN: no trade yet |
 */
export class PacketReader {
  readonly counts: PacketCounts = { malformed: 0, stranger: 0, partial: 0, untimed: 0, ahead: 0 }
  readonly #idOf: ReadonlyMap<number, number>

  /** `idOf`: the instrument of a token. */
  constructor(idOf: ReadonlyMap<number, number>) {
    this.#idOf = idOf
  }

  /** Answers how many rows were added. Packets before a fault of the frame are rows. `received` in microseconds. */
  append(frame: Buffer, received: number, rows: RowBuffer<Quote>): number {
    const before = rows.n
    if (frame.length < 2) return this.#malformed()
    const packets = frame.readUInt16BE(0)
    rows.reserve(before + Math.min(packets, Math.floor(frame.length / INDEX_FULL)))
    let at = 2
    for (let i = 0; i < packets; i++) {
      const length = at + 2 <= frame.length ? frame.readUInt16BE(at) : Infinity
      at += 2
      if (at + length > frame.length) {
        this.#malformed()
        return rows.n - before
      }
      this.#packet(frame, at, length, received, rows)
      at += length
    }
    if (at !== frame.length) this.#malformed()
    return rows.n - before
  }

  #packet(frame: Buffer, at: number, length: number, received: number, rows: RowBuffer<Quote>): void {
    if (length === LTP || length === QUOTE || length === INDEX_QUOTE) {
      this.counts.partial++
      return
    }
    if (length !== FULL && length !== INDEX_FULL) {
      this.#malformed()
      return
    }
    const token = frame.readUInt32BE(at + AT.token)
    const id = this.#idOf.get(token)
    const seconds = frame.readUInt32BE(at + (length === FULL ? AT.time : AT.indexTime))
    if (id === undefined) this.counts.stranger++
    else if (seconds === 0) this.counts.untimed++
    else {
      const { col, n } = rows
      col.ts[n] = seconds * SECOND
      if (col.ts[n] > received + HOUR) this.counts.ahead++
      col.instrument[n] = id
      col.price[n] = priceAt(frame, at + AT.price, divisorOf(token))
      col.received[n] = received
      if (length === FULL) full(frame, at, divisorOf(token), rows)
      else none(rows)
      rows.n = n + 1
    }
  }

  #malformed(): number {
    this.counts.malformed++
    return 0
  }
}

function full(frame: Buffer, at: number, divisor: number, { col, n }: RowBuffer<Quote>): void {
  const traded = frame.readUInt32BE(at + AT.lastTrade)
  col.volume[n] = frame.readUInt32BE(at + AT.volume)
  col.oi[n] = frame.readUInt32BE(at + AT.oi)
  col.lastTrade[n] = traded === 0 ? NaN : traded * SECOND
  // A level: quantity, price, orders.
  col.bid[n] = priceAt(frame, at + AT.bid + 4, divisor)
  col.ask[n] = priceAt(frame, at + AT.ask + 4, divisor)
  col.bidSize[n] = Number.isNaN(col.bid[n]) ? NaN : frame.readUInt32BE(at + AT.bid)
  col.askSize[n] = Number.isNaN(col.ask[n]) ? NaN : frame.readUInt32BE(at + AT.ask)
}

function none({ col, n }: RowBuffer<Quote>): void {
  col.volume[n] = col.oi[n] = col.lastTrade[n] = col.bid[n] = col.ask[n] = col.bidSize[n] = col.askSize[n] = NaN
}

/** Signed, unlike quantities: what is 0 and below is none. */
function priceAt(frame: Buffer, at: number, divisor: number): number {
  const price = frame.readInt32BE(at)
  return price > 0 ? price / divisor : NaN
}

/** What the rows have. */
export const KiteTick = Quote
export type KiteTick = Quote
