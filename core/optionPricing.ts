import { erfcx, normalCdf, normalDensity } from './normal.ts'

/** +1 for the right to buy, -1 for the right to sell: what the formulas multiply by. */
export type OptionSign = 1 | -1
export const CALL = 1
export const PUT = -1

const TWO_OVER_ROOT_PI = 1.1283791670955126

/**
 * The derivatives of an option's price, by calculus: vega per 1.00 of volatility, theta per year that passes, rho per
 * 1.00 of the rate. Made once and filled again, so that a row costs no object.
 */
export class OptionGreeks {
  price = Number.NaN
  delta = Number.NaN
  gamma = Number.NaN
  vega = Number.NaN
  theta = Number.NaN
  rho = Number.NaN

  clear(): this {
    this.price = this.delta = this.gamma = this.vega = this.theta = this.rho = Number.NaN
    return this
  }
}

/**
 * Price of an option that is out of the money, in units of sqrt(F K): the one function that prices and implied
 * volatilities are computed from. Its relative error stays small where the price itself all but vanishes.
 *
 *     b(x, s) = e^(x/2) N(x/s + s/2) - e^(-x/2) N(x/s - s/2)      x = -|ln(F/K)|, s = volatility * sqrt(years)
 */
export function normalizedPrice(x: number, s: number): number {
  if (s <= 0) return 0
  const h = x / s
  const t = s / 2
  if (h + t > 0.5) return Math.exp(x / 2) * normalCdf(h + t) - Math.exp(-x / 2) * normalCdf(h - t)
  // Of two tails of nearly one size, only the scaled ones may be subtracted, and of those that are nearer still not even they.
  const scaled = t < 5e-3 ? fall(-h * Math.SQRT1_2, t * Math.SQRT1_2) : erfcx(-(h + t) * Math.SQRT1_2) - erfcx((t - h) * Math.SQRT1_2)
  return 0.5 * Math.exp(-0.5 * (h * h + t * t)) * scaled
}

/** erfcx(a - d) - erfcx(a + d) for a small d, by Taylor's series; derivative n + 1 is 2a times n plus 2n times n - 1. */
function fall(a: number, d: number): number {
  const f0 = erfcx(a)
  const f1 = 2 * a * f0 - TWO_OVER_ROOT_PI
  const f2 = 2 * (a * f1 + f0)
  const f3 = 2 * a * f2 + 4 * f1
  const f4 = 2 * a * f3 + 6 * f2
  const f5 = 2 * a * f4 + 8 * f3
  return -2 * d * (f1 + (d * d * (f3 + (d * d * f5) / 20)) / 6)
}

/**
 * Black's price (1976) of an option on a forward or future, which is paid for today.
 *
 *     call = e^(-rT) (F N(d1) - K N(d2))     d1 = ln(F/K)/(v sqrt(T)) + v sqrt(T)/2
 *     put  = e^(-rT) (K N(-d2) - F N(-d1))   d2 = d1 - v sqrt(T)
 *
 * `years` and `volatility` of 0 give what exercise would, discounted. NaN for prices that are not above 0, for negative
 * years or volatility, and where anything is NaN.
 */
export function black76(sign: OptionSign, forward: number, strike: number, years: number, rate: number, volatility: number): number {
  if (!(forward > 0 && strike > 0 && years >= 0 && volatility >= 0)) return Number.NaN
  const outOfTheMoney = Math.sqrt(forward) * Math.sqrt(strike) * normalizedPrice(-Math.abs(Math.log(forward / strike)), volatility * Math.sqrt(years))
  return Math.exp(-rate * years) * (Math.max(sign * (forward - strike), 0) + outOfTheMoney)
}

/** The price of an option on what pays `yielded` a year, continuously: Black and Scholes (1973), Merton (1973). */
export function blackScholes(
  sign: OptionSign,
  spot: number,
  strike: number,
  years: number,
  rate: number,
  volatility: number,
  yielded: number = 0,
): number {
  return black76(sign, spot * Math.exp((rate - yielded) * years), strike, years, rate, volatility)
}

/**
 * Price and derivatives by Black 1976: delta and gamma by the forward, rho with the forward held. All NaN where
 * years or volatility are not above 0: at the kink there is no derivative.
 */
export function black76Greeks(
  into: OptionGreeks,
  sign: OptionSign,
  forward: number,
  strike: number,
  years: number,
  rate: number,
  volatility: number,
): OptionGreeks {
  if (!(forward > 0 && strike > 0 && years > 0 && volatility > 0 && forward < Infinity && volatility < Infinity)) return into.clear()
  const root = Math.sqrt(years)
  const s = volatility * root
  const d1 = Math.log(forward / strike) / s + s / 2
  const discount = Math.exp(-rate * years)
  const density = discount * normalDensity(d1)
  into.price = black76(sign, forward, strike, years, rate, volatility)
  into.delta = sign * discount * normalCdf(sign * d1)
  into.gamma = density / (forward * s)
  into.vega = forward * density * root
  into.theta = rate * into.price - (forward * density * volatility) / (2 * root)
  into.rho = -years * into.price
  return into
}

/** The same by Black, Scholes and Merton: delta and gamma by the spot, rho with the spot held. */
export function blackScholesGreeks(
  into: OptionGreeks,
  sign: OptionSign,
  spot: number,
  strike: number,
  years: number,
  rate: number,
  volatility: number,
  yielded: number = 0,
): OptionGreeks {
  const growth = Math.exp((rate - yielded) * years)
  const forward = spot * growth
  black76Greeks(into, sign, forward, strike, years, rate, volatility)
  // The forward is the spot grown: it moves with the rate, and falls to the spot as time passes.
  into.theta -= into.delta * forward * (rate - yielded)
  into.rho += into.delta * forward * years
  into.delta *= growth
  into.gamma *= growth * growth
  return into
}
