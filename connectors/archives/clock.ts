import { DAY, HOUR, MINUTE, SECOND } from '../../core/time.ts'

const ZERO = 48
/** Days between which a row can lie: 1990-01-01 and 2100-01-01. Before is what a feed without a time sends. */
const FIRST_DAY = 7305
const LAST_DAY = 47_482

/**
 * Times of a member's rows: a wall clock is attached to its zone, never shifted. `ts` is in microseconds, NaN when what
 * was read is no time; `day` is the local day it belongs to.
 */
export class Clock {
  readonly #offset: number
  readonly #dayFirst: boolean
  #date = NaN
  #time = NaN
  /** Local = UTC + this, where the text itself said so. */
  #own = NaN
  #ts = NaN
  #keyKnown = -1
  #dayKnown = NaN

  constructor(offset: number, order: 'dmy' | 'ymd') {
    this.#offset = offset
    this.#dayFirst = order === 'dmy'
  }

  clear(): this {
    this.#date = this.#time = this.#own = this.#ts = NaN
    return this
  }

  get ts(): number {
    const ts = Number.isNaN(this.#ts) ? this.#date * DAY + this.#time - (Number.isNaN(this.#own) ? this.#offset : this.#own) : this.#ts
    const day = Math.floor((ts + this.#offset) / DAY)
    return day >= FIRST_DAY && day < LAST_DAY ? ts : NaN
  }

  get day(): number {
    if (Number.isNaN(this.#ts) && Number.isNaN(this.#own)) return this.#date
    return Math.floor((this.ts + this.#offset) / DAY)
  }

  /** When the local day of `ts` begins; NaN where the text named its zone. */
  get midnight(): number {
    return Number.isNaN(this.#own) ? this.day * DAY - this.#offset : NaN
  }

  epoch(ts: number): void {
    this.#ts = ts
  }

  date(bytes: Uint8Array, from: number, to: number): void {
    const start = leftOf(bytes, from, to)
    this.#date = this.#readDate(bytes, start, rightOf(bytes, start, to))
  }

  time(bytes: Uint8Array, from: number, to: number): void {
    const start = leftOf(bytes, from, to)
    this.#time = this.#readTime(bytes, start, rightOf(bytes, start, to))
  }

  dateTime(bytes: Uint8Array, from: number, to: number): void {
    const start = leftOf(bytes, from, to)
    if (bytes[start + 10] !== 0x20 && bytes[start + 10] !== 0x54) return
    this.#date = this.#readDate(bytes, start, start + 10)
    this.#time = this.#readTime(bytes, start + 11, rightOf(bytes, start, to))
  }

  /** Eight digits together, or three groups apart, of two, two and four digits. */
  #readDate(bytes: Uint8Array, from: number, to: number): number {
    const apart = to - from === 10
    if (!apart && to - from !== 8) return NaN
    let day: number
    let month: number
    let year: number
    if (this.#dayFirst) {
      day = pair(bytes, from)
      month = pair(bytes, from + (apart ? 3 : 2))
      year = pair(bytes, from + (apart ? 6 : 4)) * 100 + pair(bytes, from + (apart ? 8 : 6))
    } else {
      year = pair(bytes, from) * 100 + pair(bytes, from + 2)
      month = pair(bytes, from + (apart ? 5 : 4))
      day = pair(bytes, from + (apart ? 8 : 6))
    }
    const key = (year * 100 + month) * 100 + day
    if (Number.isNaN(key)) return NaN
    if (apart && !isApart(bytes[from + (this.#dayFirst ? 2 : 4)], bytes[from + (this.#dayFirst ? 5 : 7)])) return NaN
    if (key !== this.#keyKnown) {
      this.#keyKnown = key
      this.#dayKnown = dayOfDate(year, month, day)
    }
    return this.#dayKnown
  }

  /** HH:MM[:SS[.ffffff]] and, if it has one, its zone: Z, +05:30 or +0530. */
  #readTime(bytes: Uint8Array, from: number, to: number): number {
    const hours = pair(bytes, from)
    const minutes = pair(bytes, from + 3)
    if (bytes[from + 2] !== 58 || !(hours < 24) || !(minutes < 60) || to - from < 5) return NaN
    let time = hours * HOUR + minutes * MINUTE
    let p = from + 5
    if (p < to && bytes[p] === 58) {
      const seconds = pair(bytes, p + 1)
      if (!(seconds < 60) || to - p < 3) return NaN
      time += seconds * SECOND
      p += 3
      if (p < to && bytes[p] === 46) {
        let unit = SECOND
        for (p++; p < to && bytes[p] >= ZERO && bytes[p] < ZERO + 10; p++) time += Math.floor((bytes[p] - ZERO) * (unit /= 10) + 1e-9)
      }
    }
    return p === to ? time : this.#readZone(bytes, p, to) ? time : NaN
  }

  #readZone(bytes: Uint8Array, from: number, to: number): boolean {
    if (bytes[from] === 0x5a && to - from === 1) {
      this.#own = 0
      return true
    }
    const sign = bytes[from] === 43 ? 1 : bytes[from] === 45 ? -1 : 0
    const colon = bytes[from + 3] === 58
    if (sign === 0 || to - from !== (colon ? 6 : 5)) return false
    const offset = pair(bytes, from + 1) * HOUR + pair(bytes, from + (colon ? 4 : 3)) * MINUTE
    this.#own = sign * offset
    return !Number.isNaN(offset)
  }
}

function pair(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] - ZERO
  const ones = bytes[at + 1] - ZERO
  return tens >= 0 && tens < 10 && ones >= 0 && ones < 10 ? tens * 10 + ones : NaN
}

function isApart(a: number, b: number): boolean {
  return a === b && (a === 0x2d || a === 0x2f || a === 0x2e)
}

function dayOfDate(year: number, month: number, day: number): number {
  const ms = Date.UTC(year, month - 1, day)
  const date = new Date(ms)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? ms / 86_400_000 : NaN
}

function leftOf(bytes: Uint8Array, from: number, to: number): number {
  let start = from
  while (start < to && isBlank(bytes[start])) start++
  return start
}

function rightOf(bytes: Uint8Array, from: number, to: number): number {
  let end = to
  while (end > from && isBlank(bytes[end - 1])) end--
  return end
}

function isBlank(c: number): boolean {
  return c === 0x20 || c === 9 || c === 13
}
