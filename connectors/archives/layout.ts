import type { Zone } from '../../core/time.ts'

/** What a column of a vendor's CSV means to a tick. */
export type Meaning =
  | 'skip'
  | 'price'
  | 'volume'
  | 'oi'
  | 'bid'
  | 'ask'
  /** Yesterday's close: never packed, only compared with the price. */
  | 'close'
  /** Of bars, whose own close is their `price`. */
  | 'open'
  | 'high'
  | 'low'
  | 'date'
  | 'time'
  /** Date and time in one. */
  | 'datetime'
  /** Date and time of the last trade: tells a price that is yesterday's. */
  | 'traded'
  /** A number since 1970, UTC. */
  | 'epoch'
  | 'name'

/** How the rows of one member are laid out. */
export interface Layout {
  /** What its rows are: bars go into a tree of their own. */
  readonly rows: 'ticks' | 'bars'
  /** What it is called in --format. */
  readonly format: string
  readonly columns: readonly Meaning[]
  /** Lines at the top that are no rows. */
  readonly headings: number
  /** A row with fewer columns is unparsable. */
  readonly least: number
  /** And one with more, unless they are free. */
  readonly most: number
  readonly separator: number
  /** Order of the parts of a date. */
  readonly dateOrder: 'dmy' | 'ymd'
  /** Microseconds in one unit of `epoch`. */
  readonly epochUnit: number
  readonly market: 'nse' | 'bybit'
  /** Of times that name no zone; the market's when undefined. */
  readonly zone: Zone | undefined
  /**
   * `cumulative`: since the day began. `quantity`: of the row, so that its sum over the contract and day is the volume.
   */
  readonly volume: 'cumulative' | 'quantity'
  /** The instrument when no column names it: the member's file name, or this. */
  readonly instrument: { readonly from: 'column' | 'member' } | { readonly from: 'fixed'; readonly name: string }
}

export const COMMA = 44
