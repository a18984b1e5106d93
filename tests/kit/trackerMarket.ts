import { formatBybitSymbol } from '../../markets/bybit/symbols.ts'
import { digits, frameOf, put, type TickerFrame } from './trackerTicker.ts'

/** An option of the listing. */
export interface TrackedOption {
  readonly symbol: string
  readonly coin: string
  /** Milliseconds. */
  readonly delivery: number
  readonly strike: number
  readonly type: 'CE' | 'PE'
}

const DAY = 86_400_000
const spots: Readonly<Record<string, number>> = { BTC: 95_000, ETH: 3_200, SOL: 180 }

/**
 * `symbols` options in all, evenly over the coins: chains of up to 150 strikes around the spot, calls and puts, that
 * expire on the Fridays after `now`, at 08:00 UTC.
 */
export function optionsOf(coins: readonly string[], symbols: number, now: number): TrackedOption[] {
  const options: TrackedOption[] = []
  for (const [c, coin] of coins.entries()) {
    const wanted = Math.floor(symbols / coins.length) + (c < symbols % coins.length ? 1 : 0)
    const expiries = Math.max(1, Math.min(8, Math.ceil(wanted / 20)), Math.ceil(wanted / 300))
    const strikes = Math.ceil(wanted / expiries / 2)
    for (let i = 0; i < wanted; i++) options.push(optionOf(coin, now, Math.floor(i / (strikes * 2)), i % (strikes * 2), strikes))
  }
  return options
}

function optionOf(coin: string, now: number, week: number, place: number, strikes: number): TrackedOption {
  const spot = spots[coin] ?? 1000
  const step = spot / 200
  const strike = spot + (Math.floor(place / 2) - Math.floor(strikes / 2)) * step
  // 1970-01-02 was a Friday.
  const friday = (Math.floor((now / DAY - 1) / 7) + 1 + week) * 7 * DAY + DAY
  const type = place % 2 === 0 ? 'CE' : 'PE'
  const expiry = new Date(friday).toISOString().slice(0, 10)
  return {
    symbol: formatBybitSymbol({ kind: 'option', underlying: `${coin}-USDT`, expiry, strike, type }),
    coin,
    delivery: friday + DAY / 3,
    strike,
    type,
  }
}

/**
 * What the options' tickers say, message by message: prices walk a tick up or down, book sizes, volatilities and greeks
 * move a little, volumes only rise. Seeded, and cheap: a message is a few digits changed in a frame made before.
 */
export class TickerWalk {
  readonly #frames: readonly TickerFrame[]
  /** Price in ticks of 0.1, from 1,000 to 9,999 of them. */
  readonly #level: Int32Array
  readonly #volume: Float64Array
  #random = 0x2f6e2b1

  constructor(options: readonly TrackedOption[]) {
    this.#frames = options.map(({ symbol, coin }) => frameOf(symbol, '500.0', (spots[coin] ?? 1000).toFixed(2)))
    this.#level = Int32Array.from(options, (_, i) => 2000 + ((i * 7919) % 6000))
    this.#volume = new Float64Array(options.length).fill(100_000)
  }

  /** The option's next frame, of the time `ts` in milliseconds; valid until it is asked for again. */
  next(option: number, ts: number): Buffer {
    const { frame, times, fields } = this.#frames[option]
    for (const at of times) digits(frame, at, 13, ts)
    const draw = this.#draw()
    let level = this.#level[option] + ((draw & 3) === 0 ? 1 : (draw & 3) === 1 ? -1 : 0)
    if (level < 1500 || level > 8900) level = 5000
    this.#level[option] = level
    const trades = (draw & 0x70) === 0
    if (trades) this.#volume[option] += 1 + ((draw >> 8) & 63)
    for (const field of fields) {
      if (field.name === 'bidPrice') put(frame, field, level)
      else if (field.name === 'askPrice') put(frame, field, level + 2 + (draw & 3))
      else if (field.name === 'lastPrice') {
        if (trades) put(frame, field, level + (draw & 1))
      } else if (field.name === 'markPrice') put(frame, field, (level + 1) * 10_000_000 + (this.#draw() % 10_000_000))
      else if (field.name === 'totalVolume') put(frame, field, this.#volume[option] % 1_000_000)
      else this.#digit(frame, field)
    }
    return frame
  }

  /** Another last digit, and sometimes another one before it. */
  #digit(frame: Buffer, { at, whole, decimals }: TickerFrame['fields'][number]): void {
    const last = at + whole + decimals
    const draw = this.#draw()
    frame[decimals === 0 ? last - 1 : last] = 48 + (draw % 10)
    if (decimals > 1 && (draw & 0x300) === 0) frame[last - 1] = 48 + ((draw >> 12) % 10)
  }

  /** A linear congruence of 31 bits, without its worst bits. */
  #draw(): number {
    this.#random = (Math.imul(this.#random, 1103515245) + 12345) & 0x7fffffff
    return this.#random >> 4
  }
}
