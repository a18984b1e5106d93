import { createRequire } from 'node:module'
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

const load = createRequire(import.meta.url)
let instance: Promise<DuckDBInstance> | undefined

/** The library, loaded when it is first needed: a worker that only reads with the other engine saves its memory. */
export function duckdb(): typeof import('@duckdb/node-api') {
  return load('@duckdb/node-api') as typeof import('@duckdb/node-api')
}

/** A connection to this process's in-memory DuckDB; close it with `disconnectSync()`. `bufferBytes` bounds what a stream reads ahead. */
export async function duckConnection(bufferBytes = 16_000_000): Promise<DuckDBConnection> {
  instance ??= duckdb().DuckDBInstance.create(':memory:', { threads: '2' })
  const connection = await (await instance).connect()
  await connection.run(`SET streaming_buffer_size='${Math.floor(bufferBytes)}B'`)
  return connection
}

/** Runs `work` on a connection of its own. */
export async function withDuck<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  const connection = await duckConnection()
  try {
    return await work(connection)
  } finally {
    connection.disconnectSync()
  }
}

/** The rows of a query as objects. */
export async function duckRows<T>(sql: string): Promise<T[]> {
  return withDuck(async (connection) => (await connection.runAndReadAll(sql)).getRowObjectsJS() as T[])
}

/** Text as a literal of DuckDB's SQL. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A name as an identifier of DuckDB's SQL. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
