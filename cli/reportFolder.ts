import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { duckConnection, identifier, quoted } from '../connectors/parquet/duck.ts'
import { type OutputFile, outputFiles, partitionsOf } from '../connectors/parquet/outputManifest.ts'
import { messageOf, TickloomError } from '../core/errors.ts'
import { readRun } from './replayIdentity.ts'
import { type ColumnKind, type Columns, identityParts, type RunTables, type TableQuery } from './reportTables.ts'

const kinds: Readonly<Record<string, ColumnKind>> = {
  'TIMESTAMP WITH TIME ZONE': 'time',
  TIMESTAMP: 'time',
  VARCHAR: 'text',
  DOUBLE: 'number',
  INTEGER: 'number',
  BIGINT: 'number',
  BOOLEAN: 'bool',
}

/**
 * The rows that a run left in its folder: of the files that its manifests name, no others.
 * Throws OPTION_INVALID where there is no run, CHECKPOINT_CORRUPT, RUN_MISMATCH; a file that cannot be read is FILE_CORRUPT.
 */
export async function runInFolder(given: string): Promise<RunTables> {
  const dir = resolve(given)
  const known = readRun(join(dir, 'run.json'))
  if (known === undefined) throw new TickloomError('OPTION_INVALID', `${dir} is no folder of a run: it has no run.json`, { option: '--out' })
  const byOutput = new Map<string, OutputFile[]>()
  for (const file of partitionsOf(dir).flatMap((partition) => outputFiles(dir, partition)))
    byOutput.set(file.output, [...(byOutput.get(file.output) ?? []), file])
  const connection = await duckConnection()
  try {
    const outputs = new Map<string, Columns>()
    for (const [output, files] of byOutput) outputs.set(output, await columnsOf(connection, join(dir, files[0].path)))
    return {
      identity: {
        ...identityParts(known.identity),
        run: known.run,
        file: known.made?.topology,
        code: known.made?.code,
        started: undefined,
        place: dir,
      },
      partitions: partitionsRun(dir),
      outputs,
      asked: known.made?.outputs,
      rows: (query) => answer(connection, dir, byOutput.get(query.output) ?? [], query),
      micros: (column) => `epoch_us(${identifier(column)})::DOUBLE`,
      name: identifier,
      close: async () => connection.disconnectSync(),
    }
  } catch (thrown) {
    connection.disconnectSync()
    throw thrown
  }
}

/** A day without a row has no file, but a checkpoint. */
function partitionsRun(dir: string): string[] {
  const folder = join(dir, 'checkpoints')
  const ended = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.ckpt')) : []
  return [...new Set([...partitionsOf(dir), ...ended.map((name) => decodeURIComponent(name.slice(0, -'.ckpt'.length)))])].sort()
}

async function columnsOf(connection: DuckDBConnection, file: string): Promise<Columns> {
  const rows = await read(
    connection,
    `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(${quoted(file)}, hive_partitioning = false))`,
  )
  return Object.fromEntries(rows.map(([name, type]) => [name, kinds[type as string] ?? 'text']))
}

async function answer(connection: DuckDBConnection, dir: string, files: readonly OutputFile[], query: TableQuery): Promise<unknown[][]> {
  const { select, where = 'true', tail = '', from = -Infinity, to = Infinity } = query
  const within = files.filter(({ min, max }) => (max ?? Infinity) >= from && (min ?? -Infinity) < to)
  if (within.length === 0) return []
  const paths = within.map(({ path }) => quoted(join(dir, path))).join(', ')
  const bounds = [...(from > -Infinity ? [`epoch_us(ts) >= ${from}`] : []), ...(to < Infinity ? [`epoch_us(ts) < ${to}`] : [])]
  const rows = `read_parquet([${paths}], hive_partitioning = false, union_by_name = true)`
  return read(connection, `SELECT ${select.join(', ')} FROM ${rows} WHERE ${[...bounds, `(${where})`].join(' AND ')} ${tail}`)
}

async function read(connection: DuckDBConnection, sql: string): Promise<unknown[][]> {
  try {
    return (await connection.runAndReadAll(sql)).getRowsJS() as unknown[][]
  } catch (cause) {
    throw new TickloomError('FILE_CORRUPT', `the rows of the run cannot be read: ${messageOf(cause)}`, {}, cause)
  }
}
