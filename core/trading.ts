import { type Words, wordsOf } from './batch.ts'

/**
 * What a strategy asks of a broker, and what it gets (operators/paperBroker.ts). Prices in rupees or what the market's
 * currency is, quantities in shares or units of the underlying, never in lots where not said; fractions are of the
 * entry's price: 0.15 is 15 %. A fraction or time of NaN is not asked for.
 */

export const purposes = 'entry|stop|target|trail|time|session_end|expiry'
export const sides = 'buy|sell'
export const fates = 'filled|stale|no_price|expired|not_tradable'
export const fillSources = 'book|last|carried|settlement'
export const directions = 'long|short'

type WordOf<W extends string> = W extends `${infer First}|${infer Rest}` ? First | WordOf<Rest> : W

/** The number that stands for each word of a column of words. */
function numbersOf<W extends Words>(words: W): { readonly [K in WordOf<W>]: number } {
  return Object.fromEntries(wordsOf(words).map((word, i) => [word, i])) as { readonly [K in WordOf<W>]: number }
}
export const purposeNumber: { readonly [K in WordOf<typeof purposes>]: number } = numbersOf(purposes)
export const sideNumber: { readonly [K in WordOf<typeof sides>]: number } = numbersOf(sides)
export const fateNumber: { readonly [K in WordOf<typeof fates>]: number } = numbersOf(fates)
export const fillSourceNumber: { readonly [K in WordOf<typeof fillSources>]: number } = numbersOf(fillSources)
export const directionNumber: { readonly [K in WordOf<typeof directions>]: number } = numbersOf(directions)

/**
 * An order to enter a position, with the ways out of it.
 *
 * | column | meaning |
 * | --- | --- |
 * | ts | the second whose rows it was decided on; it is filled in the next one at the earliest |
 * | anchor | the anchor it belongs to, an instant; NaN where there are none |
 * | lots | how many, above 0 |
 * | stop | loss, as a fraction of the entry's price, that ends it |
 * | target | profit that ends it |
 * | trail | way back from the best price since the entry, as a fraction of that best price, that ends it |
 * | trailAfter | profit from which on `trail` is watched; 0: at once |
 * | until | instant from which on it is ended |
 */
export const Order = {
  ts: 'time',
  instrument: 'instrument',
  side: sides,
  anchor: 'time',
  lots: 'i32',
  stop: 'f64',
  target: 'f64',
  trail: 'f64',
  trailAfter: 'f64',
  until: 'time',
} as const
export type Order = typeof Order

/**
 * What became of an order, the broker's own exits included: one row each, at the second that decided it.
 *
 * | column | meaning |
 * | --- | --- |
 * | placed | the second it was decided on |
 * | position | number of the position, from 1 in each underlying and day (see Equity); an entry that was refused has none: 0 |
 * | fate | filled, or why not: `stale` the price was carried for too long, `no_price` no second came, `expired`, `not_tradable` |
 */
export const OrderFate = {
  ts: 'time',
  instrument: 'instrument',
  placed: 'time',
  position: 'i32',
  anchor: 'time',
  side: sides,
  purpose: purposes,
  lots: 'i32',
  quantity: 'f64',
  fate: fates,
} as const
export type OrderFate = typeof OrderFate

/**
 * A fill. `source`: the book's price; the last price and slippage; the last price, at the bell; or the settlement of an
 * expiry. `slices`: orders the freeze quantity made of it. `fees` is the sum of the columns after it.
 */
export const Fill = {
  ts: 'time',
  instrument: 'instrument',
  position: 'i32',
  anchor: 'time',
  side: sides,
  purpose: purposes,
  source: fillSources,
  price: 'f64',
  quantity: 'f64',
  slices: 'i32',
  fees: 'f64',
  stt: 'f64',
  exchange: 'f64',
  ipft: 'f64',
  sebi: 'f64',
  stamp: 'f64',
  gst: 'f64',
  brokerage: 'f64',
} as const
export type Fill = typeof Fill

/**
 * A position from its entry to its exit (`ts`).
 *
 * | column | meaning |
 * | --- | --- |
 * | points | exit - entry of a long, entry - exit of a short |
 * | gross, pnl | points * quantity; gross - fees, which are those of both fills |
 * | best, worst | most and least favourable price of the entry and of the seconds in which its exits were watched |
 */
export const ClosedTrade = {
  ts: 'time',
  instrument: 'instrument',
  position: 'i32',
  anchor: 'time',
  direction: directions,
  entered: 'time',
  entry: 'f64',
  exit: 'f64',
  lots: 'i32',
  quantity: 'f64',
  points: 'f64',
  gross: 'f64',
  fees: 'f64',
  pnl: 'f64',
  best: 'f64',
  worst: 'f64',
  reason: purposes,
} as const
export type ClosedTrade = typeof ClosedTrade

/**
 * The account of one underlying (`instrument`: its spot): equity = cash + sum of signed quantity * last price of open
 * positions; realised = sum of pnl; unrealised = equity - realised. It starts anew, with cash 0 and position number 1, on
 * every day into which no position was carried; else it goes on.
 */
export const Equity = {
  ts: 'time',
  instrument: 'instrument',
  cash: 'f64',
  realised: 'f64',
  unrealised: 'f64',
  fees: 'f64',
  equity: 'f64',
  open: 'i32',
} as const
export type Equity = typeof Equity
