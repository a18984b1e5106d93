/** What Bybit documents for one public connection of the option stream. */
export interface BybitLimits {
  /** Topics of a connection. */
  readonly args: number
  /** Length of all topics of a connection as one JSON array. */
  readonly characters: number
}

export const bybitLimits: BybitLimits = { args: 2000, characters: 21_000 }

export const topicOf = (symbol: string): string => `tickers.${symbol}`

/** Of a topic in the array: quotes and a comma around it. */
const lengthOf = (symbol: string): number => topicOf(symbol).length + 3

/** The symbols of one connection, within the limits. */
export class Subscriptions {
  readonly symbols = new Set<string>()
  readonly #limits: BybitLimits
  #characters = 2

  constructor(limits: BybitLimits = bybitLimits) {
    this.#limits = limits
  }

  /** Length of the array of all topics; a comma too many is counted. */
  get characters(): number {
    return this.#characters
  }

  /** False: there is no room for it. */
  add(symbol: string): boolean {
    if (this.symbols.has(symbol)) return true
    const characters = this.#characters + lengthOf(symbol)
    if (this.symbols.size >= this.#limits.args || characters > this.#limits.characters) return false
    this.symbols.add(symbol)
    this.#characters = characters
    return true
  }

  remove(symbol: string): boolean {
    if (!this.symbols.delete(symbol)) return false
    this.#characters -= lengthOf(symbol)
    return true
  }
}

/** Lists of `most` each, in their order. */
export function chunks<T>(list: readonly T[], most: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / most) }, (_, i) => list.slice(i * most, (i + 1) * most))
}
