/**
 * A tick: a snapshot of one instrument (docs/concepts/ticks.md).
 *
 * | column | unit |
 * | --- | --- |
 * | ts | exchange time |
 * | price | last traded price, never a close |
 * | volume | contracts or shares traded since the day began |
 * | oi | open interest, contracts |
 * | bid, ask | best prices; NaN when the book is unknown |
 */
export const Tick = { ts: 'time', instrument: 'instrument', price: 'f64', volume: 'f64', oi: 'f64', bid: 'f64', ask: 'f64' } as const
export type Tick = typeof Tick

/**
 * A tick with everything a feed may say of it: what a live log carries and a recording keeps. What a feed lacks is NaN.
 *
 * | column | unit |
 * | --- | --- |
 * | bidSize, askSize | quantity at the best prices |
 * | received | when the feed's reader got it |
 * | lastTrade | exchange time of the last trade |
 */
export const Quote = { ...Tick, bidSize: 'f64', askSize: 'f64', received: 'time', lastTrade: 'time' } as const
export type Quote = typeof Quote

/**
 * The name that stands for a heartbeat where rows are recorded: a row of this instrument says only how far the
 * exchange's time has come.
 */
export const HEARTBEAT = '*'

/** The columns of a tick that trading volume is computed from. */
export const Trade = { ts: 'time', instrument: 'instrument', price: 'f64', volume: 'f64' } as const
export type Trade = typeof Trade

/** `delta`: what traded since the kept row before. */
export const VolDelta = { delta: 'f64' } as const
export type VolDelta = typeof VolDelta

/**
 * One instrument during the second [ts, ts + 1 s).
 *
 * | column | meaning |
 * | --- | --- |
 * | second | ts counted in seconds from the session's open |
 * | close | last price; carried forward when the second had no tick |
 * | vol | what traded in this second |
 * | observed | whether this second had a tick |
 * | age | seconds since the second whose price `close` is; 0 when observed |
 */
export const Second = { ts: 'time', instrument: 'instrument', second: 'i32', close: 'f64', vol: 'f64', observed: 'bool', age: 'i32' } as const
export type Second = typeof Second

/** The best prices as of a second's last tick; NaN where they are not known. */
export const Book = { bid: 'f64', ask: 'f64' } as const
export type Book = typeof Book

/** A second with what traded over the burst window, and what usually trades over one. NaN baseline: not yet defined. */
export const Burst = { ts: 'time', instrument: 'instrument', second: 'i32', close: 'f64', burst: 'f64', baseline: 'f64' } as const
export type Burst = typeof Burst
