import { type Batch, type Column, type Columns, type Schema, wordsOf } from './batch.ts'
import { TickloomError } from './errors.ts'
import type { Contract } from './instruments.ts'
import type { Destination } from './ports.ts'
import { RowBuffer } from './rowBuffer.ts'

/** A column of a store: under which name, out of which column of the schema. */
export interface LatestColumn {
  readonly name: string
  readonly from: string
  readonly kind: Schema[string]
  readonly words: readonly string[]
}

/** Where the newest rows of one output go: a row an instrument. */
export interface LatestTable {
  readonly output: string
  readonly table: string
  readonly schema: Schema
  readonly key: LatestColumn
  readonly time: LatestColumn
  /** All of them, the key first. */
  readonly columns: readonly LatestColumn[]
  /** Which of underlying, expiry, strike and type the store adds out of the instrument's name: those without a column of that name. */
  readonly contract: readonly ContractField[]
}
export type ContractField = 'underlying' | 'expiry' | 'strike' | 'type'

/** What a contract's name says of it; null where it has none. Futures and spots are of the types FUT and SPOT. */
export function contractCell(contract: Contract, field: ContractField): string | number | null {
  if (field === 'underlying') return contract.underlying
  if (field === 'expiry') return contract.kind === 'spot' ? null : contract.expiry
  if (field === 'strike') return contract.kind === 'option' ? contract.strike : null
  return contract.kind === 'option' ? contract.type : contract.kind === 'future' ? 'FUT' : 'SPOT'
}

/** What all stores of latest rows are told. */
export interface LatestOptions {
  /** Output name to table name; an output not named goes to the table of its own name, one mapped to '' nowhere. */
  readonly tables?: Readonly<Record<string, string>>
  /** Column of an output to column of the store; one not named keeps its name. */
  readonly columns?: Readonly<Record<string, string>>
  /** Seconds without a newer row, counted from the newest of all, after which an instrument is forgotten. Default: never. */
  readonly forgetAfter?: number
}

export interface LatestCounts {
  /** Rows that were not the newest of their instrument when they were written. */
  readonly conflated: number
  /** Rows passed over, as they had no time. */
  readonly untimed: number
}
export interface LatestDestination extends Destination {
  counts(): LatestCounts
}

/** Throws TOPOLOGY_INVALID for an output without an instrument or a time, OPTION_INVALID for names that are taken twice. */
export function latestTables(outputs: Readonly<Record<string, Schema>>, { tables = {}, columns = {} }: LatestOptions): LatestTable[] {
  const planned: LatestTable[] = []
  for (const [output, schema] of Object.entries(outputs)) {
    const table = tables[output] ?? output
    if (table === '') continue
    if (planned.some((other) => other.table === table)) throw new TickloomError('OPTION_INVALID', `two outputs go to the table ${table}`, { table })
    planned.push(plan(output, table, schema, columns))
  }
  return planned
}

function plan(output: string, table: string, schema: Schema, names: Readonly<Record<string, string>>): LatestTable {
  const all = Object.entries(schema).map(([from, kind]): LatestColumn => ({ name: names[from] ?? from, from, kind, words: wordsOf(kind) }))
  const key = all.find(({ kind }) => kind === 'instrument')
  const time = all.find(({ kind }) => kind === 'time')
  if (key === undefined || time === undefined) {
    const lacks = key === undefined ? 'instrument' : 'time'
    throw new TickloomError('TOPOLOGY_INVALID', `output "${output}" has no ${lacks}, so nothing of it is the latest: map it to ''`, { output })
  }
  const taken = ['epoch', 'version', 'run_id', ...all.map(({ name }) => name)]
  const twice = taken.find((name, i) => taken.indexOf(name) < i)
  if (twice !== undefined)
    throw new TickloomError('OPTION_INVALID', `two columns of the table ${table} would be called ${twice}`, { table, column: twice })
  const contract = (['underlying', 'expiry', 'strike', 'type'] as const).filter((name) => !taken.includes(name))
  return { output, table, schema, key, time, columns: [key, ...all.filter((column) => column !== key)], contract }
}

/** Columns, and which of them say of what and of when a row is. */
export interface NewestOf {
  readonly schema: Schema
  readonly key: { readonly from: string }
  readonly time: { readonly from: string }
}

/**
 * The newest row an instrument, of the rows of one output since it was emptied. Memory is bounded by the instruments, or
 * by `most` of them: when one more comes, the one that came first is dropped.
 *
 * Newest is the row with the highest time; of one time, the one that came last. A row without a time is passed over.
 */
export class NewestRows {
  readonly rows: RowBuffer<Schema>
  /** Rows that a newer one took the place of, or that were older than one that was there. */
  conflated = 0
  /** Rows passed over: no time. */
  untimed = 0
  /** Instruments that had to make room. */
  dropped = 0
  readonly #key: string
  readonly #time: string
  readonly #most: number
  /** Instrument id to row + 1; 0 where there is none. */
  #rowOf = new Int32Array(0)
  /** Once there are `most`: the row of the instrument that came first. Those behind it follow, round the end. */
  #oldest = 0
  #from = new Int32Array(0)
  #to = new Int32Array(0)

  constructor({ schema, key, time }: NewestOf, most = Infinity) {
    this.rows = new RowBuffer(schema)
    this.#key = key.from
    this.#time = time.from
    this.#most = most
  }

  get n(): number {
    return this.rows.n
  }

  append(batch: Batch<Schema>): void {
    const moved = this.#place(batch)
    for (const name in this.rows.schema) move(batch.col[name] as Column, this.#from, this.rows.col[name] as Column, this.#to, moved)
  }

  clear(): void {
    const ids = this.rows.col[this.#key] as Int32Array
    for (let i = 0; i < this.rows.n; i++) this.#rowOf[ids[i]] = 0
    this.rows.clear()
    this.#oldest = 0
  }

  /** Decides which rows of the batch go where: #from and #to; returns how many. */
  #place({ n, col }: Batch<Schema>): number {
    const [ids, ts] = [col[this.#key] as Int32Array, col[this.#time] as Float64Array]
    this.#reserve(ids, n)
    const times = (this.rows.col as Columns<Schema>)[this.#time] as Float64Array
    let moved = 0
    for (let i = 0; i < n; i++) {
      if (!Number.isFinite(ts[i])) {
        this.untimed++
        continue
      }
      let row = this.#rowOf[ids[i]] - 1
      if (row < 0) row = this.#admit(ids[i])
      else {
        this.conflated++
        if (!(ts[i] >= times[row])) continue
      }
      times[row] = ts[i]
      this.#from[moved] = i
      this.#to[moved++] = row
    }
    return moved
  }

  /** A row for an instrument that has none. */
  #admit(id: number): number {
    const ids = this.rows.col[this.#key] as Int32Array
    let row = this.#oldest
    if (this.rows.n < this.#most) row = this.rows.n++
    else {
      this.#oldest = (row + 1) % this.#most
      this.#rowOf[ids[row]] = 0
      this.dropped++
    }
    this.#rowOf[id] = row + 1
    ids[row] = id
    return row
  }

  #reserve(ids: Int32Array, n: number): void {
    let highest = -1
    for (let i = 0; i < n; i++) if (ids[i] > highest) highest = ids[i]
    if (highest >= this.#rowOf.length) {
      const grown = new Int32Array(Math.max(highest + 1, Math.ceil(this.#rowOf.length * 1.5), 256))
      grown.set(this.#rowOf)
      this.#rowOf = grown
    }
    if (n > this.#from.length) {
      this.#from = new Int32Array(n)
      this.#to = new Int32Array(n)
    }
    this.rows.reserve(Math.min(this.rows.n + n, this.#most, this.#rowOf.length))
  }
}

function move(from: Column, source: Int32Array, to: Column, target: Int32Array, n: number): void {
  for (let i = 0; i < n; i++) to[target[i]] = from[source[i]]
}

/** The newest rows of a sink in two sets, as core/epochBuffers.ts has all rows: while one is made durable, the other fills. */
export class LatestBuffers {
  #open: ReadonlyMap<string, NewestRows>
  #idle: ReadonlyMap<string, NewestRows>
  #sealed: { readonly epoch: number; readonly rows: ReadonlyMap<string, NewestRows> } | undefined

  constructor(tables: readonly LatestTable[]) {
    const side = () => new Map(tables.map((table) => [table.output, new NewestRows(table)]))
    this.#open = side()
    this.#idle = side()
  }

  append(output: string, batch: Batch<Schema>): void {
    this.#open.get(output)?.append(batch)
  }

  /** What came since the last seal; the same again for an epoch that was sealed and not released. */
  seal(epoch: number): ReadonlyMap<string, NewestRows> {
    if (this.#sealed?.epoch === epoch) return this.#sealed.rows
    if (this.#sealed !== undefined) throw new Error(`epoch ${epoch} ends while epoch ${this.#sealed.epoch} is not yet durable`)
    this.#sealed = { epoch, rows: this.#open }
    this.#open = this.#idle
    return this.#sealed.rows
  }

  release(): void {
    if (this.#sealed === undefined) return
    for (const rows of this.#sealed.rows.values()) rows.clear()
    this.#idle = this.#sealed.rows
    this.#sealed = undefined
  }

  /** Since the start. */
  counts(): LatestCounts {
    const sides = new Set([...this.#open.values(), ...this.#idle.values(), ...(this.#sealed?.rows.values() ?? [])])
    let [conflated, untimed] = [0, 0]
    for (const side of sides) {
      conflated += side.conflated
      untimed += side.untimed
    }
    return { conflated, untimed }
  }
}

export function countsOf(buffers: readonly LatestBuffers[]): LatestCounts {
  const all = buffers.map((own) => own.counts())
  return { conflated: all.reduce((sum, { conflated }) => sum + conflated, 0), untimed: all.reduce((sum, { untimed }) => sum + untimed, 0) }
}
