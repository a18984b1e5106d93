/** A key of the ticker as its bytes, and the slot that its value goes to; -1: it is not wanted. */
interface Key {
  readonly bytes: Uint8Array
  readonly slot: number
}

const [QUOTE, COLON, COMMA, OPEN, CLOSE, MINUS, POINT, ZERO, NINE, BACKSLASH] = [34, 58, 44, 123, 125, 45, 46, 48, 57, 92]
/** A number of so many units and one more digit is still exact, as are the powers of ten. */
const EXACT = (2 ** 53 - 10) / 10
const powers = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))

/**
 * Reads a ticker out of its bytes, without a string or object a value: a third of the time of JSON.parse, and no garbage.
 * It knows what tickers look like - no blanks, no escapes, texts of plain decimals - and says so of everything else,
 * which is then read in the ordinary way. Of what it reads the answer is that of JSON.parse and Number: units up to 2^53
 * divided by a power of ten up to 10^22 are rounded once.
 */
export class TickerScan {
  /** Milliseconds, as sent. */
  ts = 0
  symbol = ''
  /** The values of the wanted fields; NaN: not there, or an empty text. */
  readonly values: Float64Array
  readonly #slots: ReadonlyMap<string, number>
  /** The keys of the last ticker in their order, which is that of the next. */
  readonly #keys: Key[] = []
  #data: Buffer = Buffer.alloc(0)
  /** Where reading goes on. */
  #at = 0
  #symbolFrom = 0
  #symbolTo = 0

  /** `fields`: those wanted, in the order of `values`. */
  constructor(fields: readonly string[]) {
    this.values = new Float64Array(fields.length)
    this.#slots = new Map(fields.map((field, slot) => [field, slot]))
  }

  /** False: it is something else, or not as tickers are; `values` then mean nothing. */
  read(data: Buffer): boolean {
    this.#data = data
    this.#at = 1
    this.values.fill(NaN)
    this.#symbolTo = 0
    let [topic, stamped, known] = [false, false, false]
    if (data[0] !== OPEN) return false
    for (;;) {
      const from = this.#at + 1
      const to = this.#text()
      if (to < 0 || data[this.#at++] !== COLON) return false
      // id and type are passed over; topic, ts and data are wanted once each.
      if (this.#is(dataKey, from, to)) {
        if (known || !this.#fields()) return false
        known = true
      } else if (this.#is(tsKey, from, to)) {
        if (stamped || !this.#stamp()) return false
        stamped = true
      } else {
        const value = this.#at + 1
        if (this.#text() < 0) return false
        if (this.#is(topicKey, from, to)) {
          if (topic || !startsWith(data, value, topicPrefix)) return false
          topic = true
        }
      }
      const next = data[this.#at++]
      if (next === CLOSE) break
      if (next !== COMMA) return false
    }
    if (!topic || !stamped || this.#symbolTo === 0 || this.#at !== data.length) return false
    this.symbol = data.toString('latin1', this.#symbolFrom, this.#symbolTo)
    return true
  }

  #is(key: Uint8Array, from: number, to: number): boolean {
    return to - from === key.length && startsWith(this.#data, from, key)
  }

  /** The object of the fields. */
  #fields(): boolean {
    const data = this.#data
    if (data[this.#at++] !== OPEN) return false
    for (let place = 0; ; place++) {
      const slot = this.#key(place)
      if (slot === NONE || data[this.#at++] !== COLON) return false
      if (slot >= 0) {
        if (!this.#number(slot)) return false
      } else {
        const from = this.#at + 1
        const to = this.#text()
        if (to < 0) return false
        if (slot === SYMBOL) [this.#symbolFrom, this.#symbolTo] = [from, to]
      }
      const next = data[this.#at++]
      if (next === CLOSE) return true
      if (next !== COMMA) return false
    }
  }

  /** The slot of the key here: most likely that of the last ticker at the same place. */
  #key(place: number): number {
    const data = this.#data
    const from = this.#at + 1
    const guess = this.#keys[place]
    if (guess !== undefined && data[this.#at] === QUOTE && startsWith(data, from, guess.bytes) && data[from + guess.bytes.length] === QUOTE) {
      this.#at = from + guess.bytes.length + 1
      return guess.slot
    }
    const to = this.#text()
    if (to < 0) return NONE
    const name = data.toString('latin1', from, to)
    const slot = name === 'symbol' ? SYMBOL : (this.#slots.get(name) ?? UNWANTED)
    if (place < MOST_KEYS) this.#keys[place] = { bytes: Uint8Array.from(data.subarray(from, to)), slot }
    return slot
  }

  /** Passes over a text; answers where it ends, -1 where it is none or one with escapes or beyond ASCII. */
  #text(): number {
    const data = this.#data
    let i = this.#at
    if (data[i] !== QUOTE) return -1
    for (;;) {
      const byte = data[++i]
      if (byte === QUOTE) break
      if (!(byte >= 32 && byte < 127) || byte === BACKSLASH) return -1
    }
    this.#at = i + 1
    return i
  }

  /** A whole number above zero, not quoted. */
  #stamp(): boolean {
    const data = this.#data
    let value = 0
    const from = this.#at
    if (data[from] === ZERO) return false
    for (; data[this.#at] >= ZERO && data[this.#at] <= NINE; this.#at++) value = value * 10 + (data[this.#at] - ZERO)
    this.ts = value
    return this.#at > from && Number.isSafeInteger(value * 1000)
  }

  /** A text that is empty or a plain decimal. */
  #number(slot: number): boolean {
    const data = this.#data
    let i = this.#at
    if (data[i++] !== QUOTE) return false
    if (data[i] === QUOTE) {
      this.#at = i + 1
      this.values[slot] = NaN
      return true
    }
    const negative = data[i] === MINUS
    if (negative) i++
    let [units, point] = [0, -1]
    const from = i
    for (; data[i] !== QUOTE; i++) {
      const byte = data[i]
      if (byte >= ZERO && byte <= NINE && units <= EXACT) units = units * 10 + (byte - ZERO)
      else if (byte === POINT && point < 0 && i > from) point = i
      else return false
    }
    const decimals = point < 0 ? 0 : i - point - 1
    if (i === from || decimals > 22 || (point >= 0 && decimals === 0)) return false
    const value = units / powers[decimals]
    this.values[slot] = negative ? -value : value
    this.#at = i + 1
    return true
  }
}

const [UNWANTED, SYMBOL, NONE] = [-1, -2, -3]
/** More keys than any ticker has: others are looked up each time. */
const MOST_KEYS = 64
const [topicPrefix, topicKey, tsKey, dataKey] = ['tickers.', 'topic', 'ts', 'data'].map((text) => Uint8Array.from(Buffer.from(text)))

function startsWith(data: Uint8Array, from: number, bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (data[from + i] !== bytes[i]) return false
  return true
}
