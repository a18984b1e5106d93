/** Avro's binary form into memory that grows and is used again for the next record. */
export class Writer {
  #bytes = Buffer.alloc(4096)
  #view = viewOf(this.#bytes)
  #pos = 0

  /** Begins a record: byte 0 and the schema's id. */
  begin(id: number): void {
    this.#pos = 0
    this.#reserve(5)
    this.#bytes[0] = 0
    this.#view.setInt32(1, id)
    this.#pos = 5
  }

  /** An int or a long; exact up to 2^53. */
  long(value: number): void {
    this.#reserve(10)
    // The sign apart, since twice the value might not be exact.
    const half = value < 0 ? -value - 1 : value
    let rest = Math.floor(half / 64)
    this.#bytes[this.#pos++] = ((half - rest * 64) << 1) | (value < 0 ? 1 : 0) | (rest > 0 ? 0x80 : 0)
    while (rest > 0) {
      const next = Math.floor(rest / 128)
      this.#bytes[this.#pos++] = (rest - next * 128) | (next > 0 ? 0x80 : 0)
      rest = next
    }
  }

  double(value: number): void {
    this.#reserve(8)
    this.#view.setFloat64(this.#pos, value, true)
    this.#pos += 8
  }

  boolean(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#pos++] = value === 0 ? 0 : 1
  }

  text(utf8: Uint8Array): void {
    this.long(utf8.length)
    this.#reserve(utf8.length)
    this.#bytes.set(utf8, this.#pos)
    this.#pos += utf8.length
  }

  /** Of a union of null and something; NaN is null. Whether the something is to follow. */
  present(value: number): boolean {
    this.#reserve(1)
    const there = !Number.isNaN(value)
    this.#bytes[this.#pos++] = there ? 2 : 0
    return there
  }

  /** The record, in memory of its own. */
  end(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#pos))
  }

  #reserve(more: number): void {
    if (this.#pos + more <= this.#bytes.length) return
    const grown = Buffer.alloc(Math.max(this.#bytes.length * 2, this.#pos + more))
    grown.set(this.#bytes)
    this.#bytes = grown
    this.#view = viewOf(grown)
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
