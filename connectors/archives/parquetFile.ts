import { statSync } from 'node:fs'
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api'
import { messageOf } from '../../core/errors.ts'
import { duckdb, quoted } from '../parquet/duck.ts'
import { Damage } from './reasons.ts'
import { bytesOfFile } from './zip.ts'

/** A database of its own: what a broken file does to it must not reach the one that writes the lake. */
let instance: Promise<DuckDBInstance> | undefined
/** More than pages and dictionaries of a file that somebody wrote with defaults take. */
const MEMORY = '512MB'

export interface ParquetColumn {
  readonly name: string
  /** As DuckDB calls it. */
  readonly type: string
}

/** A Parquet file of somebody else's. */
export interface ParquetFile {
  readonly columns: readonly ParquetColumn[]
  /** What its footer says. */
  readonly rows: number
  /** What a SELECT of such expressions gives, in the order of the rows. Throws Damage. */
  select(expressions: readonly string[]): AsyncGenerator<DuckDBDataChunk>
  close(): void
}

/** Throws Damage where it ends too early or is not what it says it is. */
export async function openParquet(path: string, name: string): Promise<ParquetFile> {
  checkEnds(path, name)
  instance ??= duckdb().DuckDBInstance.create(':memory:', { threads: '1', memory_limit: MEMORY, max_temp_directory_size: '0B' })
  const connection = await (await instance).connect()
  const file = quoted(literally(path))
  const source = `read_parquet(${file}, hive_partitioning = false)`
  try {
    await connection.run("SET TimeZone = 'UTC'")
    const columns = await objects<{ column_name: string; column_type: string }>(connection, `DESCRIBE SELECT * FROM ${source}`)
    const [{ rows }] = await objects<{ rows: number }>(connection, `SELECT num_rows::DOUBLE AS rows FROM parquet_file_metadata(${file})`)
    return {
      columns: columns.map(({ column_name, column_type }) => ({ name: column_name, type: column_type })),
      rows,
      select: (expressions) => selected(connection, `SELECT ${expressions.join(', ')} FROM ${source}`, name),
      close: () => connection.disconnectSync(),
    }
  } catch (cause) {
    connection.disconnectSync()
    throw corrupt(name, cause)
  }
}

async function objects<T>(connection: DuckDBConnection, sql: string): Promise<T[]> {
  return (await connection.runAndReadAll(sql)).getRowObjectsJS() as T[]
}

async function* selected(connection: DuckDBConnection, sql: string, name: string): AsyncGenerator<DuckDBDataChunk> {
  try {
    const result = await connection.stream(sql)
    for (;;) {
      const piece = await result.fetchChunk()
      if (piece === null || piece.rowCount === 0) return
      yield piece
    }
  } catch (cause) {
    throw corrupt(name, cause)
  }
}

/** A path that is no pattern, whatever signs are in it. */
function literally(path: string): string {
  return path.replaceAll(/[*?[]/g, '[$&]')
}

function corrupt(name: string, cause: unknown): Damage {
  // A fault inside the engine ends its database for good.
  instance = undefined
  if (/^out of memory/i.test(messageOf(cause))) return new Damage('unreadable_container', `${name} takes more than ${MEMORY} to read`)
  return new Damage('corrupt_container', `${name}: ${messageOf(cause).split('\n')[0]}`)
}

/** A file begins and ends with PAR1, and says before its end how long its footer is. */
function checkEnds(path: string, name: string): void {
  const { size } = statSync(path)
  const file = bytesOfFile(path, size)
  try {
    const tail = new Uint8Array(8)
    if (size >= 12) file.read(tail, size - 8)
    const magic = Buffer.from(tail.subarray(4)).toString('latin1')
    const footer = tail[0] + tail[1] * 256 + tail[2] * 65_536 + tail[3] * 16_777_216
    if (magic === 'PARE') throw new Damage('unreadable_container', `${name} is encrypted`)
    if (magic !== 'PAR1') throw new Damage('truncated_container', `${name}: its footer is missing, without which no row of it can be read`)
    if (footer > size - 12) throw new Damage('corrupt_container', `${name}: its footer is said to be longer than the file`)
  } finally {
    file.close()
  }
}
