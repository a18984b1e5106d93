/**
 * A bar: what one instrument did over a while, whose length is not told. Bars are no ticks and never mixed with them.
 *
 * | column | unit |
 * | --- | --- |
 * | ts | the vendor's stamp: some write where the bar begins, some where it ends |
 * | open, high, low, close | prices |
 * | volume | contracts or shares traded in the bar |
 * | oi | open interest, contracts |
 */
export const Bar = {
  ts: 'time',
  instrument: 'instrument',
  open: 'f64',
  high: 'f64',
  low: 'f64',
  close: 'f64',
  volume: 'f64',
  oi: 'f64',
} as const
export type Bar = typeof Bar

/** The prices of a bar. */
export const Ohlc = { open: 'f64', high: 'f64', low: 'f64', close: 'f64' } as const
export type Ohlc = typeof Ohlc
