import type { Column } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { LatestColumn } from '../../core/latestRows.ts'

const HIGH = 4_294_967_296

/**
 * Rows as RowBinaryWithNamesAndTypes: for the few rows of a latest table, without the 20 MB of memory that Arrow costs.
 * One buffer, grown and used again; the bytes returned are valid until the next call.
 */
export class RowBinary {
  #bytes = Buffer.allocUnsafe(65_536)
  #at = 0

  /** `types`: of each column, as the table has them. Every row ends with the epoch, a UInt64. */
  encode(
    columns: readonly LatestColumn[],
    types: readonly string[],
    from: readonly Column[],
    n: number,
    epoch: number,
    instruments: Instruments,
  ): Uint8Array {
    this.#at = 0
    this.#count(columns.length + 1)
    for (const { name } of columns) this.#text(name)
    this.#text('epoch')
    for (const type of types) this.#text(type)
    this.#text('UInt64')
    for (let i = 0; i < n; i++) {
      for (let c = 0; c < columns.length; c++) this.#cell(columns[c], from[c][i], instruments)
      this.#integer(epoch)
    }
    return this.#bytes.subarray(0, this.#at)
  }

  #cell({ kind, words }: LatestColumn, value: number, instruments: Instruments): void {
    if (kind === 'instrument') this.#text(instruments.name(value))
    else if (words.length > 0) this.#text(words[value] ?? '')
    else if (kind === 'time') this.#integer(value)
    else if (kind === 'f64') this.#at = this.#room(8).writeDoubleLE(value, this.#at)
    else if (kind === 'i32') this.#at = this.#room(4).writeInt32LE(value, this.#at)
    else this.#at = this.#room(1).writeUInt8(value, this.#at)
  }

  /** 64 bits, by halves: V8 makes an object of every BigInt. */
  #integer(value: number): void {
    const high = Math.floor(value / HIGH)
    const bytes = this.#room(8)
    this.#at = bytes.writeUInt32LE(value - high * HIGH, this.#at)
    this.#at = bytes.writeInt32LE(high, this.#at)
  }

  #text(text: string): void {
    const length = Buffer.byteLength(text)
    this.#count(length)
    this.#at += this.#room(length).write(text, this.#at)
  }

  /** Seven bits a byte, the lowest first. */
  #count(n: number): void {
    let left = n
    while (left > 127) {
      this.#at = this.#room(1).writeUInt8((left & 127) | 128, this.#at)
      left >>>= 7
    }
    this.#at = this.#room(1).writeUInt8(left, this.#at)
  }

  #room(bytes: number): Buffer {
    if (this.#at + bytes > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#at + bytes, 2 * this.#bytes.length))
      this.#bytes.copy(grown, 0, 0, this.#at)
      this.#bytes = grown
    }
    return this.#bytes
  }
}
