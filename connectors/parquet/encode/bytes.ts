/** Bytes that grow as they are written, little-endian. */
export class Bytes {
  array: Uint8Array<ArrayBuffer>
  length = 0

  constructor(capacity = 1024) {
    this.array = new Uint8Array(capacity)
  }

  /** Room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.array.length) return
    const grown = new Uint8Array(Math.max(needed, this.array.length * 2))
    grown.set(this.array.subarray(0, this.length))
    this.array = grown
  }

  clear(): this {
    this.length = 0
    return this
  }

  /** What was written, as a view that the next write may change. */
  written(): Uint8Array<ArrayBuffer> {
    return this.array.subarray(0, this.length)
  }

  u8(value: number): void {
    this.reserve(1)
    this.array[this.length++] = value
  }

  u32(value: number): void {
    this.reserve(4)
    for (let shift = 0; shift < 32; shift += 8) this.array[this.length++] = value >>> shift
  }

  /** A whole number from 0 to 2^53 in groups of seven bits. */
  varint(value: number): void {
    this.reserve(8)
    let rest = value
    while (rest >= 128) {
      this.array[this.length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.array[this.length++] = rest
  }

  put(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.array.set(bytes, this.length)
    this.length += bytes.length
  }
}
