/** Rows handed over at once. */
export const BLOCK = 4096

/**
 * Rows as columns; `target` is what the receiver answered for their name and day. `line` is below 0 where the last trade
 * was on an earlier day than the row. A missing value is NaN.
 */
export interface Block {
  readonly ts: Float64Array
  readonly target: Int32Array
  readonly line: Float64Array
  readonly price: Float64Array
  readonly volume: Float64Array
  readonly oi: Float64Array
  readonly bid: Float64Array
  readonly ask: Float64Array
  readonly close: Float64Array
}

export interface Receiver {
  /** Where rows of an instrument and day go: a number from 0 on, or below 0 when they are refused. `name` is empty without a column of names. */
  target(name: string, day: number): number
  /** A refused row; `target` is what was answered. */
  refused(target: number, day: number, line: number, text: () => string): void
  rejected(why: 'unparsable_line' | 'bad_time' | 'zero_price', day: number, line: number, text: () => string): void
  /** Rows 0..n-1; the block is used again after the call. */
  rows(block: Block, n: number): void
}

export function blockOf(rows: number): Block {
  const column = (): Float64Array => new Float64Array(rows)
  return {
    ts: column(),
    target: new Int32Array(rows),
    line: column(),
    price: column(),
    volume: column(),
    oi: column(),
    bid: column(),
    ask: column(),
    close: column(),
  }
}
