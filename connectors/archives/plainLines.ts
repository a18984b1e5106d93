import { DAY, HOUR, MINUTE, SECOND } from '../../core/time.ts'
import type { Block } from './block.ts'
import { DATE_LENGTH } from './bytes.ts'
import { DATE, DATETIME, EPOCH, NAME, TIME, TRADED } from './fieldActions.ts'
import type { Layout } from './layout.ts'
import { POWERS } from './slowField.ts'

const NEWLINE = 10
const RETURN = 13
const QUOTE = 34
const POINT = 46
const COLON = 58
const ZERO = 48
const LARGEST = 2 ** 53

/**
 * The fast way for lines like the one before: the same name on the same day, every number plain, every column there. It
 * reads nothing that the careful way would read otherwise, and leaves every other line to that.
 */
export class PlainLines {
  readonly #actions: Int32Array
  readonly #separator: number
  readonly #unit: number
  readonly #block: Block
  readonly #columns: readonly Float64Array[]
  #name = new Uint8Array(0)
  #date = new Uint8Array(0)
  /** When the day of the lines begins. */
  #midnight = NaN
  #target = -1
  /** Of the line being read. */
  #ts = NaN

  constructor({ separator, epochUnit }: Layout, actions: Int32Array, block: Block) {
    this.#actions = actions
    this.#separator = separator
    this.#unit = epochUnit
    this.#block = block
    this.#columns = [block.price, block.volume, block.oi, block.bid, block.ask, block.close]
    for (const column of this.#columns) column.fill(NaN)
  }

  /** A line was read whose name, date, day and target those that follow may share. */
  follow(name: Uint8Array<ArrayBuffer>, date: Uint8Array<ArrayBuffer>, midnight: number, target: number): void {
    this.#name = name
    this.#date = date
    this.#midnight = midnight
    this.#target = target
  }

  /** No line is known that others may be like. */
  forget(): void {
    this.#target = -1
  }

  /** Reads the line at `from`, to row `n`: answers where the next begins, or -1 when it is not as plain as that. */
  read(bytes: Uint8Array, from: number, n: number, line: number): number {
    if (this.#target < 0) return -1
    const block = this.#block
    const p = this.#fields(bytes, from, n)
    if (p < 0 || !(block.price[n] > 0)) return -1
    const ts = this.#ts
    if (!(ts >= this.#midnight && ts < this.#midnight + DAY)) return -1
    block.ts[n] = ts
    block.target[n] = this.#target
    block.line[n] = line
    return p
  }

  #fields(bytes: Uint8Array, from: number, n: number): number {
    const actions = this.#actions
    const separator = this.#separator
    const last = actions.length - 1
    let p = from
    for (let field = 0; field <= last; field++) {
      const action = actions[field]
      if (action >= 0 && action < EPOCH) p = this.#number(bytes, p, this.#columns[action], n)
      else if (action < 0) {
        let c = bytes[p]
        if (c === QUOTE) return -1
        while (c !== separator && c !== NEWLINE) c = bytes[++p]
        if (c === NEWLINE && bytes[p - 1] === RETURN) p--
      } else if (action === TRADED) p = this.#traded(bytes, p)
      else if (action === NAME) p = same(bytes, p, this.#name)
      else if (action === TIME) p = this.#time(bytes, p)
      else if (action === DATE) p = same(bytes, p, this.#date)
      else if (action === DATETIME) {
        p = same(bytes, p, this.#date)
        if (p >= 0) p = this.#time(bytes, p)
      } else p = this.#epoch(bytes, p)
      if (p < 0) return -1
      if (field < last && bytes[p++] !== separator) return -1
    }
    if (bytes[p] === RETURN) p++
    return bytes[p] === NEWLINE ? p + 1 : -1
  }

  /** Up to nine digits, with a point among them or not; more of them more slowly. */
  #number(bytes: Uint8Array, from: number, column: Float64Array, n: number): number {
    let p = from
    let mantissa = 0
    let decimals = 0
    let digit = bytes[p] - ZERO
    while (digit >= 0 && digit < 10) {
      mantissa = (Math.imul(mantissa, 10) + digit) | 0
      digit = bytes[++p] - ZERO
    }
    let digits = p - from
    if (digit === POINT - ZERO) {
      digit = bytes[++p] - ZERO
      const start = p
      while (digit >= 0 && digit < 10) {
        mantissa = (Math.imul(mantissa, 10) + digit) | 0
        digit = bytes[++p] - ZERO
      }
      decimals = p - start
      digits += decimals
    }
    if (digits === 0 || digits > 15) return -1
    const exact = digits < 10 ? mantissa : longMantissa(bytes, from, p)
    // Two exact numbers divided give the nearest double, as long as both are exact: to 15 digits.
    column[n] = decimals === 0 ? exact : exact / POWERS[decimals]
    return p
  }

  /** The time of a trade of the same day, whatever the time. */
  #traded(bytes: Uint8Array, from: number): number {
    for (let i = Math.min(this.#date.length, DATE_LENGTH) - 1; i >= 0; i--) if (bytes[from + i] !== this.#date[i]) return -1
    let p = from
    while (bytes[p] !== this.#separator && bytes[p] !== NEWLINE && bytes[p] !== RETURN) p++
    return p
  }

  /** HH:MM:SS with at most six decimals. */
  #time(bytes: Uint8Array, from: number): number {
    const hours = pair(bytes, from)
    const minutes = pair(bytes, from + 3)
    const seconds = pair(bytes, from + 6)
    if (hours < 0 || minutes < 0 || seconds < 0 || hours > 23 || minutes > 59 || seconds > 59) return -1
    if (bytes[from + 2] !== COLON || bytes[from + 5] !== COLON) return -1
    let time = hours * HOUR + minutes * MINUTE + seconds * SECOND
    let p = from + 8
    if (bytes[p] === POINT) {
      let unit = SECOND
      for (p++; bytes[p] >= ZERO && bytes[p] < ZERO + 10; p++) {
        if (unit === 1) return -1
        unit /= 10
        time += (bytes[p] - ZERO) * unit
      }
    }
    this.#ts = this.#midnight + time
    return p
  }

  /** A whole number of units since 1970. */
  #epoch(bytes: Uint8Array, from: number): number {
    let p = from
    let value = 0
    while (bytes[p] >= ZERO && bytes[p] < ZERO + 10) value = value * 10 + (bytes[p++] - ZERO)
    if (p === from || p - from > 16 || value * this.#unit >= LARGEST) return -1
    this.#ts = value * this.#unit
    return p
  }
}

/** Where the field ends that begins with the same bytes; -1 when it does not. */
function same(bytes: Uint8Array, from: number, known: Uint8Array): number {
  const { length } = known
  // From its end: names of one chain begin alike.
  for (let i = length - 1; i >= 0; i--) if (bytes[from + i] !== known[i]) return -1
  return from + length
}

/** Two digits; below 0 when one of them is none. */
function pair(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] - ZERO
  const ones = bytes[at + 1] - ZERO
  return tens >= 0 && tens < 10 && ones >= 0 && ones < 10 ? tens * 10 + ones : -1
}

function longMantissa(bytes: Uint8Array, from: number, to: number): number {
  let mantissa = 0
  for (let p = from; p < to; p++) if (bytes[p] !== POINT) mantissa = mantissa * 10 + (bytes[p] - ZERO)
  return mantissa
}
