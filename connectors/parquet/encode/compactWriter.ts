import { Bytes } from './bytes.ts'

const TRUE = 1
const FALSE = 2
const I32 = 5
const I64 = 6
const BINARY = 8
const LIST = 9
const STRUCT = 12

/**
 * Thrift's compact protocol, as far as Parquet's headers need it: fields by rising number, `undefined` left out. A
 * struct is written by a function, so that its end cannot be forgotten.
 */
export class CompactWriter {
  readonly bytes = new Bytes(256)
  #last = 0

  #field(id: number, type: number): void {
    const step = id - this.#last
    if (step <= 0 || step > 15) throw new RangeError(`field ${id} after ${this.#last}`)
    this.bytes.u8((step << 4) | type)
    this.#last = id
  }

  #signed(value: number): void {
    this.bytes.varint(value < 0 ? -2 * value - 1 : 2 * value)
  }

  #body(write: () => void): void {
    const before = this.#last
    this.#last = 0
    write()
    this.bytes.u8(0)
    this.#last = before
  }

  /** A struct that is no field: the whole message. */
  whole(write: () => void): Uint8Array<ArrayBuffer> {
    this.bytes.clear()
    this.#body(write)
    return this.bytes.written()
  }

  i32(id: number, value: number | undefined): void {
    if (value === undefined) return
    this.#field(id, I32)
    this.#signed(value)
  }

  i64(id: number, value: number | undefined): void {
    if (value === undefined) return
    this.#field(id, I64)
    this.#signed(value)
  }

  bool(id: number, value: boolean): void {
    this.#field(id, value ? TRUE : FALSE)
  }

  binary(id: number, value: Uint8Array | undefined): void {
    if (value === undefined) return
    this.#field(id, BINARY)
    this.bytes.varint(value.length)
    this.bytes.put(value)
  }

  text(id: number, value: string): void {
    this.binary(id, Buffer.from(value))
  }

  struct(id: number, write: () => void): void {
    this.#field(id, STRUCT)
    this.#body(write)
  }

  structs<T>(id: number, of: readonly T[], write: (one: T) => void): void {
    this.#list(id, STRUCT, of.length)
    for (const one of of) this.#body(() => write(one))
  }

  i32s(id: number, values: readonly number[]): void {
    this.#list(id, I32, values.length)
    for (const value of values) this.#signed(value)
  }

  texts(id: number, values: readonly string[]): void {
    this.#list(id, BINARY, values.length)
    for (const value of values) {
      const bytes = Buffer.from(value)
      this.bytes.varint(bytes.length)
      this.bytes.put(bytes)
    }
  }

  #list(id: number, type: number, size: number): void {
    this.#field(id, LIST)
    if (size < 15) this.bytes.u8((size << 4) | type)
    else {
      this.bytes.u8(0xf0 | type)
      this.bytes.varint(size)
    }
  }
}
