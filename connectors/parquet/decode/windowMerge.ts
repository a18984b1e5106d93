import { firstNotBefore, WIDEST } from '../sortRuns.ts'
import type { Rows, TickFile } from './tickFile.ts'
import { WindowSort } from './windowSort.ts'

/** Rows sorted at once: with all columns they stay in a core's cache. */
const WINDOW = 8_192

/** What is read from: a file, or what stands for one in tests. */
export type RowFile = Pick<TickFile, 'read' | 'left' | 'coded'>

/** A file being merged, with its next rows decoded. */
interface Run {
  readonly file: RowFile
  /** Added to its codes. */
  readonly offset: number
  readonly rows: Rows
  at: number
  n: number
  /** The end of what the present window takes. */
  end: number
}

/**
 * Merges files, each in time order, into one stream in time order; rows of one time come in the order of the files
 * given, then in their own. It takes window after window of time: every file's rows before its end are sorted
 * together, which costs the same however many files there are.
 */
export class WindowMerge {
  readonly #runs: Run[]
  readonly #ts: number
  readonly #sort: WindowSort
  /** Microseconds a row, all files together, as they were in the last window. */
  #pace = 100

  /** `numbers` columns, of which `ts` is the time; `rows` are decoded ahead of each file; a window has at most `window`. */
  constructor(files: readonly RowFile[], offsets: readonly number[], numbers: number, ts: number, rows: number, window = WINDOW) {
    this.#ts = ts
    this.#sort = new WindowSort(window)
    this.#runs = files.map((file, i) => ({ file, offset: offsets[i], rows: newRows(numbers, rows), at: 0, n: 0, end: 0 }))
  }

  /** Decodes the first rows of one file more; false when all have been. */
  prepare(): boolean {
    const run = this.#runs.find(({ n, file }) => n === 0 && file.left > 0)
    if (run !== undefined) this.#fill(run)
    return run !== undefined
  }

  /** Fills `into` with up to `most` rows; 0 at the end. */
  read(into: Rows, most: number): number {
    let n = 0
    while (n < most) {
      const { base, limit } = this.#reach()
      if (base === Infinity) break
      // The rest is too little for a window, unless it is all there is room for.
      if (n > 0 && most - n < this.#sort.capacity / 4) break
      const taken = limit > base ? this.#window(into, n, most - n, base, limit) : 0
      // Too many rows of one time for a window: they are in order as they stand.
      n += taken > 0 ? taken : this.#alike(into, n, most - n, base)
    }
    return n
  }

  /** Gives its memory back at once; nothing is read afterwards. */
  close(): void {
    for (const { rows } of this.#runs) for (const { buffer } of [...rows.numbers, rows.codes]) (buffer as ArrayBuffer).transfer(0)
    this.#sort.close()
  }

  /** The earliest time not taken yet, and the time before which every row is decoded. */
  #reach(): { base: number; limit: number } {
    let base = Infinity
    let limit = Infinity
    for (const run of this.#runs) {
      // Early: the file that is decoded the least far ends every window.
      if (run.file.left > 0 && run.n - run.at <= run.rows.codes.length >> 2) this.#fill(run)
      if (run.at === run.n) continue
      const ts = run.rows.numbers[this.#ts]
      if (ts[run.at] < base) base = ts[run.at]
      if (run.file.left > 0 && ts[run.n - 1] < limit) limit = ts[run.n - 1]
    }
    return { base, limit: Math.min(limit, base + WIDEST) }
  }

  /** Takes a window that starts at `base`; answers how many rows it had, 0 when even one microsecond has too many. */
  #window(into: Rows, at: number, room: number, base: number, limit: number): number {
    const most = Math.min(room, this.#sort.capacity)
    let end = Math.min(limit, base + Math.max(1, Math.floor(most * 0.9 * this.#pace)))
    let rows = this.#sorted(base, end)
    while ((rows < 0 || rows > most) && end - base > 1) {
      end = base + Math.max(1, Math.floor((end - base) * 0.6))
      rows = this.#sorted(base, end)
    }
    if (rows < 0 || rows > most) return 0
    // At most twice the last: after a lull rows come fast again.
    this.#pace = Math.min(2 * this.#pace, (end - base) / rows)
    this.#sort.finish()
    this.#scatter(into, at)
    return rows
  }

  /** Hands the rows before `end` of every file to the sort, and marks them; -1 when they are too many. */
  #sorted(base: number, end: number): number {
    this.#sort.begin(base, end)
    let rows = 0
    for (const run of this.#runs) {
      run.end = this.#sort.add(run.rows.numbers[this.#ts], run.at, run.n)
      if (run.end < 0) return -1
      rows += run.end - run.at
    }
    return rows
  }

  #scatter(into: Rows, to: number): void {
    const { places } = this.#sort
    let first = 0
    for (const run of this.#runs) {
      const { at, end, offset } = run
      if (end === at) continue
      for (let c = 0; c < into.numbers.length; c++) if (c !== this.#ts) placeF64(run.rows.numbers[c], at, end, places, first, into.numbers[c], to)
      if (run.file.coded) placeCodes(run.rows.codes, at, end, places, first, into.codes, to, offset)
      else placeAll(offset, end - at, places, first, into.codes, to)
      first += end - at
      run.at = end
    }
    this.#sort.copyTimes(into.numbers[this.#ts], to)
  }

  /** Rows of the time `base`, file after file, until there is no more of them or no more room. */
  #alike(into: Rows, from: number, most: number, base: number): number {
    let n = 0
    for (const run of this.#runs) {
      while (n < most) {
        if (run.at === run.n) this.#fill(run)
        const ts = run.rows.numbers[this.#ts]
        if (run.at === run.n || ts[run.at] !== base) break
        const end = Math.min(firstNotBefore(ts, run.at, run.n, base + 1), run.at + most - n)
        for (let c = 0; c < into.numbers.length; c++) into.numbers[c].set(run.rows.numbers[c].subarray(run.at, end), from + n)
        for (let i = run.at; i < end; i++) into.codes[from + n + i - run.at] = run.rows.codes[i] + run.offset
        n += end - run.at
        run.at = end
      }
    }
    return n
  }

  #fill(run: Run): void {
    const { rows, at, n } = run
    if (at > 0) {
      for (const column of rows.numbers) column.copyWithin(0, at, n)
      rows.codes.copyWithin(0, at, n)
    }
    run.at = 0
    run.n = n - at + run.file.read(rows, n - at, rows.codes.length - (n - at))
  }
}

export function newRows(numbers: number, rows: number): Rows {
  return { numbers: Array.from({ length: numbers }, () => new Float64Array(rows)), codes: new Int32Array(rows) }
}

function placeF64(from: Float64Array, at: number, end: number, places: Uint16Array, first: number, into: Float64Array, to: number): void {
  for (let i = at, j = first; i < end; i++, j++) into[to + places[j]] = from[i]
}
function placeCodes(
  from: Int32Array,
  at: number,
  end: number,
  places: Uint16Array,
  first: number,
  into: Int32Array,
  to: number,
  offset: number,
): void {
  for (let i = at, j = first; i < end; i++, j++) into[to + places[j]] = from[i] + offset
}
function placeAll(code: number, n: number, places: Uint16Array, first: number, into: Int32Array, to: number): void {
  for (let j = first; j < first + n; j++) into[to + places[j]] = code
}
