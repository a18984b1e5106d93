/**
 * The normal distribution to the last digits of a double, tails included.
 *
 * W. J. Cody, Rational Chebyshev approximations for the error function, Mathematics of Computation 23 (1969), 631-637:
 * one ratio of polynomials for each of |x| <= 0.46875, up to 4, and beyond; relative error below 2e-16 each.
 */

const SQRT_HALF = Math.SQRT1_2
const INV_SQRT_PI = 0.5641895835477563
const INV_SQRT_2PI = 0.3989422804014327
/** Beyond it e^(-y²) is 0 in a double. */
const VANISHES = 26.6

/** erf(y) for |y| <= 0.46875. */
function erfNear(y: number): number {
  const z = y * y
  let n = 0.18577770618460315 * z
  let d = z
  n = (n + 3.1611237438705655) * z
  d = (d + 23.601290952344122) * z
  n = (n + 113.86415415105016) * z
  d = (d + 244.02463793444417) * z
  n = (n + 377.485237685302) * z
  d = (d + 1282.6165260773723) * z
  return (y * (n + 3209.3775891384694)) / (d + 2844.236833439171)
}

/** e^(y²) erfc(y) for 0.46875 <= y <= 4. */
function scaledMiddle(y: number): number {
  let n = 2.1531153547440383e-8 * y
  let d = y
  n = (n + 0.5641884969886701) * y
  d = (d + 15.744926110709835) * y
  n = (n + 8.883149794388377) * y
  d = (d + 117.6939508913125) * y
  n = (n + 66.11919063714163) * y
  d = (d + 537.1811018620099) * y
  n = (n + 298.6351381974001) * y
  d = (d + 1621.3895745666903) * y
  n = (n + 881.952221241769) * y
  d = (d + 3290.7992357334597) * y
  n = (n + 1712.0476126340707) * y
  d = (d + 4362.619090143247) * y
  n = (n + 2051.0783778260716) * y
  d = (d + 3439.3676741437216) * y
  return (n + 1230.3393547979972) / (d + 1230.3393548037495)
}

/** e^(y²) erfc(y) for y >= 4. */
function scaledFar(y: number): number {
  const z = 1 / (y * y)
  let n = 0.016315387137302097 * z
  let d = z
  n = (n + 0.30532663496123236) * z
  d = (d + 2.568520192289822) * z
  n = (n + 0.36034489994980445) * z
  d = (d + 1.8729528499234673) * z
  n = (n + 0.12578172611122926) * z
  d = (d + 0.5279051029514285) * z
  n = (n + 0.016083785148742275) * z
  d = (d + 0.06051834131244132) * z
  return (INV_SQRT_PI - (z * (n + 0.0006587491615298378)) / (d + 0.0023352049762686918)) / y
}

/** e^(-y²): the square is split in two, as its last digits decide in the tail. */
function gauss(y: number): number {
  if (y > VANISHES) return 0
  const head = Math.trunc(y * 16) / 16
  return Math.exp(-head * head) * Math.exp(-(y - head) * (y + head))
}

/** e^(x²) erfc(x), the complement without its vanishing factor. Infinite below -26.6. */
export function erfcx(x: number): number {
  const y = Math.abs(x)
  if (y <= 0.46875) return Math.exp(x * x) * (1 - erfNear(x))
  const scaled = y <= 4 ? scaledMiddle(y) : scaledFar(y)
  return x > 0 ? scaled : 2 / gauss(y) - scaled
}

/** The share of a standard normal variable at or below x. */
export function normalCdf(x: number): number {
  const y = Math.abs(x) * SQRT_HALF
  if (y <= 0.46875) return 0.5 * (1 + erfNear(x * SQRT_HALF))
  const tail = 0.5 * gauss(y) * (y <= 4 ? scaledMiddle(y) : scaledFar(y))
  return x > 0 ? 1 - tail : tail
}

export function normalDensity(x: number): number {
  return INV_SQRT_2PI * Math.exp(-0.5 * x * x)
}
