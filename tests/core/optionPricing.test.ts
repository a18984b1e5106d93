import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { impliedVolatility } from '../../core/impliedVolatility.ts'
import { erfcx, normalCdf } from '../../core/normal.ts'
import {
  black76,
  black76Greeks,
  blackScholes,
  blackScholesGreeks,
  CALL,
  normalizedPrice,
  OptionGreeks,
  type OptionSign,
  PUT,
} from '../../core/optionPricing.ts'

const near = (value: number, expected: number, within = 1e-8) =>
  expect(Math.abs(value - expected), `${value} for ${expected}`).toBeLessThanOrEqual(within)

/** A price, a strike, a time and a volatility that markets have had, and rates below zero too. */
const option = fc.record({
  sign: fc.constantFrom<OptionSign>(CALL, PUT),
  forward: fc.double({ min: 0.01, max: 200_000, noNaN: true }),
  moneyness: fc.double({ min: -1.5, max: 1.5, noNaN: true }),
  years: fc.double({ min: 1e-5, max: 5, noNaN: true }),
  rate: fc.double({ min: -0.05, max: 0.2, noNaN: true }),
  volatility: fc.double({ min: 0.01, max: 4, noNaN: true }),
})

describe('the normal distribution', () => {
  // Abramowitz and Stegun, Handbook of Mathematical Functions (1964), table 26.1 and 26.2.
  it('is that of the tables, to fifteen places', () => {
    for (const [x, p] of [
      [0, 0.5],
      [0.5, 0.691462461274013],
      [1, 0.841344746068543],
      [2, 0.977249868051821],
      [3, 0.99865010196837],
    ]) {
      near(normalCdf(x), p, 6e-16)
      near(normalCdf(-x), 1 - p, 6e-16)
    }
  })

  it('keeps its digits in the tails: table 26.2 gives -log10 of them', () => {
    for (const [x, minusLog] of [
      [5, 6.54265],
      [10, 23.11805],
      [20, 88.5601],
      [30, 197.30921],
    ])
      near(-Math.log10(normalCdf(-x)), minusLog, 5e-6)
    near(erfcx(10) / 0.0561409927438226, 1, 1e-14)
    near(erfcx(-1) * Math.exp(-1), 1.842700792949715, 1e-14)
  })
})

describe('published prices', () => {
  // E. G. Haug, The Complete Guide to Option Pricing Formulas, 2nd ed., chapter 1: printed to four places.
  it('of Haug: stock, stock with a dividend yield, future', () => {
    near(blackScholes(CALL, 60, 65, 0.25, 0.08, 0.3), 2.1334, 5e-5)
    near(blackScholes(PUT, 100, 95, 0.5, 0.1, 0.2, 0.05), 2.4648, 5e-5)
    near(black76(CALL, 19, 19, 0.75, 0.1, 0.28), 1.7011, 5e-5)
    near(black76(PUT, 19, 19, 0.75, 0.1, 0.28), 1.7011, 5e-5)
  })

  // J. C. Hull, Options, Futures, and Other Derivatives, 8th ed., example 14.6.
  it('of Hull: 4.76 and 0.81', () => {
    near(blackScholes(CALL, 42, 40, 0.5, 0.1, 0.2), 4.76, 5e-3)
    near(blackScholes(PUT, 42, 40, 0.5, 0.1, 0.2), 0.81, 5e-3)
  })

  // The examples in the reference of py_vollib 1.0.1 (black, black.normalised_black), which computes with P. Jaeckel's code.
  it('of py_vollib, to all their digits', () => {
    near(black76(CALL, 100, 100, 0.5, 0.02, 0.2), 5.581106724604812, 1e-13)
    near(black76(CALL, 100, 100, 0.5, 0, 0.2), 5.637197779701664, 1e-13)
    near(normalizedPrice(-Math.log(100 / 95), 0.3 * Math.sqrt(0.5)), 0.061296663817558904, 1e-15)
  })
})

describe('published derivatives, of 49 and 50, 0.3846 years, 5 %, 20 %', () => {
  const greeks = new OptionGreeks()

  // Hull, 8th ed., examples 18.1 to 18.7, rounded there; the digits are those of py_vollib's reference for the same examples.
  it('by Black and Scholes', () => {
    const call = blackScholesGreeks(greeks, CALL, 49, 50, 0.3846, 0.05, 0.2)
    near(call.delta, 0.521601633972, 1e-12)
    near(call.gamma, 0.0655453772525, 1e-12)
    near(call.vega / 100, 0.121052427542, 1e-12)
    near(call.theta, -4.30538996455, 1e-11)
    near(call.rho / 100, 0.089065740988, 1e-12)
    near(blackScholesGreeks(greeks, PUT, 49, 50, 0.3846, 0.05, 0.2).theta, -1.8530056722, 1e-10)
  })

  it('by Black', () => {
    const call = black76Greeks(greeks, CALL, 49, 50, 0.3846, 0.05, 0.2)
    near(call.delta, 0.4510701748220183, 1e-15)
    near(call.gamma, 0.0640646705882, 1e-12)
    near(call.vega / 100, 0.118317785624, 1e-12)
    near(call.theta / 365, -0.00816236877462, 1e-14)
    near(call.rho / 100, -0.007470538005958226, 1e-16)
    const put = black76Greeks(greeks, PUT, 49, 50, 0.3846, 0.05, 0.2)
    near(put.theta / 365, -0.00802799155312, 1e-14)
    near(put.rho / 100, -0.011243286001308292, 1e-16)
  })

  // A ticker in Bybit's documentation of the public option stream: BTC-6JAN23-17500-C, which expires at 08:00 UTC.
  it('as Bybit publishes them: vega a percentage point, theta a day; on the last day gamma and theta by what is left of it', () => {
    const years = (Date.UTC(2023, 0, 6, 8) - 1672917511074) / (365 * 86_400_000)
    near(impliedVolatility(CALL, 7.86976724, 16815.1, 17500, years, 0), 0.4896, 1e-4)
    const { delta, gamma, vega, theta } = black76Greeks(greeks, CALL, 16815.1, 17500, years, 0, 0.4896)
    near(delta, 0.047831, 5e-5)
    near(gamma * years * 365, 0.00021453, 2e-7)
    near(theta * years, -19.9115368, 2e-2)
    near(vega / 100, 0.81351067, 5e-4)
  })
})

describe('laws', () => {
  it('put-call parity: a call less a put is the forward less the strike, discounted; their deltas differ by the discount', () => {
    const [call, put] = [new OptionGreeks(), new OptionGreeks()]
    fc.assert(
      fc.property(option, ({ forward, moneyness, years, rate, volatility }) => {
        const strike = forward * Math.exp(moneyness)
        const discount = Math.exp(-rate * years)
        black76Greeks(call, CALL, forward, strike, years, rate, volatility)
        black76Greeks(put, PUT, forward, strike, years, rate, volatility)
        near(call.price - put.price, discount * (forward - strike), 1e-14 * discount * (forward + strike))
        near(call.delta - put.delta, discount, 1e-14)
        near(call.gamma, put.gamma, 0)
        near(call.vega, put.vega, 0)
      }),
    )
  })

  it('the formula as the textbooks write it gives the same', () => {
    fc.assert(
      fc.property(option, ({ sign, forward, moneyness, years, rate, volatility }) => {
        const strike = forward * Math.exp(moneyness)
        const s = volatility * Math.sqrt(years)
        const d1 = Math.log(forward / strike) / s + s / 2
        const plain = sign * Math.exp(-rate * years) * (forward * normalCdf(sign * d1) - strike * normalCdf(sign * (d1 - s)))
        near(black76(sign, forward, strike, years, rate, volatility), plain, 1e-13 * (forward + strike))
      }),
    )
  })

  it('every derivative is the slope of the price', () => {
    const at = new OptionGreeks()
    const [S, K, T, r, v, q] = [102, 100, 0.4, 0.06, 0.25, 0.02]
    for (const sign of [CALL, PUT] as const) {
      const price = (dS = 0, dT = 0, dr = 0, dv = 0) => blackScholes(sign, S + dS, K, T + dT, r + dr, v + dv, q)
      blackScholesGreeks(at, sign, S, K, T, r, v, q)
      near(at.price, price(), 0)
      near(at.delta, (price(1e-3) - price(-1e-3)) / 2e-3, 1e-8)
      near(at.gamma, (price(1e-2) - 2 * price() + price(-1e-2)) / 1e-4, 1e-7)
      near(at.vega, (price(0, 0, 0, 1e-5) - price(0, 0, 0, -1e-5)) / 2e-5, 1e-7)
      near(at.theta, -(price(0, 1e-5) - price(0, -1e-5)) / 2e-5, 1e-7)
      near(at.rho, (price(0, 0, 1e-5) - price(0, 0, -1e-5)) / 2e-5, 1e-7)
    }
  })

  it('the volatility implied by a price is the one it was computed from, as far as the digits of the price tell', () => {
    const greeks = new OptionGreeks()
    let told = 0
    fc.assert(
      fc.property(option, ({ sign, forward, moneyness, years, rate, volatility }) => {
        const strike = forward * Math.exp(moneyness)
        const { price, vega } = black76Greeks(greeks, sign, forward, strike, years, rate, volatility)
        fc.pre(price > 1e-300 && price < Math.exp(-rate * years) * (sign > 0 ? forward : strike))
        const implied = impliedVolatility(sign, price, forward, strike, years, rate)
        // One more unit in the last digit of the price moves the volatility by this much.
        const grain = (price * 2 ** -52) / vega
        fc.pre(grain < 1e-10)
        told++
        near(implied, volatility, 1e-10 * volatility + 8 * grain)
      }),
      { numRuns: 3000 },
    )
    expect(told).toBeGreaterThan(1000)
  })

  it('and gives back the price, wherever it lies between the bounds', () => {
    const share = fc.oneof(
      fc.double({ min: 1e-12, max: 1 - 1e-9, noNaN: true }),
      fc.double({ min: -200, max: -1, noNaN: true }).map((e) => 10 ** e),
    )
    fc.assert(
      fc.property(option, share, ({ sign, forward, moneyness, years, rate }, part) => {
        const strike = forward * Math.exp(moneyness)
        const [discount, intrinsic] = [Math.exp(-rate * years), Math.max(sign * (forward - strike), 0)]
        const price = discount * (intrinsic + part * ((sign > 0 ? forward : strike) - intrinsic))
        const implied = impliedVolatility(sign, price, forward, strike, years, rate)
        if (Number.isNaN(implied)) near(price, discount * intrinsic, 1e-14 * price)
        else near(black76(sign, forward, strike, years, rate, implied), price, 1e-11 * price)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('where there is no answer', () => {
  it.each([
    ['less than exercise gives', CALL, 9.9, 110, 100, 0.5, 0],
    ['nothing', CALL, -1e-9, 90, 100, 0.5, 0],
    ['as much as the forward', CALL, 100, 100, 90, 0.5, 0],
    ['as much as the discounted strike', PUT, 90 * Math.exp(-0.05), 100, 90, 0.5, 0.1],
    ['no time left', CALL, 5, 100, 100, 0, 0],
    ['no price', CALL, Number.NaN, 100, 100, 0.5, 0],
    ['no forward', CALL, 5, Number.NaN, 100, 0.5, 0],
    ['a forward of 0', PUT, 5, 0, 100, 0.5, 0],
    ['a strike of 0', CALL, 5, 100, 0, 0.5, 0],
    ['endless', CALL, Infinity, Infinity, 100, 0.5, 0],
    ['no rate', CALL, 5, 100, 100, 0.5, Number.NaN],
  ] as const)('a price of %s implies NaN', (_, sign, price, forward, strike, years, rate) => {
    expect(impliedVolatility(sign, price, forward, strike, years, rate)).toBeNaN()
  })

  it('a price of what exercise gives implies 0, and a volatility of 0 that price', () => {
    expect(impliedVolatility(CALL, 10, 110, 100, 0.5, 0)).toBe(0)
    expect(impliedVolatility(PUT, 0, 110, 100, 0.5, 0)).toBe(0)
    expect(black76(CALL, 110, 100, 0.5, 0, 0)).toBe(10)
    expect(black76(PUT, 90, 100, 0, 0.1, 0.3)).toBe(10)
  })

  it('derivatives at expiry, without volatility or of no price are NaN, and do not keep those of before', () => {
    const greeks = black76Greeks(new OptionGreeks(), CALL, 100, 100, 1, 0, 0.2)
    expect(greeks.delta).toBeGreaterThan(0.5)
    for (const [forward, years, volatility] of [
      [100, 0, 0.2],
      [100, 1, 0],
      [Number.NaN, 1, 0.2],
      [-1, 1, 0.2],
    ]) {
      black76Greeks(greeks, CALL, forward, 100, years, 0, volatility)
      expect({ ...greeks }).toEqual({ price: NaN, delta: NaN, gamma: NaN, vega: NaN, theta: NaN, rho: NaN })
    }
  })
})
