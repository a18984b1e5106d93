import { type Batch, type Schema, takeRows, withColumns } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import type { Instruments } from '../../core/instruments.ts'
import { type LatestTable, latestTables, NewestRows } from '../../core/latestRows.ts'
import type { Destination, Flushed, Sink, SinkTask } from '../../core/ports.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'
import { DAY, parseDate } from '../../core/time.ts'

export interface BoardOptions {
  /** The output whose rows are kept; others are passed over. */
  readonly output: string
  /** Columns kept beside time and instrument; by default all. One that the output lacks is left out. */
  readonly columns?: readonly string[]
}

/** Name of the column that the board adds: the version in which the row was written. */
export const VERSION = 'changedIn'

/**
 * The newest row of every instrument, in memory, for readers in this process who ask what has changed.
 *
 *     version        1        1     | mark() = 1 |     2     | mark() = 2
 *     rows written   A, B     A     |            |     B     |
 *     since 0                         A, B                     A, B
 *     since 1                         none                     B
 *
 * A row is there as soon as it is written, before its epoch ends; nothing outlives the process. A row older than the
 * one that is there is passed over. Memory: a row an instrument, in columns; an update makes no object. Contracts
 * whose expiry is two days before the newest row are forgotten, and `generation` rises: row numbers mean something else.
 *
 * Throws TOPOLOGY_INVALID for an output that has no instrument or no time, OPTION_INVALID for one that is not there and
 * for a second dictionary of instruments.
 */
export class Board implements Destination {
  readonly name = 'board'
  /** Rises when rows changed their places. */
  generation = 0
  /** Rows that came since the start. */
  written = 0
  readonly #options: BoardOptions
  #held: { readonly table: LatestTable; readonly instruments: Instruments; rows: NewestRows } | undefined
  /** The version of what is written now. */
  #version = 1
  #dirty = false
  #stamp = new Int32Array(0)
  /** The newest time of a row, and the day for which expired contracts were last looked for. */
  #newest = -Infinity
  #day = Number.NaN

  constructor(options: BoardOptions) {
    this.#options = options
  }

  async open({ outputs, instruments }: SinkTask): Promise<Sink> {
    const { output } = this.#options
    if (this.#held === undefined) {
      if (outputs[output] === undefined)
        throw new TickloomError('OPTION_INVALID', `the topology has no output "${output}"; it has ${Object.keys(outputs).join(', ')}`, { output })
      const [table] = latestTables({ [output]: this.#kept(outputs[output]) }, {})
      this.#held = { table, instruments, rows: new NewestRows(table) }
    } else if (this.#held.instruments !== instruments)
      throw new TickloomError('OPTION_INVALID', 'a board shows the partitions of one dictionary of instruments', { output })
    const flushed: Flushed = { rows: 0, bytes: 0 }
    return {
      write: (from, batch) => {
        if (from === output) this.#write(batch)
      },
      flush: async () => flushed,
      close: async () => {},
    }
  }

  async close(): Promise<void> {}

  get instruments(): Instruments | undefined {
    return this.#held?.instruments
  }

  /** What is kept, as columns of `n` rows, the column `changedIn` among them. Lent until the next write. */
  get rows(): RowBuffer<Schema> {
    return (this.#held?.rows ?? none).rows
  }

  /** The newest time of all rows, microseconds; -Infinity while there is none. */
  get newest(): number {
    return this.#newest
  }

  /** Names of the columns for the instrument's id and for the time. */
  get keys(): { readonly instrument: string; readonly time: string } | undefined {
    return this.#held && { instrument: this.#held.table.key.from, time: this.#held.table.time.from }
  }

  /** Ends a version: the answer is the version of the newest row, and what is written from here on has a higher one. */
  mark(): number {
    if (Math.floor(this.#newest / DAY) !== this.#day) this.#forget()
    if (!this.#dirty) return this.#version - 1
    this.#dirty = false
    return this.#version++
  }

  #kept(schema: Schema): Schema {
    const { columns } = this.#options
    const kept = Object.entries(schema).filter(([name, kind]) => kind === 'instrument' || kind === 'time' || (columns?.includes(name) ?? true))
    // Of several times the first is the row's own: the others are wanted only where they are named.
    const time = kept.find(([, kind]) => kind === 'time')?.[0]
    const wanted = kept.filter(([name, kind]) => kind !== 'time' || name === time || (columns?.includes(name) ?? true))
    return { ...Object.fromEntries(wanted), [VERSION]: 'i32' }
  }

  #write(batch: Batch<Schema>): void {
    const { n } = batch
    const held = this.#held
    if (n === 0 || held === undefined) return
    if (this.#stamp.length < n || this.#stamp[0] !== this.#version) {
      if (this.#stamp.length < n) this.#stamp = new Int32Array(n)
      this.#stamp.fill(this.#version)
    }
    held.rows.append(withColumns<Schema, Schema>(batch, { [VERSION]: this.#stamp }))
    this.#dirty = true
    this.written += n
    const ts = batch.col[held.table.time.from] as Float64Array
    for (let i = 0; i < n; i++) if (ts[i] > this.#newest && ts[i] < Infinity) this.#newest = ts[i]
  }

  #forget(): void {
    const held = this.#held
    if (held === undefined || held.rows.n === 0) return
    this.#day = Math.floor(this.#newest / DAY)
    const ids = held.rows.rows.col[held.table.key.from] as Int32Array
    const alive = new Int32Array(held.rows.n)
    let n = 0
    for (let row = 0; row < held.rows.n; row++) if (!this.#isOver(held.instruments, ids[row])) alive[n++] = row
    if (n === held.rows.n) return
    const left = new RowBuffer(held.table.schema, n)
    const fresh = new NewestRows(held.table)
    fresh.append(takeRows(held.rows.rows.view(Number.NaN), alive, n, left.col))
    held.rows = fresh
    this.generation++
  }

  /** Zones differ by a day at most, so a second day is waited for. */
  #isOver(instruments: Instruments, id: number): boolean {
    const contract = instruments.contract(id)
    return contract.kind !== 'spot' && parseDate(contract.expiry) + 2 <= this.#day
  }
}

/** Before the first partition is opened. */
const none = { rows: new RowBuffer<Schema>({}) }
