import { allocate, type Batch, type Column, type Columns, type Schema } from './batch.ts'

/**
 * Rows kept by whoever receives batches: growable columns, appended to by copying.
 *
 * `col` is replaced when the buffer grows, so read it after the append, never before.
 */
export class RowBuffer<S extends Schema> {
  readonly schema: S
  n = 0
  col: Columns<S>
  #capacity: number

  constructor(schema: S, capacity = 0) {
    this.schema = schema
    this.#capacity = capacity
    const col: Record<string, Column> = {}
    for (const name in schema) col[name] = allocate(schema[name], capacity)
    this.col = col as Columns<S>
  }

  get capacity(): number {
    return this.#capacity
  }

  /** Bytes held, used or not. */
  get bytes(): number {
    let sum = 0
    for (const name in this.schema) sum += (this.col[name] as Column).byteLength
    return sum
  }

  /** Room for `rows` rows; what is there stays. */
  reserve(rows: number): void {
    if (rows <= this.#capacity) return
    const capacity = Math.max(rows, Math.ceil(this.#capacity * 1.5), 1024)
    const grown: Record<string, Column> = {}
    for (const name in this.schema) {
      const to = allocate(this.schema[name], capacity) as Column
      to.set((this.col[name] as Column).subarray(0, this.n))
      grown[name] = to
    }
    this.col = grown as Columns<S>
    this.#capacity = capacity
  }

  /** Copies rows from..to-1 of the batch to the end. */
  append(batch: Batch<S>, from = 0, to = batch.n): void {
    if (to <= from) return
    this.reserve(this.n + to - from)
    for (const name in this.schema) {
      ;(this.col[name] as Column).set((batch.col[name] as Column).subarray(from, to), this.n)
    }
    this.n += to - from
  }

  /** Forgets the first `count` rows. */
  dropFirst(count: number): void {
    if (count <= 0) return
    for (const name in this.schema) (this.col[name] as Column).copyWithin(0, count, this.n)
    this.n -= count
  }

  clear(): void {
    this.n = 0
  }

  /** Gives its memory back at once, that of views too; nothing is read or added afterwards. */
  close(): void {
    for (const name in this.schema) ((this.col[name] as Column).buffer as ArrayBuffer).transfer(0)
  }

  /** Rows 0..n-1 of the columns as a batch that borrows this memory, for who writes into the columns himself. */
  first(n: number, watermark: number): Batch<S> {
    return { n, watermark, col: this.col }
  }

  /** The rows as a batch that borrows this memory. */
  view(watermark: number): Batch<S> {
    return { n: this.n, watermark, col: this.col }
  }
}
