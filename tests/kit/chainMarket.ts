import { boardColumns } from '../../cli/chainView.ts'
import { Board } from '../../connectors/board/board.ts'
import { Instruments } from '../../core/instruments.ts'
import { black76, black76Greeks, OptionGreeks, type OptionSign } from '../../core/optionPricing.ts'
import { OptionQuote } from '../../core/optionQuote.ts'
import type { Sink } from '../../core/ports.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'

/** Days from `now` to the expiries of the market, and how far apart strikes are. */
const expiries = [2, 9, 44, 135]
const chains = { 'BTC-USDT': { forward: 68_412.5, step: 1000, strikes: 41 }, 'ETH-USDT': { forward: 3_512.4, step: 50, strikes: 41 } } as const

/** A board with options as a market has them, priced by Black 1976, whose quotes a test moves. */
export class ChainMarket {
  readonly board = new Board({ output: 'quotes', columns: boardColumns })
  readonly instruments = new Instruments()
  /** What `fill` wrote, to be written again. */
  readonly #last = new RowBuffer(OptionQuote)
  readonly #greeks = new OptionGreeks()
  #sink: Sink | undefined
  #state = 1

  async open(): Promise<this> {
    const task = { topology: 't', run: 'r', partition: 'p', outputs: { quotes: OptionQuote }, instruments: this.instruments, committed: undefined }
    this.#sink = await this.board.open(task)
    return this
  }

  expiry(place: number): string {
    return new Date(Date.now() + expiries[place] * 86_400_000).toISOString().slice(0, 10)
  }

  /** Every option, quoted so many seconds ago. */
  fill(age: (strike: number, type: 'CE' | 'PE') => number): void {
    this.#last.clear()
    for (const [underlying, { forward, step, strikes }] of Object.entries(chains)) {
      for (const [place, days] of expiries.entries()) {
        for (let i = 0; i < strikes; i++) {
          const strike = Math.round(forward / step) * step + (i - (strikes >> 1)) * step
          for (const type of ['CE', 'PE'] as const)
            this.quote(underlying, place, strike, type, { age: age(strike, type), forward: forward * (1 + days * 1e-4) })
        }
      }
    }
  }

  /** Everything since `fill` again, at one bid. */
  again(bid: number): void {
    const { n, col } = this.#last
    col.bid.fill(bid, 0, n)
    col.ts.fill(Date.now() * 1000, 0, n)
    this.#sink?.write('quotes', this.#last.view(-Infinity))
  }

  /** One option's quote; what `over` does not say is computed. */
  quote(
    underlying: string,
    place: number,
    strike: number,
    type: 'CE' | 'PE',
    {
      age = 0,
      forward = chains[underlying as keyof typeof chains].forward,
      ...over
    }: { age?: number; forward?: number } & Partial<Record<keyof OptionQuote, number>>,
  ): void {
    const name = `${underlying}:${this.expiry(place)}:${strike}:${type}`
    const sign: OptionSign = type === 'CE' ? 1 : -1
    const years = expiries[place] / 365
    const iv = 0.52 + 0.35 * Math.log(strike / forward) ** 2 + this.#random() * 0.004
    black76Greeks(this.#greeks, sign, forward, strike, years, 0, iv)
    const mark = black76(sign, forward, strike, years, 0, iv)
    const tick = forward > 10_000 ? 5 : 0.1
    const round = (value: number) => Math.round(value / tick) * tick
    const { delta, gamma, vega, theta } = this.#greeks
    const far = Math.abs(Math.log(strike / forward)) * 30
    const row = {
      mark,
      bid: round(mark * 0.985 - tick) || Number.NaN,
      ask: round(mark * 1.015 + tick),
      price: far > 6 ? Number.NaN : round(mark * 1.002),
      iv,
      delta,
      gamma,
      vega: vega / 100,
      theta: theta / 365,
    }
    const rows = new RowBuffer(OptionQuote, 1)
    const col = rows.col as unknown as Record<string, Float64Array>
    for (const [column, value] of Object.entries({
      ...row,
      forward,
      oi: Math.round(900 * Math.exp(-far) * 10) / 10,
      volume: Math.round(120 * Math.exp(-far) * 10) / 10,
      rho: Number.NaN,
      ...over,
    }))
      col[column][0] = value
    rows.col.ts[0] = (Date.now() - age * 1000) * 1000
    rows.col.instrument[0] = this.instruments.id(name)
    rows.n = 1
    this.#sink?.write('quotes', rows.view(-Infinity))
    this.#last.append(rows.view(-Infinity))
  }

  #random(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return this.#state / 2 ** 32
  }
}
