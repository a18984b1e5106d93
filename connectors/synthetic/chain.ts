import { type Contract, nameOf } from '../../core/instruments.ts'
import { formatDate } from '../../core/time.ts'
import type { MarketOptions } from './options.ts'
import type { Sfc32 } from './prng.ts'

const THURSDAY = 4

/** Every symbol on Thursdays. */
export const thursdays: ExpiryOf = () => undefined

/** The instruments of one day: the spot at 0, then a CE and a PE a strike. */
export interface Chain {
  readonly names: readonly string[]
  readonly strike: Float64Array
  /** 1 for a CE, -1 for a PE, 0 for the spot. */
  readonly side: Int8Array
  /** How often an instrument ticks, compared with the rate. */
  readonly activity: Float64Array
  /** Calendar days to the expiry, at least a quarter of one. */
  readonly daysLeft: number
}

/** The day on which contracts traded on `day` expire; undefined of a symbol that it does not know. */
export type ExpiryOf = (symbol: string, day: number) => number | undefined

/** `strikes` strikes around the level given, all of the expiry that `expiryOf` names, else of the first Thursday from `day` on. */
export function makeChain(options: MarketOptions, day: number, level: number, random: Sfc32, expiryOf: ExpiryOf): Chain {
  const { symbol, strikes, step } = options
  const weekday = (((day + 4) % 7) + 7) % 7
  const expiry = expiryOf(symbol, day) ?? day + ((THURSDAY - weekday + 7) % 7)
  const lowest = Math.max(step, (Math.round(level / step) - Math.floor(strikes / 2)) * step)
  const names = [symbol]
  const n = 1 + 2 * strikes
  const chain = { strike: new Float64Array(n), side: new Int8Array(n), activity: new Float64Array(n).fill(1) }
  for (let i = 1; i < n; i++) {
    const type = i % 2 === 1 ? 'CE' : 'PE'
    chain.strike[i] = lowest + Math.floor((i - 1) / 2) * step
    chain.side[i] = type === 'CE' ? 1 : -1
    if (random.next() < options.quiet) chain.activity[i] = 0.02
    const contract: Contract = { kind: 'option', underlying: symbol, expiry: formatDate(expiry), strike: chain.strike[i], type }
    names.push(nameOf(contract))
  }
  return { names, ...chain, daysLeft: Math.max(0.25, expiry - day + 0.25) }
}

/**
 * What an option is worth `moneyness` points in the money when the spot may still move by `deviation` points:
 * intrinsic value plus a time value that is greatest at the money. A softened maximum close to the normal model's
 * price, for which CE - PE = spot - strike holds as it must.
 */
export function premium(moneyness: number, deviation: number): number {
  const scale = 0.58 * deviation
  const x = moneyness / scale
  return x > 30 ? moneyness : scale * Math.log1p(Math.exp(x))
}
