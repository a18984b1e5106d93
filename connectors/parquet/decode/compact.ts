/** A value of Thrift's compact protocol. A struct is its fields by their ids; a binary is a view on the bytes read. */
export type Value = number | boolean | Uint8Array | List | Struct
export type List = readonly Value[]
export class Struct {
  readonly fields: (Value | undefined)[] = []

  number(id: number): number | undefined {
    const value = this.fields[id]
    return typeof value === 'number' ? value : undefined
  }
  text(id: number): string | undefined {
    const value = this.fields[id]
    return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8') : undefined
  }
  struct(id: number): Struct | undefined {
    const value = this.fields[id]
    return value instanceof Struct ? value : undefined
  }
  list(id: number): List {
    const value = this.fields[id]
    return Array.isArray(value) ? value : []
  }
}

const DEEPEST = 32

/**
 * Reads structs of Thrift's compact protocol, in which Parquet keeps its footers and page headers. Integers above 2^53
 * lose their last bits; none that is used here is near. Throws RangeError where the bytes end inside a value, or are none.
 */
export class Compact {
  readonly #bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes
    this.at = at
  }

  struct(depth = 0): Struct {
    if (depth > DEEPEST) throw new RangeError('structs nested too deep')
    const struct = new Struct()
    for (let id = 0; ; ) {
      const head = this.#byte()
      if (head === 0) return struct
      const step = head >> 4
      id = step === 0 ? this.#zigzag() : id + step
      if (id < 0 || id > 1000) throw new RangeError(`a field of the number ${id}`)
      const type = head & 15
      struct.fields[id] = type === 1 ? true : type === 2 ? false : this.#value(type, depth + 1)
    }
  }

  #value(type: number, depth: number): Value {
    if (type <= 2) return this.#byte() === 1
    if (type === 3) return (this.#byte() << 24) >> 24
    if (type <= 6) return this.#zigzag()
    if (type === 7) return this.#binary(8)[0]
    if (type === 8) return this.#binary(this.#varint())
    if (type === 9 || type === 10) return this.#list(depth)
    if (type === 12) return this.struct(depth)
    throw new RangeError(`a value of type ${type}`)
  }

  #list(depth: number): List {
    if (depth > DEEPEST) throw new RangeError('lists nested too deep')
    const head = this.#byte()
    const n = head >> 4 === 15 ? this.#varint() : head >> 4
    // Every element takes a byte at the least.
    if (n > this.#bytes.length - this.at) throw new RangeError(`a list of ${n}`)
    const list: Value[] = []
    for (let i = 0; i < n; i++) list.push(this.#value(head & 15, depth + 1))
    return list
  }

  #binary(n: number): Uint8Array {
    if (n > this.#bytes.length - this.at) throw new RangeError(`${n} bytes wanted where fewer are left`)
    this.at += n
    return this.#bytes.subarray(this.at - n, this.at)
  }

  #byte(): number {
    if (this.at >= this.#bytes.length) throw new RangeError('it ends too soon')
    return this.#bytes[this.at++]
  }

  #varint(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 63; scale *= 128) {
      const byte = this.#byte()
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    throw new RangeError('an integer of more than 64 bits')
  }

  /** 0, -1, 1, -2 ... are written as 0, 1, 2, 3 ... */
  #zigzag(): number {
    const value = this.#varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}
