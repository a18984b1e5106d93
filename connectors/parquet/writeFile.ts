import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { BOOLEAN, DOUBLE, type DuckDBConnection, DuckDBDataChunk, type DuckDBType, ENUM, INTEGER, TIMESTAMPTZ } from '@duckdb/node-api'
import bindings from '@duckdb/node-bindings'
import type { Batch, Kind, Schema } from '../../core/batch.ts'
import { messageOf, TickloomError } from '../../core/errors.ts'
import type { Instruments } from '../../core/instruments.ts'
import { identifier, quoted, withDuck } from './duck.ts'

/** Rows a row group has; the last one of a file has what is left. */
export const ROW_GROUP = 122_880

let tables = 0

/**
 * Writes a batch as a Parquet file, whole or not at all: temporary file, fsync, rename, fsync of the folder.
 *
 * | column | Parquet |
 * | --- | --- |
 * | time | TIMESTAMP, microseconds, UTC |
 * | instrument | its name, dictionary-coded |
 * | f64 | DOUBLE; NaN is null |
 * | i32, bool | INT32, BOOLEAN |
 *
 * Zstd, rows in the order of the batch. `extra` adds columns of SQL over these. Returns the file's bytes. Throws
 * DISK_FULL or OUTPUT_UNWRITABLE naming the path, and leaves nothing behind.
 */
export async function writeParquet<S extends Schema>(
  path: string,
  schema: S,
  batch: Batch<S>,
  instruments: Instruments,
  extra: readonly string[] = [],
): Promise<number> {
  const temporary = `${path}.tmp`
  try {
    mkdirSync(dirname(path), { recursive: true })
    await withDuck(async (connection) => {
      const table = `rows_${++tables}`
      const ids = new LocalNames(schema, batch, instruments)
      const types = Object.values(schema).map((kind) => typeOf(kind, ids.names))
      const columns = Object.keys(schema).map((name, i) => `${identifier(name)} ${types[i]}`)
      await connection.run(`CREATE TEMP TABLE ${table} (${columns.join(', ')})`)
      try {
        await append(connection, table, schema, batch, types, ids)
        const select = [...Object.entries(schema).map(([name, kind]) => selectOf(name, kind)), ...extra]
        await connection.run(
          `COPY (SELECT ${select.join(', ')} FROM ${table}) TO ${quoted(temporary)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP})`,
        )
      } finally {
        await connection.run(`DROP TABLE ${table}`)
      }
    })
    sync(temporary)
    const { size } = statSync(temporary)
    renameSync(temporary, path)
    sync(dirname(path))
    return size
  } catch (cause) {
    rmSync(temporary, { force: true })
    throw writeFailure(path, cause)
  }
}

/** A failure to write as DISK_FULL or OUTPUT_UNWRITABLE. */
export function writeFailure(path: string, cause: unknown): TickloomError {
  if (cause instanceof TickloomError) return cause
  const said = messageOf(cause)
  if (/ENOSPC|EDQUOT|EFBIG|No space left|not enough space|File too large/i.test(said))
    return new TickloomError('DISK_FULL', `no space left to write ${path}`, { path }, cause)
  return new TickloomError('OUTPUT_UNWRITABLE', `cannot write ${path}: ${said}`, { path }, cause)
}

/** Makes a file's or folder's contents durable. */
export function sync(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** The instruments of a batch by ids from 0 on, as DuckDB's enums count. */
class LocalNames {
  readonly names: readonly string[]
  readonly of: Int32Array

  constructor(schema: Schema, batch: Batch<Schema>, instruments: Instruments) {
    const names: string[] = []
    this.of = new Int32Array(instruments.size).fill(-1)
    for (const [column, kind] of Object.entries(schema)) {
      if (kind !== 'instrument') continue
      const ids = batch.col[column]
      for (let i = 0; i < batch.n; i++) if (this.of[ids[i]] < 0) this.of[ids[i]] = names.push(instruments.name(ids[i])) - 1
    }
    this.names = names.length === 0 ? ['none'] : names
  }
}

function typeOf(kind: Kind, names: readonly string[]): DuckDBType {
  if (kind === 'time') return TIMESTAMPTZ
  if (kind === 'f64') return DOUBLE
  if (kind === 'i32') return INTEGER
  return kind === 'bool' ? BOOLEAN : ENUM([...names])
}

function selectOf(name: string, kind: Kind): string {
  const column = identifier(name)
  if (kind === 'f64') return `nullif(${column}, 'NaN'::DOUBLE) AS ${column}`
  return kind === 'instrument' ? `${column}::VARCHAR AS ${column}` : column
}

async function append(
  connection: DuckDBConnection,
  table: string,
  schema: Schema,
  batch: Batch<Schema>,
  types: readonly DuckDBType[],
  ids: LocalNames,
): Promise<void> {
  const appender = await connection.createAppender(table)
  const chunk = DuckDBDataChunk.create(types)
  const columns = Object.entries(schema).map(([name, kind]) => bytesOf(kind, batch.col[name], batch.n, ids))
  const rows = bindings.vector_size()
  for (let from = 0; from < batch.n; from += rows) {
    const n = Math.min(rows, batch.n - from)
    chunk.reset()
    chunk.rowCount = n
    for (const [c, { buffer, offset, width }] of columns.entries()) {
      const vector = bindings.data_chunk_get_vector(chunk.chunk, c)
      bindings.copy_data_to_vector(vector, 0, buffer, offset + from * width, n * width)
    }
    appender.appendDataChunk(chunk)
  }
  appender.closeSync()
}

interface Bytes {
  readonly buffer: ArrayBuffer
  readonly offset: number
  readonly width: number
}

/** A column as DuckDB lays it out. */
function bytesOf(kind: Kind, column: Float64Array | Int32Array | Uint8Array, n: number, ids: LocalNames): Bytes {
  if (kind === 'time') return view(int64Of(column as Float64Array, n), 8)
  if (kind === 'instrument') return view(enumOf(column as Int32Array, n, ids), ids.names.length <= 255 ? 1 : ids.names.length <= 65_535 ? 2 : 4)
  return view(column, column.BYTES_PER_ELEMENT)
}

function view(array: Float64Array | Int32Array | Uint8Array | Uint16Array | Uint32Array, width: number): Bytes {
  return { buffer: array.buffer as ArrayBuffer, offset: array.byteOffset, width }
}

/** Integers in doubles as int64, low word first, without a BigInt a row. Exact to 2^53. */
function int64Of(values: Float64Array, n: number): Uint32Array {
  const words = new Uint32Array(n * 2)
  for (let i = 0; i < n; i++) {
    const high = Math.floor(values[i] / 4_294_967_296)
    words[2 * i] = values[i] - high * 4_294_967_296
    words[2 * i + 1] = high
  }
  return words
}

function enumOf(values: Int32Array, n: number, { of, names }: LocalNames): Uint8Array | Uint16Array | Uint32Array {
  const ids = names.length <= 255 ? new Uint8Array(n) : names.length <= 65_535 ? new Uint16Array(n) : new Uint32Array(n)
  for (let i = 0; i < n; i++) ids[i] = of[values[i]]
  return ids
}
