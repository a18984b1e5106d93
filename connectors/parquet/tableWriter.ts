import type { DuckDBConnection, DuckDBDataChunk, DuckDBType } from '@duckdb/node-api'
import { type Column, type Schema, wordsOf } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import { writeAtomically } from './atomic.ts'
import { duckdb, identifier, quoted, withDuck } from './duck.ts'

/** Rows in a row group of every file written here. */
export const ROW_GROUP = 122_880
const VECTOR = 2_048

/** Rows to be written: columns of a schema, longer than `n` or not. */
export interface Rows {
  readonly schema: Schema
  readonly n: number
  readonly col: Readonly<Record<string, Column>>
}

/**
 * Writes rows, in their order, as one Parquet file (zstd), whole or not at all. Answers its bytes.
 *
 * time is TIMESTAMP WITH TIME ZONE in microseconds, instrument its name, a word that word, i32 INTEGER, bool BOOLEAN, f64 DOUBLE with a
 * missing value (NaN) as NULL, because other tools' averages and counts leave a NULL out and are spoiled by a NaN; a
 * missing time, and one that is not finite, is NULL too. Throws DISK_FULL, OUTPUT_UNWRITABLE.
 */
export function writeParquet(path: string, rows: Rows, instruments: Instruments, { whole = [], temporary }: WriteOptions = {}): Promise<number> {
  return writeAtomically(path, (file) => withDuck((connection) => copyTo(connection, file, rows, instruments, whole)), temporary)
}

export interface WriteOptions {
  /** Columns of whole f64 that are written as BIGINT. */
  readonly whole?: readonly string[]
  /** Where the file grows; beside it by default. */
  readonly temporary?: string
}

async function copyTo(connection: DuckDBConnection, path: string, rows: Rows, instruments: Instruments, whole: readonly string[]): Promise<void> {
  const names = Object.keys(rows.schema)
  const columns = names.map((name) => storedAs(rows, name, instruments))
  const definition = names.map((name, i) => `${identifier(name)} ${columns[i].sql}`).join(', ')
  await connection.run(`CREATE TEMP TABLE rows_to_write (${definition})`)
  try {
    await append(connection, columns, rows.n)
    const select = names.map((name) => `${readBack(rows, name, whole)} AS ${identifier(name)}`).join(', ')
    await connection.run(
      `COPY (SELECT ${select} FROM rows_to_write) TO ${quoted(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP})`,
    )
  } finally {
    await connection.run('DROP TABLE rows_to_write')
  }
}

function readBack({ schema, col, n }: Rows, name: string, whole: readonly string[]): string {
  const column = identifier(name)
  if (schema[name] === 'time') {
    const time = `make_timestamptz(${column}::BIGINT)`
    return isWhole(col[name], n) ? time : `CASE WHEN isfinite(${column}) THEN ${time} END`
  }
  if (schema[name] === 'bool') return `${column} <> 0`
  if (whole.includes(name)) return `${column}::BIGINT`
  return schema[name] === 'f64' ? `nullif(${column}, 'nan'::DOUBLE)` : column
}

function isWhole(times: Column, n: number): boolean {
  for (let i = 0; i < n; i++) if (!Number.isFinite(times[i])) return false
  return true
}

type Values = Float64Array | Int32Array | Uint8Array | Uint16Array | Uint32Array
interface StoredColumn {
  readonly sql: string
  readonly type: DuckDBType
  readonly values: Values
}

function storedAs({ schema, n, col }: Rows, name: string, instruments: Instruments): StoredColumn {
  const { DOUBLE, INTEGER, UTINYINT } = duckdb()
  const values = col[name]
  const words = wordsOf(schema[name])
  if (words.length > 0) return { sql: enumType(words), type: duckdb().ENUM([...words]), values: Uint8Array.from(values.subarray(0, n)) }
  switch (schema[name]) {
    case 'instrument':
      return enumOf(values as Int32Array, n, instruments)
    case 'i32':
      return { sql: 'INTEGER', type: INTEGER, values }
    case 'bool':
      return { sql: 'UTINYINT', type: UTINYINT, values }
    default:
      return { sql: 'DOUBLE', type: DOUBLE, values }
  }
}

/** Names as an enum: the rows carry small integers, the file a dictionary. */
function enumOf(ids: Int32Array, n: number, instruments: Instruments): StoredColumn {
  const positions = new Int32Array(instruments.size).fill(-1)
  const names: string[] = []
  for (let i = 0; i < n; i++) if (positions[ids[i]] < 0) positions[ids[i]] = names.push(instruments.name(ids[i])) - 1
  // An enum must have a value, even for no row.
  if (names.length === 0) names.push('')
  const values = names.length <= 255 ? new Uint8Array(n) : names.length <= 65_535 ? new Uint16Array(n) : new Uint32Array(n)
  for (let i = 0; i < n; i++) values[i] = positions[ids[i]]
  return { sql: enumType(names), type: duckdb().ENUM(names), values }
}

function enumType(values: readonly string[]): string {
  return `ENUM(${values.map(quoted).join(', ')})`
}

async function append(connection: DuckDBConnection, columns: readonly StoredColumn[], n: number): Promise<void> {
  const appender = await connection.createAppender('rows_to_write')
  try {
    const chunk = duckdb().DuckDBDataChunk.create(
      columns.map(({ type }) => type),
      VECTOR,
    )
    for (let at = 0; at < n; at += VECTOR) {
      const rows = Math.min(VECTOR, n - at)
      if (rows < VECTOR) chunk.rowCount = rows
      for (let i = 0; i < columns.length; i++) fill(chunk, i, columns[i].values, at, rows)
      appender.appendDataChunk(chunk)
    }
  } finally {
    appender.closeSync()
  }
}

/** Copies values into a vector. Its array is not public API, so it is checked; the public setter takes a value at a time. */
function fill(chunk: DuckDBDataChunk, column: number, values: Values, at: number, rows: number): void {
  const vector = chunk.getColumnVector(column)
  const { items } = vector as unknown as { items?: unknown }
  if (ArrayBuffer.isView(items) && Object.getPrototypeOf(items) === Object.getPrototypeOf(values))
    (items as Values).set(values.subarray(at, at + rows))
  else setEach(vector, values, at, rows)
  vector.flush()
}

function setEach(vector: ReturnType<DuckDBDataChunk['getColumnVector']>, values: Values, at: number, rows: number): void {
  const { type } = vector
  const { DuckDBEnumType } = duckdb()
  for (let i = 0; i < rows; i++) vector.setItem(i, type instanceof DuckDBEnumType ? type.values[values[at + i]] : values[at + i])
}
