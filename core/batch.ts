/** `stop|target|trail`: one of these words, held as its place among them, from 0. */
export type Words = `${string}|${string}`

/**
 * What a column holds. `time` is integer microseconds since the epoch, UTC; `instrument` is an id of the run's
 * dictionary (core/instruments.ts); `bool` is 0 or 1. A missing f64 is NaN.
 */
export type Kind = 'time' | 'instrument' | 'f64' | 'i32' | 'bool' | Words

/** A schema names the columns of a batch, in order. */
export type Schema = Readonly<Record<string, Kind>>

export type Column = Float64Array | Int32Array | Uint8Array
export type ColumnOf<K extends Kind> = K extends 'time' | 'f64' ? Float64Array : K extends 'bool' ? Uint8Array : Int32Array
export type Columns<S extends Schema> = { readonly [C in keyof S]: ColumnOf<S[C]> }

/**
 * A struct of typed arrays, plus the time before which no further row will come.
 *
 * Rows are those at 0..n-1; a column may be longer. `n` may be 0: an empty batch still moves the watermark.
 * Columns are lent: they are valid until the `next` that delivered them returns, so whoever keeps rows copies
 * them (core/rowBuffer.ts). Nobody writes into a batch received.
 */
export interface Batch<S extends Schema> {
  readonly n: number
  readonly watermark: number
  readonly col: Columns<S>
  /** Where it is true, no row's `ts` is before that of the row above it, and none is missing; otherwise nothing is known. */
  readonly inOrder?: boolean
}

/** The words of a column that holds words; none of any other. */
export function wordsOf(kind: Kind): readonly string[] {
  return kind.includes('|') ? kind.split('|') : []
}

export function allocate<K extends Kind>(kind: K, length: number): ColumnOf<K> {
  if (kind === 'time' || kind === 'f64') return new Float64Array(length) as ColumnOf<K>
  if (kind === 'bool') return new Uint8Array(length) as ColumnOf<K>
  return new Int32Array(length) as ColumnOf<K>
}

export function allocateColumns<S extends Schema>(schema: S, length: number): Columns<S> {
  const col: Record<string, Column> = {}
  for (const [name, kind] of Object.entries(schema)) col[name] = allocate(kind, length)
  return col as Columns<S>
}

export function emptyBatch<S extends Schema>(schema: S, watermark: number): Batch<S> {
  return { n: 0, watermark, col: allocateColumns(schema, 0) }
}

/** Rows from..to-1 as views on the same memory, under the watermark given. */
export function sliceRows<S extends Schema>(batch: Batch<S>, from: number, to: number, watermark: number): Batch<S> {
  const col: Record<string, Column> = {}
  for (const name in batch.col) col[name] = (batch.col[name] as Column).subarray(from, to)
  return { n: to - from, watermark, col: col as Columns<S>, inOrder: batch.inOrder }
}

/** The same rows with columns added; the old columns are shared, not copied. */
export function withColumns<S extends Schema, A extends Schema>(batch: Batch<S>, added: Columns<A>): Batch<S & A> {
  return { n: batch.n, watermark: batch.watermark, col: { ...batch.col, ...added } as unknown as Columns<S & A>, inOrder: batch.inOrder }
}

/** The rows at index[0..n-1], in that order, copied into `into`; the watermark is kept even when none is left. */
export function takeRows<S extends Schema>(batch: Batch<S>, index: Int32Array, n: number, into: Columns<S>): Batch<S> {
  for (const name in into) gather(batch.col[name] as Column, index, n, into[name] as Column)
  return { n, watermark: batch.watermark, col: into }
}

/**
 * All rows but those at dropped[0..count-1], which rise, copied into `into`; the watermark is kept even when none is
 * left. Copies what lies between two dropped rows in one go, so it is for few of them.
 */
export function dropRows<S extends Schema>(batch: Batch<S>, dropped: Int32Array, count: number, into: Columns<S>): Batch<S> {
  for (const name in into) {
    const from = batch.col[name] as Column
    if (from instanceof Float64Array) closeF64(from, batch.n, dropped, count, into[name] as Float64Array)
    else if (from instanceof Int32Array) closeI32(from, batch.n, dropped, count, into[name] as Int32Array)
    else closeU8(from, batch.n, dropped, count, into[name] as Uint8Array)
  }
  return { n: batch.n - count, watermark: batch.watermark, col: into, inOrder: batch.inOrder }
}

// One loop a type: V8 keeps each monomorphic.
function closeF64(from: Float64Array, n: number, dropped: Int32Array, count: number, to: Float64Array): void {
  let i = 0
  for (let d = 0; d <= count; d++) {
    const end = d < count ? dropped[d] : n
    for (; i < end; i++) to[i - d] = from[i]
    i = end + 1
  }
}
function closeI32(from: Int32Array, n: number, dropped: Int32Array, count: number, to: Int32Array): void {
  let i = 0
  for (let d = 0; d <= count; d++) {
    const end = d < count ? dropped[d] : n
    for (; i < end; i++) to[i - d] = from[i]
    i = end + 1
  }
}
function closeU8(from: Uint8Array, n: number, dropped: Int32Array, count: number, to: Uint8Array): void {
  let i = 0
  for (let d = 0; d <= count; d++) {
    const end = d < count ? dropped[d] : n
    for (; i < end; i++) to[i - d] = from[i]
    i = end + 1
  }
}

/** to[i] = from[index[i]] for the first n; both columns are of one type. */
function gather(from: Column, index: Int32Array, n: number, to: Column): void {
  if (from instanceof Float64Array) gatherF64(from, index, n, to as Float64Array)
  else if (from instanceof Int32Array) gatherI32(from, index, n, to as Int32Array)
  else gatherU8(from, index, n, to as Uint8Array)
}

// One loop a type: V8 keeps each monomorphic.
function gatherF64(from: Float64Array, index: Int32Array, n: number, to: Float64Array): void {
  for (let i = 0; i < n; i++) to[i] = from[index[i]]
}
function gatherI32(from: Int32Array, index: Int32Array, n: number, to: Int32Array): void {
  for (let i = 0; i < n; i++) to[i] = from[index[i]]
}
function gatherU8(from: Uint8Array, index: Int32Array, n: number, to: Uint8Array): void {
  for (let i = 0; i < n; i++) to[i] = from[index[i]]
}
