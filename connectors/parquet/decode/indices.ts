/** Values unpacked at once: their bits are counted in 32. */
const MOST = 1 << 20

/** Integers of up to 24 bits in Parquet's mixture of runs of one value and values packed bit by bit. Throws RangeError where they are damaged. */
export class Indices {
  readonly #view: DataView
  readonly #end: number
  readonly #width: number
  #at: number
  /** Values left of the present run; where packed, they start at bit `#bit` behind `#at`. */
  #left = 0
  #packed = false
  #value = 0
  #bit = 0

  /** `bytes` has readable padding behind it (pages.ts). */
  constructor(bytes: Uint8Array, at: number, width: number) {
    if (width > 24) throw new RangeError(`indices of ${width} bits`)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.buffer.byteLength - bytes.byteOffset)
    this.#end = bytes.length
    this.#width = width
    this.#at = at
  }

  /** Whether the next `n` values are one run of `value`; looks at the next run only. */
  allAre(value: number, n: number): boolean {
    if (this.#left === 0) this.#run()
    return !this.#packed && this.#value === value && this.#left >= n
  }

  /** The next n values themselves. */
  copy(into: Int32Array, n: number): void {
    for (let at = 0; at < n; ) {
      const take = this.#take(n - at)
      if (this.#packed) unpack(this.#view, this.#at, this.#bit, this.#width, into, at, take)
      else into.fill(this.#value, at, at + take)
      this.#pass(take)
      at += take
    }
  }

  /** into[at..at+n-1] = table[index] of the next n. */
  gatherF64(table: Float64Array, into: Float64Array, at: number, n: number): void {
    for (let done = 0; done < n; ) {
      const take = this.#take(n - done)
      if (this.#packed) unpackF64(this.#view, this.#at, this.#bit, this.#width, table, into, at + done, take)
      else into.fill(table[within(this.#value, table.length)], at + done, at + done + take)
      this.#pass(take)
      done += take
    }
  }

  /** into[at..at+n-1] += table[index] of the next n. */
  addI32(table: Int32Array, into: Int32Array, at: number, n: number): void {
    for (let done = 0; done < n; ) {
      const take = this.#take(n - done)
      if (this.#packed) unpackI32(this.#view, this.#at, this.#bit, this.#width, table, into, at + done, take)
      else addAll(into, at + done, take, table[within(this.#value, table.length)])
      this.#pass(take)
      done += take
    }
  }

  #take(wanted: number): number {
    if (this.#left === 0) this.#run()
    const take = Math.min(wanted, this.#left, MOST)
    if (this.#packed && this.#at + (this.#bit + take * this.#width) / 8 > this.#end) throw new RangeError('its values end too soon')
    return take
  }

  #pass(taken: number): void {
    this.#left -= taken
    if (!this.#packed) return
    const bit = this.#bit + taken * this.#width
    this.#at += bit >>> 3
    this.#bit = bit & 7
    // A packed run fills its last byte: groups are of eight.
    if (this.#left === 0 && this.#bit > 0) throw new RangeError('a packed run ends inside a byte')
  }

  #run(): void {
    let head = 0
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= this.#end || shift > 28) throw new RangeError('its values end too soon')
      const byte = this.#view.getUint8(this.#at++)
      head |= (byte & 127) << shift
      if (byte < 128) break
    }
    this.#packed = (head & 1) === 1
    this.#left = (head >>> 1) * (this.#packed ? 8 : 1)
    this.#bit = 0
    if (this.#left === 0) throw new RangeError('a run of nothing')
    if (this.#packed) return
    const bytes = (this.#width + 7) >> 3
    if (this.#at + bytes > this.#end) throw new RangeError('its values end too soon')
    this.#value = this.#view.getUint32(this.#at, true) & (2 ** (8 * bytes) - 1)
    this.#at += bytes
  }
}

export function within(index: number, length: number): number {
  if (index < length) return index
  throw outside()
}

function outside(): RangeError {
  return new RangeError('a value is none of its dictionary')
}

function addAll(into: Int32Array, at: number, n: number, value: number): void {
  for (let i = 0; i < n; i++) into[at + i] += value
}

// One loop a type: V8 keeps each monomorphic. A value of up to 24 bits lies within the four bytes that hold its first.
function unpack(view: DataView, byte: number, first: number, width: number, into: Int32Array, at: number, n: number): void {
  const mask = 2 ** width - 1
  for (let i = 0, bit = first; i < n; i++, bit += width) into[at + i] = (view.getUint32(byte + (bit >>> 3), true) >>> (bit & 7)) & mask
}
/** Eight at a time: they fill `width` bytes, so that where each of them starts is the same in every eight. */
function unpackF64(view: DataView, byte: number, first: number, width: number, table: Float64Array, into: Float64Array, at: number, n: number): void {
  const mask = 2 ** width - 1
  const size = table.length
  const b1 = first + 1 * width
  const b2 = first + 2 * width
  const b3 = first + 3 * width
  const b4 = first + 4 * width
  const b5 = first + 5 * width
  const b6 = first + 6 * width
  const b7 = first + 7 * width
  let i = 0
  for (let p = byte; i + 8 <= n; i += 8, p += width) {
    const k0 = (view.getInt32(p, true) >>> first) & mask
    const k1 = (view.getInt32(p + (b1 >> 3), true) >>> (b1 & 7)) & mask
    const k2 = (view.getInt32(p + (b2 >> 3), true) >>> (b2 & 7)) & mask
    const k3 = (view.getInt32(p + (b3 >> 3), true) >>> (b3 & 7)) & mask
    const k4 = (view.getInt32(p + (b4 >> 3), true) >>> (b4 & 7)) & mask
    const k5 = (view.getInt32(p + (b5 >> 3), true) >>> (b5 & 7)) & mask
    const k6 = (view.getInt32(p + (b6 >> 3), true) >>> (b6 & 7)) & mask
    const k7 = (view.getInt32(p + (b7 >> 3), true) >>> (b7 & 7)) & mask
    if (k0 >= size || k1 >= size || k2 >= size || k3 >= size || k4 >= size || k5 >= size || k6 >= size || k7 >= size) throw outside()
    const to = at + i
    into[to] = table[k0]
    into[to + 1] = table[k1]
    into[to + 2] = table[k2]
    into[to + 3] = table[k3]
    into[to + 4] = table[k4]
    into[to + 5] = table[k5]
    into[to + 6] = table[k6]
    into[to + 7] = table[k7]
  }
  for (let bit = first + i * width; i < n; i++, bit += width) {
    const index = (view.getInt32(byte + (bit >>> 3), true) >>> (bit & 7)) & mask
    if (index >= size) throw outside()
    into[at + i] = table[index]
  }
}
function unpackI32(view: DataView, byte: number, first: number, width: number, table: Int32Array, into: Int32Array, at: number, n: number): void {
  const mask = 2 ** width - 1
  const size = table.length
  const b1 = first + 1 * width
  const b2 = first + 2 * width
  const b3 = first + 3 * width
  const b4 = first + 4 * width
  const b5 = first + 5 * width
  const b6 = first + 6 * width
  const b7 = first + 7 * width
  let i = 0
  for (let p = byte; i + 8 <= n; i += 8, p += width) {
    const k0 = (view.getInt32(p, true) >>> first) & mask
    const k1 = (view.getInt32(p + (b1 >> 3), true) >>> (b1 & 7)) & mask
    const k2 = (view.getInt32(p + (b2 >> 3), true) >>> (b2 & 7)) & mask
    const k3 = (view.getInt32(p + (b3 >> 3), true) >>> (b3 & 7)) & mask
    const k4 = (view.getInt32(p + (b4 >> 3), true) >>> (b4 & 7)) & mask
    const k5 = (view.getInt32(p + (b5 >> 3), true) >>> (b5 & 7)) & mask
    const k6 = (view.getInt32(p + (b6 >> 3), true) >>> (b6 & 7)) & mask
    const k7 = (view.getInt32(p + (b7 >> 3), true) >>> (b7 & 7)) & mask
    if (k0 >= size || k1 >= size || k2 >= size || k3 >= size || k4 >= size || k5 >= size || k6 >= size || k7 >= size) throw outside()
    const to = at + i
    into[to] += table[k0]
    into[to + 1] += table[k1]
    into[to + 2] += table[k2]
    into[to + 3] += table[k3]
    into[to + 4] += table[k4]
    into[to + 5] += table[k5]
    into[to + 6] += table[k6]
    into[to + 7] += table[k7]
  }
  for (let bit = first + i * width; i < n; i++, bit += width) {
    const index = (view.getInt32(byte + (bit >>> 3), true) >>> (bit & 7)) & mask
    if (index >= size) throw outside()
    into[at + i] += table[index]
  }
}
