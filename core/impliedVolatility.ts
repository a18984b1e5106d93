import { normalDensity } from './normal.ts'
import { normalizedPrice, type OptionSign } from './optionPricing.ts'

const STEPS = 100

/**
 * The volatility by which black76 gives the price; black76 of it differs from the price by rounding only.
 *
 * 0 where the price is what exercise gives. NaN where no volatility gives it: below that, at or above the most an
 * option can be worth (the forward for a call, the strike for a put, discounted), without time left, or of NaN.
 */
export function impliedVolatility(sign: OptionSign, price: number, forward: number, strike: number, years: number, rate: number): number {
  if (!(forward > 0 && strike > 0 && years > 0 && forward < Infinity && strike < Infinity)) return Number.NaN
  const undiscounted = price * Math.exp(rate * years)
  const intrinsic = Math.max(sign * (forward - strike), 0)
  if (!(undiscounted >= intrinsic && undiscounted < (sign > 0 ? forward : strike))) return Number.NaN
  const unit = Math.sqrt(forward) * Math.sqrt(strike)
  // By parity the time value is the price of the option that is out of the money.
  return deviation(-Math.abs(Math.log(forward / strike)), (undiscounted - intrinsic) / unit) / Math.sqrt(years)
}

/**
 * The s that solves b(x, s) = beta, for x <= 0 and 0 <= beta < e^(x/2). b rises with s, first convex, then concave
 * from s = sqrt(-2x) on. Below that point 1/ln(b) is nearly a parabola, so the equation is solved in it; above the
 * middle of what is left, in the logarithm of the distance from the top; else as it stands. Each step is Halley's, and
 * halves the bracket where it would leave it.
 */
function deviation(x: number, beta: number): number {
  if (beta <= 0) return 0
  const top = Math.exp(x / 2)
  const bend = Math.sqrt(-2 * x)
  const atBend = normalizedPrice(x, bend)
  const low = beta < atBend
  const high = beta > 0.5 * (atBend + top)
  let least = low ? 0 : bend
  let most = low ? bend : Infinity
  let s = low ? bend * Math.sqrt(Math.log(atBend) / Math.log(beta)) : bend + (beta - atBend) / slope(x, bend)
  for (let i = 0; i < STEPS; i++) {
    const b = normalizedPrice(x, s)
    if (b < beta) least = s
    else most = s
    let next = s + step(x, s, b, beta, top, low, high)
    if (!(next > least && next < most)) next = most === Infinity ? 2 * s : 0.5 * (least + most)
    if (Math.abs(next - s) <= 2e-16 * next || next === least || next === most) return next
    s = next
  }
  return s
}

/** db/ds; at s = 0 that of x = 0. */
function slope(x: number, s: number): number {
  const h = s === 0 ? 0 : x / s
  return normalDensity(Math.sqrt(h * h + (s * s) / 4))
}

/** Halley's step for the form of the equation that is nearest to a straight line. */
function step(x: number, s: number, b: number, beta: number, top: number, low: boolean, high: boolean): number {
  const first = slope(x, s)
  const bent = (x * x) / (s * s * s) - s / 4
  if (low) {
    const log = Math.log(b)
    const newton = ((log - Math.log(beta)) * log * b) / (Math.log(beta) * first)
    return halley(-newton, bent - (first / b) * (1 + 2 / log))
  }
  if (high) {
    const left = top - b
    return halley((Math.log(left / (top - beta)) * left) / first, bent + first / left)
  }
  return halley((beta - b) / first, bent)
}

/** Newton's step bent by the ratio of the second derivative to the first. */
function halley(newton: number, ratio: number): number {
  return newton / Math.max(0.5, 1 + 0.5 * newton * ratio)
}
