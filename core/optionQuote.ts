import { Tick } from './market.ts'

/**
 * What is derived from an option's price.
 *
 * | column | unit |
 * | --- | --- |
 * | iv | implied volatility a year, 0.65 for 65 % |
 * | delta | change of the price a unit of the underlying |
 * | gamma | change of delta a unit of the underlying |
 * | vega | change of the price a percentage point of volatility |
 * | theta | change of the price a calendar day that passes |
 * | rho | change of the price a percentage point of the interest rate |
 *
 * The units that feeds publish, so that computed and published values stand in one column.
 */
export const Greeks = { iv: 'f64', delta: 'f64', gamma: 'f64', vega: 'f64', theta: 'f64', rho: 'f64' } as const
export type Greeks = typeof Greeks

/**
 * The row of an options tracker: a tick, what the exchange marks the option at, the forward of its expiry, and the
 * greeks. What is not known is NaN. Underlying, expiry, strike and type are in the instrument's name.
 *
 * | column | unit |
 * | --- | --- |
 * | mark | the exchange's own valuation |
 * | forward | price of the underlying for delivery at the expiry, as the feed gives it |
 */
export const OptionQuote = { ...Tick, mark: 'f64', forward: 'f64', ...Greeks } as const
export type OptionQuote = typeof OptionQuote

/** What a store of latest quotes calls the columns of `OptionQuote`; the others keep their names. */
export const optionQuoteColumns = { instrument: 'symbol', ts: 'updated', price: 'last' } as const
