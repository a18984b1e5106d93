import type { Block } from './block.ts'

/** Trades that cannot all have had one price. */
const TRADES = 50
/** Rows of an instrument without volume that do not stand still all day. */
const ROWS = 2000

/**
 * Looks whether what is packed as the price of one instrument and day can be one. A column that is yesterday's close is
 * the same all day: it never moves however much is traded.
 */
export class PriceWatch {
  #rows = 0
  #lowest = Infinity
  #highest = -Infinity
  #trades = 0
  #volume = NaN
  #asClose = 0
  #known = false

  look(block: Block, from: number, to: number): void {
    const { price, volume, close } = block
    let lowest = this.#lowest
    let highest = this.#highest
    let before = this.#volume
    for (let i = from; i < to; i++) {
      const p = price[i]
      if (p < lowest) lowest = p
      if (p > highest) highest = p
      if (p === close[i]) this.#asClose++
      const v = volume[i]
      if (v > 0) {
        this.#known = true
        if (v !== before) this.#trades++
        before = v
      }
    }
    this.#lowest = lowest
    this.#highest = highest
    this.#volume = before
    this.#rows += to - from
  }

  /** What is odd, for a person; undefined when nothing is. */
  remark(): string | undefined {
    const enough = this.#trades >= TRADES || (!this.#known && this.#rows >= ROWS)
    if (!enough) return undefined
    if (this.#asClose === this.#rows) return 'the price equals the column of yesterday’s close in every row'
    if (this.#lowest === this.#highest) return `the price is ${this.#lowest} in all ${this.#rows} rows: is its column yesterday’s close?`
    return undefined
  }

  clear(): void {
    this.#rows = this.#trades = this.#asClose = 0
    this.#lowest = Infinity
    this.#highest = -Infinity
    this.#volume = NaN
    this.#known = false
  }
}
