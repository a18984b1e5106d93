/**
 * An alert: a rule that came to be true of an instrument.
 *
 * | column | meaning |
 * | --- | --- |
 * | ts | time of the row that made it true |
 * | rule | place of the rule in the list of rules, from 0 |
 * | what | the kind of rule |
 * | value | what the watched column had; of `burst` what traded over the window |
 * | bound | what the value passed: the level of `above` and `below`, the limit that a change or a burst passed |
 * | reference | what it is compared with: the lowest or highest of the stretch, the usual volume of a window; NaN of levels |
 */
export const Alert = {
  ts: 'time',
  instrument: 'instrument',
  rule: 'i32',
  what: 'above|below|rise|fall|burst',
  value: 'f64',
  bound: 'f64',
  reference: 'f64',
} as const
export type Alert = typeof Alert

/** What a rule may watch, by its name among latest quotes, and the column that has it. */
export const watchedColumns = {
  last: 'price',
  bid: 'bid',
  ask: 'ask',
  mark: 'mark',
  iv: 'iv',
  delta: 'delta',
  oi: 'oi',
  volume: 'volume',
} as const
export type Watched = keyof typeof watchedColumns

/**
 * Which instruments a rule is for; what is not said is any. In patterns `*` stands for any text.
 *
 *     underlying   pattern: BTC-USDT, BTC*
 *     expiry       pattern of YYYY-MM-DD: 2026-03-27, 2026-03-*
 *     strike       a number, or low..high with either left out; options alone have one
 *     type         CE, PE, FUT or SPOT
 */
export interface Selection {
  readonly underlying?: string
  readonly expiry?: string
  readonly strike?: number | string
  readonly type?: 'CE' | 'PE' | 'FUT' | 'SPOT'
}

/**
 * A rule as data (docs/howto/watch-and-alert.md). It has one of `above`, `below`, `rise`, `fall`, `change`, `burst`:
 *
 *     above, below         a level of `column`; true again only after it was at `rearm` or on the other side of it
 *     rise, fall, change   how far `column` is from its lowest, highest, either, of the last `within` seconds: 5% or 120
 *     burst                how many times the usual volume of a window traded in the last `window` seconds, `floor` at least
 *
 * Lengths of time are seconds.
 */
export interface WatchRule extends Selection {
  readonly name: string
  readonly column?: Watched
  readonly above?: number
  readonly below?: number
  readonly rise?: number | string
  readonly fall?: number | string
  readonly change?: number | string
  readonly burst?: number
  readonly within?: number
  readonly window?: number
  readonly baseline?: number
  readonly floor?: number
  readonly rearm?: number
  /** After an alert, so long no other of this rule and instrument. Default 60. */
  readonly cooldown?: number
}
