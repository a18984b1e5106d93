import { BLOCK, type Block, blockOf, type Receiver } from './block.ts'
import { isEarlierDay, isSame, joined, lineEnd } from './bytes.ts'
import { Clock } from './clock.ts'
import { actionOf, DATE, DATETIME, EPOCH, NAME, SKIP, TIME, TRADED } from './fieldActions.ts'
import type { Layout } from './layout.ts'
import { PlainLines } from './plainLines.ts'
import { missingOrNumber, POWERS, textOf, unquoted } from './slowField.ts'

/** A line longer than this is no row. */
const LONGEST = 1 << 20
const NEWLINE = 10
const RETURN = 13
const QUOTE = 34
const MINUS = 45
const POINT = 46
const ZERO = 48

/** The block of a scanner that is at its end, for the next: there are thousands of members. */
let spare: Block | undefined

/**
 * Bytes of one member to columns: no object a row, no copy but of a line that two pieces share.
 *
 * LF or CRLF, a UTF-8 BOM, quoted fields (a line break inside quotes is not: it ends the line, which is unparsable then).
 * Empty lines are no rows. Every other line below the headings is told once: as a row, refused, or rejected.
 */
export class Scanner {
  readonly #layout: Layout
  readonly #actions: Int32Array
  readonly #receiver: Receiver
  readonly #clock: Clock
  readonly #values = new Float64Array(7)
  readonly #block: Block = spare ?? blockOf(BLOCK)
  readonly #plain: PlainLines
  readonly #naive: boolean
  #n = 0
  #line = 0
  #carry = new Uint8Array(0)
  /** Inside a line that is too long: its end is still to come. */
  #skipping = false
  #name = new Uint8Array(0)
  /** Text of the last date, with what is between it and the time where they are one. */
  #date = new Uint8Array(0)
  #nameText = ''
  /** Whether the row being read has a price of an earlier day. */
  #stale = false
  #day = NaN
  #target = NaN

  constructor(layout: Layout, receiver: Receiver, offset: number) {
    this.#layout = layout
    this.#receiver = receiver
    this.#clock = new Clock(layout.zone?.offset ?? offset, layout.dateOrder)
    this.#actions = Int32Array.from(layout.columns, actionOf)
    spare = undefined
    this.#plain = new PlainLines(layout, this.#actions, this.#block)
    this.#naive = !layout.columns.includes('epoch')
  }

  /** Lines seen so far. */
  get line(): number {
    return this.#line
  }

  feed(given: Uint8Array): void {
    // Never a Buffer, so that the loops below see one type.
    const piece = new Uint8Array(given.buffer, given.byteOffset, given.length)
    let from = 0
    if (this.#skipping || this.#carry.length > 0) {
      const newline = piece.indexOf(NEWLINE)
      if (newline < 0) {
        this.#keep(piece)
        return
      }
      from = newline + 1
      if (this.#skipping) this.#skipping = false
      else {
        const line = joined(this.#carry, piece.subarray(0, from))
        this.#carry = new Uint8Array(0)
        this.#lines(line, 0, line.length)
      }
    }
    const end = piece.lastIndexOf(NEWLINE) + 1
    if (end > from) this.#lines(piece, from, end)
    if (Math.max(end, from) < piece.length) this.#keep(piece.subarray(Math.max(end, from)))
  }

  /** The end of the member; a last line without a line break counts unless it is torn: that is the caller's to say. */
  end(torn: boolean): string | undefined {
    const last = this.#carry
    this.#carry = new Uint8Array(0)
    if (last.length > 0 && !torn) {
      const line = joined(last, new Uint8Array([NEWLINE]))
      this.#lines(line, 0, line.length)
    }
    this.#flush()
    spare = this.#block
    if (!torn || last.length === 0) return undefined
    this.#line++
    return this.#line > this.#layout.headings ? textOf(last, 0, last.length) : undefined
  }

  #keep(rest: Uint8Array): void {
    if (this.#skipping) return
    if (this.#carry.length + rest.length <= LONGEST) {
      this.#carry = joined(this.#carry, rest)
      return
    }
    const start = joined(this.#carry, rest.subarray(0, 256))
    this.#carry = new Uint8Array(0)
    this.#skipping = true
    this.#line++
    this.#receiver.rejected('unparsable_line', NaN, this.#line, () => textOf(start, 0, Math.min(start.length, 256)))
  }

  /** Whole lines: bytes[end - 1] is a line break. */
  #lines(bytes: Uint8Array, from: number, end: number): void {
    let at = from
    if (this.#line === 0 && bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf) at += 3
    while (at < end) {
      this.#line++
      const first = bytes[at]
      if (first === NEWLINE) at++
      else if (first === RETURN && bytes[at + 1] === NEWLINE) at += 2
      else if (this.#line <= this.#layout.headings) at = lineEnd(bytes, at) + 1
      else at = this.#row(bytes, at)
    }
  }

  /** One row; answers where the next line begins. */
  #row(bytes: Uint8Array, from: number): number {
    const next = this.#plain.read(bytes, from, this.#n, this.#line)
    if (next >= 0) {
      if (++this.#n === BLOCK) this.#flush()
      return next
    }
    this.#plain.forget()
    const done = this.#fields(bytes, from)
    if (done >= 0) return done
    const end = lineEnd(bytes, from)
    // Whatever the fast way stumbled over is looked at once more, with its quotes taken off.
    const plain = bytes.subarray(from, end).includes(QUOTE) ? unquoted(bytes, from, end, this.#layout.separator) : undefined
    if (plain === undefined || this.#fields(plain, 0) < 0) this.#receiver.rejected('unparsable_line', NaN, this.#line, () => textOf(bytes, from, end))
    return end + 1
  }

  /** Reads a line; below 0 when it cannot. */
  #fields(bytes: Uint8Array, from: number): number {
    const actions = this.#actions
    const values = this.#values.fill(NaN)
    const separator = this.#layout.separator
    const clock = this.#clock.clear()
    let nameFrom = 0
    let nameTo = 0
    let tradedFrom = 0
    let tradedTo = 0
    let p = from
    let field = 0
    for (; ; field++) {
      const action = field < actions.length ? actions[field] : SKIP
      const start = p
      let c = bytes[p]
      if (c === QUOTE) return -1
      if (action >= 0 && action <= EPOCH) {
        const negative = c === MINUS
        if (negative) c = bytes[++p]
        const digitsFrom = p
        let mantissa = 0
        while (c >= ZERO && c < ZERO + 10) {
          mantissa = mantissa * 10 + (c - ZERO)
          c = bytes[++p]
        }
        let digits = p - digitsFrom
        let decimals = 0
        if (c === POINT) {
          c = bytes[++p]
          const decimalsFrom = p
          while (c >= ZERO && c < ZERO + 10) {
            mantissa = mantissa * 10 + (c - ZERO)
            c = bytes[++p]
          }
          decimals = p - decimalsFrom
          digits += decimals
        }
        const ended = c === separator || c === NEWLINE || c === RETURN
        // Two exact numbers divided give the nearest double, as long as both are exact: to 15 digits.
        if (ended && digits > 0 && digits <= 15) values[action] = (negative ? -mantissa : mantissa) / POWERS[decimals]
        else {
          while (c !== separator && c !== NEWLINE) c = bytes[++p]
          const value = missingOrNumber(bytes, start, p)
          if (value === undefined) return -1
          values[action] = value
        }
      } else {
        while (c !== separator && c !== NEWLINE) c = bytes[++p]
        if (action === NAME) {
          nameFrom = start
          nameTo = p
        } else if (action === TRADED) {
          tradedFrom = start
          tradedTo = p
        } else if (action === TIME) clock.time(bytes, start, p)
        else if (action === DATETIME) {
          clock.dateTime(bytes, start, p)
          if (!isSame(this.#date, bytes, start, Math.min(p, start + 11))) this.#date = bytes.slice(start, Math.min(p, start + 11))
        } else if (action === DATE) {
          clock.date(bytes, start, p)
          if (!isSame(this.#date, bytes, start, p)) this.#date = bytes.slice(start, p)
        }
      }
      if (c === separator) {
        p++
        continue
      }
      if (c === RETURN) p++
      if (bytes[p] !== NEWLINE) return -1
      break
    }
    if (field + 1 < this.#layout.least || field + 1 > this.#layout.most) return -1
    this.#stale = isEarlierDay(bytes, tradedFrom, tradedTo, this.#date)
    this.#emit(bytes, from, p, nameFrom, nameTo)
    return p + 1
  }

  #emit(bytes: Uint8Array, from: number, to: number, nameFrom: number, nameTo: number): void {
    const values = this.#values
    const clock = this.#clock
    if (!this.#naive) clock.epoch(Math.round(values[EPOCH] * this.#layout.epochUnit))
    const { ts, day } = clock
    if (Number.isNaN(ts)) {
      this.#reject('bad_time', NaN, bytes, from, to)
      return
    }
    // An empty name is one too: the row is not of the instrument above it.
    if (!isSame(this.#name, bytes, nameFrom, nameTo)) this.#rename(bytes, nameFrom, nameTo)
    if (day !== this.#day) {
      this.#day = day
      this.#target = NaN
    }
    if (Number.isNaN(this.#target)) this.#target = this.#receiver.target(this.#nameText, day)
    if (this.#target < 0) {
      this.#refuse(day, bytes, from, to)
      return
    }
    if (!(values[0] > 0)) {
      this.#reject('zero_price', day, bytes, from, to)
      return
    }
    const block = this.#block
    const n = this.#n
    block.ts[n] = ts
    block.target[n] = this.#target
    block.line[n] = this.#stale ? -this.#line : this.#line
    block.price[n] = values[0]
    block.volume[n] = values[1]
    block.oi[n] = values[2]
    block.bid[n] = values[3]
    block.ask[n] = values[4]
    block.close[n] = values[5]
    this.#plain.follow(this.#name, this.#date, clock.midnight, this.#target)
    if (++this.#n === BLOCK) this.#flush()
  }

  // Apart from the fast way, so that it makes no closure a row.
  #reject(why: 'bad_time' | 'zero_price', day: number, bytes: Uint8Array, from: number, to: number): void {
    this.#receiver.rejected(why, day, this.#line, () => textOf(bytes, from, to))
  }

  #refuse(day: number, bytes: Uint8Array, from: number, to: number): void {
    this.#receiver.refused(this.#target, day, this.#line, () => textOf(bytes, from, to))
  }

  #rename(bytes: Uint8Array, from: number, to: number): void {
    this.#name = bytes.slice(from, to)
    this.#nameText = textOf(bytes, from, to).trim()
    this.#target = NaN
  }

  #flush(): void {
    if (this.#n > 0) this.#receiver.rows(this.#block, this.#n)
    this.#n = 0
  }
}
