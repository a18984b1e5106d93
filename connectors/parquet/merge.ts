import { allocate, type Batch, type Column, type Schema, takeRows } from '../../core/batch.ts'
import type { Chunk } from './chunk.ts'
import { firstAfter, firstNotBefore, TimeSort, WIDEST } from './sortRuns.ts'

/** A round sorts about this many rows, so that its memory stays small however many files there are. */
const ROWS_A_ROUND = 131_072

/** A file being merged: its present chunk, the first row not yet taken and the end of what this round takes. */
interface Cursor {
  readonly chunks: AsyncGenerator<Chunk, void, undefined>
  chunk: Chunk
  at: number
  end: number
  finished: boolean
}

/**
 * Merges files, each in time order, into one stream in time order; rows of one time come in the order of the files
 * given, then in their own. Holds one chunk a file, one more where the file prefetches, and one round.
 */
export async function* mergeFiles(files: readonly AsyncGenerator<Chunk, void, undefined>[], columns: Schema): AsyncGenerator<Chunk, void, undefined> {
  const cursors = files.map((chunks): Cursor => ({ chunks, chunk: { n: 0, col: {} }, at: 0, end: 0, finished: false }))
  const schema: Schema = { ts: 'time', ...columns }
  const sort = new TimeSort()
  // Two rounds: one is lent to the consumer while the next is made.
  const rounds = [new Round(schema), new Round(schema)]
  try {
    for (let turn = 0; ; turn ^= 1) {
      await Promise.all(cursors.map(refill))
      if (cursors.every((cursor) => cursor.finished)) return
      const rows = takeUpTo(cursors)
      yield rounds[turn].gather(cursors, rows, sort)
    }
  } finally {
    await Promise.all(cursors.map((cursor) => cursor.chunks.return()))
  }
}

async function refill(cursor: Cursor): Promise<void> {
  while (!cursor.finished && cursor.at >= cursor.chunk.n) {
    cursor.chunk.free?.()
    const { done, value } = await cursor.chunks.next()
    if (done) cursor.finished = true
    else cursor.chunk = value
    cursor.at = cursor.end = 0
    if (done) cursor.chunk = { n: 0, col: {} }
  }
}

const times = (cursor: Cursor): Float64Array => cursor.chunk.col['ts'] as Float64Array

/**
 * Marks what every cursor gives to this round and answers how many rows that is.
 *
 * Up to the horizon, the earliest last time loaded, all rows are here. Rows at the horizon itself may go on in the
 * next chunk of the file that set it, so files after the first such file give only what is before it.
 */
function takeUpTo(cursors: readonly Cursor[]): number {
  let horizon = Infinity
  let limiting = -1
  let base = Infinity
  for (let k = 0; k < cursors.length; k++) {
    const cursor = cursors[k]
    if (cursor.finished) continue
    const ts = times(cursor)
    if (ts[cursor.at] < base) base = ts[cursor.at]
    if (ts[cursor.chunk.n - 1] < horizon) {
      horizon = ts[cursor.chunk.n - 1]
      limiting = k
    }
  }
  let rows = mark(cursors, horizon, limiting)
  while ((rows > ROWS_A_ROUND || horizon - base > WIDEST) && horizon > base) {
    const nearer = base + Math.min(WIDEST, Math.floor((horizon - base) / 2))
    if (nearer <= base) break
    horizon = nearer
    // No file ends at this horizon, or all of them are cut before it: rows at it wait.
    rows = mark(cursors, horizon, -1)
  }
  return rows
}

/** Files up to and with `limiting` give rows at the horizon, those after it only rows before. */
function mark(cursors: readonly Cursor[], horizon: number, limiting: number): number {
  let rows = 0
  for (let k = 0; k < cursors.length; k++) {
    const cursor = cursors[k]
    if (cursor.finished) continue
    const ts = times(cursor)
    cursor.end = k <= limiting ? firstAfter(ts, cursor.at, cursor.chunk.n, horizon) : firstNotBefore(ts, cursor.at, cursor.chunk.n, horizon)
    rows += cursor.end - cursor.at
  }
  return rows
}

/** The memory of one round: the runs as they come from the files, and the same rows in order. */
class Round {
  readonly #schema: Schema
  #runs: Record<string, Column> = {}
  #sorted: Record<string, Column> = {}
  #capacity = 0

  constructor(schema: Schema) {
    this.#schema = schema
  }

  gather(cursors: readonly Cursor[], rows: number, sort: TimeSort): Chunk {
    if (rows > this.#capacity) this.#grow(rows)
    let n = 0
    let base = Infinity
    let last = -Infinity
    for (const cursor of cursors) {
      if (cursor.end <= cursor.at) continue
      const ts = times(cursor)
      if (ts[cursor.at] < base) base = ts[cursor.at]
      if (ts[cursor.end - 1] > last) last = ts[cursor.end - 1]
      for (const name in this.#schema) {
        const column = this.#schema[name] === 'instrument' ? 'instrument' : name
        this.#runs[name].set(cursor.chunk.col[column].subarray(cursor.at, cursor.end), n)
      }
      n += cursor.end - cursor.at
      cursor.at = cursor.end
    }
    const order = sort.order(this.#runs['ts'] as Float64Array, n, base, last - base)
    takeRows({ n, watermark: 0, col: this.#runs } as Batch<Schema>, order, n, this.#sorted as Batch<Schema>['col'])
    return { n, col: this.#sorted }
  }

  #grow(rows: number): void {
    this.#capacity = Math.ceil(rows * 1.25)
    for (const name in this.#schema) {
      this.#runs[name] = allocate(this.#schema[name], this.#capacity)
      this.#sorted[name] = allocate(this.#schema[name], this.#capacity)
    }
  }
}
