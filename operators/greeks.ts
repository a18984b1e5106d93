import type { OperatorFunction } from 'rxjs'
import { type Batch, type Column, type Columns, withColumns } from '../core/batch.ts'
import { impliedVolatility } from '../core/impliedVolatility.ts'
import type { Tick } from '../core/market.ts'
import { black76Greeks, blackScholesGreeks, OptionGreeks, type OptionSign } from '../core/optionPricing.ts'
import { Greeks } from '../core/optionQuote.ts'
import type { Step } from '../core/step.ts'
import { f64, type Table } from '../core/table.ts'
import { DAY, SECOND } from '../core/time.ts'
import { type ExpiryTime, OptionTerms } from './optionTerms.ts'

/** `mark`: the exchange's valuation; `mid`: between bid and ask, both known; `last`: the last trade, however old it is. */
export type PriceOf = 'mark' | 'mid' | 'last'

export interface GreeksOptions {
  /** The rate money earns a year, continuously: 0.065 for 6.5 %. */
  readonly rate: number
  readonly expiryTime: ExpiryTime
  /** Which price the volatility is implied by: the first of these that the row has. Default mark, then mid. */
  readonly prices?: readonly PriceOf[]
  /** Seconds after which the price of an underlying is no longer that of now. Default 60. */
  readonly maxAge?: number
}

const YEAR = 365 * DAY
const fields = { price: f64(NaN), ts: f64(NaN) }
const names = Object.keys(Greeks) as readonly (keyof Greeks)[]
/** What the derivatives by calculus are divided by: core/optionQuote.ts. */
const [POINTS, DAYS] = [100, 365]

/**
 * Adds to options what their feed does not say of `iv`, `delta`, `gamma`, `vega`, `theta` and `rho`; what it does say
 * stays. Units: core/optionQuote.ts.
 *
 *     the underlying                                       by
 *     column `forward` of the row                          Black 1976
 *     else the newest price of the future of that expiry   Black 1976
 *     else the newest price of the spot                    Black and Scholes, carried at `rate`
 *
 * Time to expiry is counted from the row's ts, a year being 365 days. A volatility that is given (above 0) is not
 * computed, and the rest follows from it. NaN, and counted: `noUnderlying` where none has a price of the last `maxAge`
 * seconds, `noPrice`, `outOfBounds` where no volatility gives the price or 0 does, `expired`. Other instruments get NaN.
 *
 * Takes rows in the order of event time. Rows: one out per row in, in order. State: the newest price a spot and future.
 */
export function greeks<S extends Tick>(step: Step, options: GreeksOptions): OperatorFunction<Batch<S>, Batch<S & Greeks>> {
  const terms = new OptionTerms(step.instruments, options.expiryTime)
  const newest = step.table('underlyings', { version: 1, fields })
  const out = step.scratch(Greeks)
  const valuation = new Valuation(terms, newest, options, {
    noUnderlying: step.counter('noUnderlying'),
    noPrice: step.counter('noPrice'),
    outOfBounds: step.counter('outOfBounds'),
    expired: step.counter('expired'),
  })

  return step.map<S, S & Greeks>((batch) => {
    terms.cover()
    newest.cover()
    out.reserve(batch.n)
    const col = batch.col as unknown as OptionColumns
    for (let i = 0; i < batch.n; i++) {
      const id = col.instrument[i]
      if (terms.sign[id] !== 0) valuation.fill(col, i, out.col)
      else {
        blank(out.col, i)
        if (col.price[i] > 0) note(newest, id, col.price[i], col.ts[i])
      }
    }
    return withColumns<S, Greeks>(batch, out.col)
  })
}

type OptionColumns = Columns<Tick> & Partial<Columns<{ mark: 'f64'; forward: 'f64' } & Greeks>>
interface Reasons {
  readonly [reason: string]: { add(rows: number): void }
}

function note(newest: Table<typeof fields>, id: number, price: number, ts: number): void {
  const k = newest.slot(id)
  newest.col.price[k] = price
  newest.col.ts[k] = ts
}

function blank(out: Columns<Greeks>, i: number): void {
  for (const name of names) out[name][i] = Number.NaN
}

/** One row after the other, through one set of numbers. */
class Valuation {
  readonly #terms: OptionTerms
  readonly #newest: Table<typeof fields>
  readonly #rate: number
  readonly #prices: readonly PriceOf[]
  readonly #maxAge: number
  readonly #reasons: Reasons
  readonly #greeks = new OptionGreeks()
  /** Of the row at hand: the price of the underlying, and whether it is that of today and not of the expiry. */
  #price = Number.NaN
  #isSpot = false

  constructor(terms: OptionTerms, newest: Table<typeof fields>, options: GreeksOptions, reasons: Reasons) {
    this.#terms = terms
    this.#newest = newest
    this.#rate = options.rate
    this.#prices = options.prices ?? ['mark', 'mid']
    this.#maxAge = (options.maxAge ?? 60) * SECOND
    this.#reasons = reasons
  }

  fill(col: OptionColumns, i: number, out: Columns<Greeks>): void {
    if (given(col, i)) {
      for (const name of names) out[name][i] = (col[name] as Float64Array)[i]
      return
    }
    const iv = this.#derive(col, i)
    const { delta, gamma, vega, theta, rho } = this.#greeks
    out.iv[i] = iv
    out.delta[i] = kept(col.delta, i, delta)
    out.gamma[i] = kept(col.gamma, i, gamma)
    out.vega[i] = kept(col.vega, i, vega / POINTS)
    out.theta[i] = kept(col.theta, i, theta / DAYS)
    out.rho[i] = kept(col.rho, i, rho / POINTS)
  }

  /** Fills #greeks, with NaN where there is no answer, and returns the volatility, that of the row if it has one. */
  #derive(col: OptionColumns, i: number): number {
    const id = col.instrument[i]
    const stated = col.iv !== undefined && col.iv[i] > 0 ? col.iv[i] : Number.NaN
    const years = (this.#terms.expiry(id, col.ts[i]) - col.ts[i]) / YEAR
    this.#greeks.clear()
    if (!(years > 0)) return this.#without('expired', stated)
    this.#findUnderlying(col, i, id)
    if (!(this.#price > 0)) return this.#without('noUnderlying', stated)
    const sign = this.#terms.sign[id] as OptionSign
    const strike = this.#terms.strike[id]
    const rate = this.#rate
    let iv = stated
    if (Number.isNaN(iv)) {
      const price = this.#optionPrice(col, i)
      if (!(price > 0)) return this.#without('noPrice', Number.NaN)
      const forward = this.#isSpot ? this.#price * Math.exp(rate * years) : this.#price
      iv = impliedVolatility(sign, price, forward, strike, years, rate)
      if (!(iv > 0)) return this.#without('outOfBounds', Number.NaN)
    }
    if (this.#isSpot) blackScholesGreeks(this.#greeks, sign, this.#price, strike, years, rate, iv)
    else black76Greeks(this.#greeks, sign, this.#price, strike, years, rate, iv)
    return iv
  }

  #without(reason: string, iv: number): number {
    this.#reasons[reason].add(1)
    return iv
  }

  #findUnderlying(col: OptionColumns, i: number, id: number): void {
    this.#isSpot = false
    this.#price = col.forward === undefined ? Number.NaN : col.forward[i]
    if (this.#price > 0) return
    this.#price = this.#newestOf(this.#terms.future(id), col.ts[i])
    if (this.#price > 0) return
    this.#isSpot = true
    this.#price = this.#newestOf(this.#terms.spot(id), col.ts[i])
  }

  #newestOf(id: number, ts: number): number {
    const k = id < 0 ? -1 : this.#newest.slotOf[id]
    return k >= 0 && ts - this.#newest.col.ts[k] <= this.#maxAge ? this.#newest.col.price[k] : Number.NaN
  }

  #optionPrice(col: OptionColumns, i: number): number {
    for (let p = 0; p < this.#prices.length; p++) {
      const price = priceOf(this.#prices[p], col, i)
      if (price > 0) return price
    }
    return Number.NaN
  }
}

function priceOf(kind: PriceOf, col: OptionColumns, i: number): number {
  if (kind === 'last') return col.price[i]
  if (kind === 'mark') return col.mark === undefined ? Number.NaN : col.mark[i]
  const [bid, ask] = [col.bid[i], col.ask[i]]
  return bid > 0 && ask >= bid ? bid + (ask - bid) / 2 : Number.NaN
}

/** Whether the feed says all of it. */
function given(col: OptionColumns, i: number): boolean {
  for (const name of names) {
    const column: Column | undefined = col[name]
    if (column === undefined || Number.isNaN(column[i])) return false
  }
  return (col.iv as Float64Array)[i] > 0
}

function kept(column: Float64Array | undefined, i: number, computed: number): number {
  return column === undefined || Number.isNaN(column[i]) ? computed : column[i]
}
