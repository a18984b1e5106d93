import type { DuckDBDataChunk } from '@duckdb/node-api'
import { allocate, type Column } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import type { Instruments } from '../../core/instruments.ts'
import { type Chunk, CODE, Constants, codesToIds } from './chunk.ts'
import { duckConnection, identifier, quoted } from './duck.ts'
import { corrupt } from './inspect.ts'
import type { FilePlan } from './plan.ts'

const ROW_BYTES = 64

/** Several files read as one, in their order; rows of the instrument `always` are read whatever the conditions. */
export interface Together {
  readonly paths: readonly string[]
  readonly always: string
}

/** Reads a file with DuckDB, or several whose plan differs in the path only. Throws FILE_CORRUPT. */
export async function* openDuck(file: FilePlan, instruments: Instruments, rows: number, together?: Together): AsyncGenerator<Chunk, void, undefined> {
  const connection = await duckConnection(Math.max(512_000, rows * ROW_BYTES * 2))
  try {
    const result = await connection.stream(duckQuery(file, together))
    const builder = new ChunkBuilder(file, instruments, rows)
    for (;;) {
      const piece = await result.fetchChunk()
      if (piece === null || piece.rowCount === 0) break
      const full = builder.add(piece)
      if (full !== undefined) yield full
    }
    const rest = builder.take()
    if (rest.n > 0) yield rest
  } catch (cause) {
    throw cause instanceof TickloomError ? cause : corrupt(file.path, cause)
  } finally {
    connection.disconnectSync()
  }
}

/** Gathers the engine's pieces of 2,048 rows into chunks worth a consumer's while. */
class ChunkBuilder {
  readonly #names: readonly string[]
  readonly #missing: readonly string[]
  readonly #rows: number
  readonly #constants: Constants
  readonly #toIds: (codes: Int32Array, n: number) => void
  readonly #coded: boolean
  #into: Column[] = []
  #n = 0

  constructor(file: FilePlan, instruments: Instruments, rows: number) {
    this.#names = file.columns.filter((c) => c.column !== undefined).map((c) => c.name)
    this.#missing = file.columns.filter((c) => c.column === undefined).map((c) => c.name)
    this.#rows = rows
    this.#constants = new Constants(file, instruments)
    this.#toIds = codesToIds(file, instruments)
    this.#coded = file.instrument.kind !== 'constant'
  }

  /** A whole chunk when the piece would not fit into it any more. */
  add(piece: DuckDBDataChunk): Chunk | undefined {
    const full = this.#n + piece.rowCount > this.#rows && this.#n > 0 ? this.take() : undefined
    const capacity = Math.max(this.#rows, piece.rowCount)
    if (this.#into.length === 0) {
      this.#into = this.#names.map(() => allocate('f64', capacity))
      if (this.#coded) this.#into.push(allocate('i32', capacity))
    }
    for (let i = 0; i < this.#into.length; i++) this.#into[i].set(valuesOf(piece, i), this.#n)
    this.#n += piece.rowCount
    return full
  }

  take(): Chunk {
    const n = this.#n
    const col: Record<string, Column> = {}
    for (let i = 0; i < this.#names.length; i++) col[this.#names[i]] = this.#into[i]
    for (const name of this.#missing) col[name] = this.#constants.missing(n)
    const codes = this.#into[this.#names.length] as Int32Array
    if (this.#coded && n > 0) this.#toIds(codes, n)
    col['instrument'] = this.#coded ? codes : this.#constants.ids(n)
    this.#into = []
    this.#n = 0
    return { n, col }
  }
}

/**
 * The values of a column without nulls as a typed array.
 * The vectors' own array is not public API, only the value-by-value getters are: checked, with those as the fallback.
 */
export function valuesOf(piece: DuckDBDataChunk, column: number): Float64Array | Int32Array {
  const vector = piece.getColumnVector(column)
  const { items } = vector as unknown as { items?: unknown }
  if ((items instanceof Float64Array || items instanceof Int32Array) && items.length === vector.itemCount) return items
  return Float64Array.from({ length: vector.itemCount }, (_, i) => Number(vector.getItem(i)))
}

/** The query of a file in DuckDB's SQL: the columns that it has, in order, then the instrument's code. */
export function duckQuery(file: FilePlan, together?: Together): string {
  const select = file.columns.flatMap(({ name, kind, column, nullable }) => {
    if (column === undefined) return []
    const value = kind === 'time' ? `epoch_us(${identifier(column)})::DOUBLE` : `${identifier(column)}::DOUBLE`
    return [`${nullable ? `coalesce(${value}, 'nan'::DOUBLE)` : value} AS ${identifier(name)}`]
  })
  const code = codeOf(file)
  if (code !== undefined) select.push(`${code} AS ${CODE}_code`)
  const conditions = conditionsOf(file)
  const where = together === undefined || conditions === '' ? conditions : `(${conditions}) OR instrument = ${quoted(together.always)}`
  return `SELECT ${select.join(', ')} FROM ${filesInOrder(together?.paths ?? [file.path])}${where === '' ? '' : ` WHERE ${where}`}`
}

/** Parquet files as a table of DuckDB's, whose rows come in the order of the files and of the rows in them. */
export function filesInOrder(paths: readonly string[]): string {
  return `read_parquet([${paths.map(quoted).join(', ')}], hive_partitioning = false)`
}

function codeOf({ instrument: plan }: FilePlan): string | undefined {
  if (plan.kind === 'constant') return undefined
  // An enum's position is looked up once a distinct value of a dictionary page; a name outside the enum gives NULL, then -1.
  if (plan.kind === 'names') return `coalesce(enum_code(try_cast(instrument AS ENUM(${plan.names.map(quoted).join(', ')})))::INTEGER, -1)`
  const inExpiry = `(strike - ${plan.minStrike}) * 2 + (opt_type = 'PE')::INTEGER`
  return plan.size === plan.stride
    ? `(${inExpiry})::INTEGER`
    : `(date_diff('day', DATE '1970-01-01', expiry) - ${plan.minExpiry}) * ${plan.stride} + ${inExpiry})::INTEGER`.replace(/^/, '(')
}

function conditionsOf({ where, instrument }: FilePlan): string {
  const all: string[] = []
  if (where.from !== -Infinity) all.push(`ts >= make_timestamptz(${where.from})`)
  if (where.to !== Infinity) all.push(`ts < make_timestamptz(${where.to})`)
  if (where.names !== undefined && instrument.kind === 'names') all.push(`instrument IN (${where.names.map(quoted).join(', ')})`)
  for (const { column, in: values, between } of where.columns) {
    const literal = (v: string | number): string => (typeof v === 'number' ? String(v) : column === 'expiry' ? `DATE ${quoted(v)}` : quoted(v))
    if (between !== undefined) all.push(`${column} BETWEEN ${between[0]} AND ${between[1]}`)
    else all.push(values === undefined || values.length === 0 ? '1 = 0' : `${column} IN (${values.map(literal).join(', ')})`)
  }
  return all.join(' AND ')
}
