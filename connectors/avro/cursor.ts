/**
 * A place in the bytes of one record. The views span the whole memory that the record lies in and are kept from record
 * to record, since a fetch brings thousands in one piece of memory and a view costs more than a record.
 */
export class Cursor {
  bytes: Uint8Array = new Uint8Array(0)
  view: DataView = new DataView(this.bytes.buffer)
  pos = 0
  /** First byte that is no longer the record's. */
  end = 0

  set(value: Uint8Array): void {
    if (value.buffer !== this.bytes.buffer) {
      this.bytes = new Uint8Array(value.buffer)
      this.view = new DataView(value.buffer)
    }
    this.pos = value.byteOffset
    this.end = value.byteOffset + value.length
  }

  /** An int or a long; exact up to 2^53. NaN where the bytes end first or go on for more than ten. */
  long(): number {
    if (this.end - this.pos < 10) return this.#longNearEnd()
    const bytes = this.bytes
    let pos = this.pos
    let b = bytes[pos++]
    let low = b & 0x7f
    if (b < 0x80) {
      this.pos = pos
      return (low >>> 1) ^ -(low & 1)
    }
    b = bytes[pos++]
    low |= (b & 0x7f) << 7
    if (b >= 0x80) {
      b = bytes[pos++]
      low |= (b & 0x7f) << 14
      if (b >= 0x80) {
        b = bytes[pos++]
        low |= (b & 0x7f) << 21
        if (b >= 0x80) return this.#longFromFifth(low, pos)
      }
    }
    this.pos = pos
    return (low >>> 1) ^ -(low & 1)
  }

  #longFromFifth(low: number, from: number): number {
    const bytes = this.bytes
    let pos = from
    let b = bytes[pos++]
    let middle = b & 0x7f
    let high = 0
    if (b >= 0x80) {
      b = bytes[pos++]
      middle |= (b & 0x7f) << 7
      if (b >= 0x80) {
        b = bytes[pos++]
        middle |= (b & 0x7f) << 14
        if (b >= 0x80) {
          b = bytes[pos++]
          middle |= (b & 0x7f) << 21
          if (b >= 0x80) {
            b = bytes[pos++]
            high = b & 0x7f
            if (b >= 0x80) {
              b = bytes[pos++]
              if (b >= 0x80) return NaN
              high |= b << 7
            }
          }
        }
      }
    }
    this.pos = pos
    return unzigzag(low, middle, high)
  }

  #longNearEnd(): number {
    let low = 0
    let middle = 0
    let high = 0
    const last = Math.min(this.end, this.pos + 10)
    for (let pos = this.pos, shift = 0; pos < last; shift += 7) {
      const b = this.bytes[pos++]
      if (shift < 28) low |= (b & 0x7f) << shift
      else if (shift < 56) middle |= (b & 0x7f) << (shift - 28)
      else high |= (b & 0x7f) << (shift - 56)
      if (b < 0x80) {
        this.pos = pos
        return unzigzag(low, middle, high)
      }
    }
    return NaN
  }
}

/** Twenty-eight bits, twenty-eight more, and the rest. The sign bit goes first, so that 2^53 is still exact. */
function unzigzag(low: number, middle: number, high: number): number {
  const half = (low >>> 1) + middle * 0x8000000 + high * 0x80000000000000
  return (low & 1) === 0 ? half : -half - 1
}
