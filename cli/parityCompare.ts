import type { DuckDBConnection } from '@duckdb/node-api'
import { identifier, quoted, withDuck } from '../connectors/parquet/duck.ts'
import type { Kind, Schema, Words } from '../core/batch.ts'
import type { Extent, OutputRows } from './parityRun.ts'

/** A row as the report shows it: times in microseconds, what is missing as NaN. */
export type ParityRow = Readonly<Record<string, number | string>>

/** What both sides have of one output. */
export interface Compared {
  readonly output: string
  readonly live: number
  readonly replay: number
  readonly onlyLive: number
  readonly onlyReplay: number
  readonly first: Difference | undefined
}

/** The earliest row that one side has and the other has not, and that of the same time and instrument there, if any. */
export interface Difference {
  readonly output: string
  readonly ts: number
  readonly instrument: string | undefined
  readonly live: ParityRow | undefined
  readonly replay: ParityRow | undefined
  /** Columns in which the two differ; empty when one is missing. */
  readonly columns: readonly string[]
}

/**
 * Compares the rows of an output that lie within the extent, as multisets: every double bit for bit, but NaN equal to
 * NaN, and 0 to -0, which a Parquet writer's dictionary takes for one value. The output has a column `ts`.
 */
export function compareOutput(output: string, schema: Schema, live: OutputRows, replay: OutputRows, extent: Extent): Promise<Compared> {
  return withDuck(async (connection) => {
    await connection.run(`CREATE TEMP TABLE live AS ${rowsOf(schema, live, extent)}`)
    await connection.run(`CREATE TEMP TABLE replay AS ${rowsOf(schema, replay, extent)}`)
    try {
      await connection.run('CREATE TEMP TABLE only_live AS SELECT * FROM live EXCEPT ALL SELECT * FROM replay')
      await connection.run('CREATE TEMP TABLE only_replay AS SELECT * FROM replay EXCEPT ALL SELECT * FROM live')
      const count = async (table: string): Promise<number> => Number((await select(connection, `SELECT count(*)::DOUBLE AS n FROM ${table}`))[0]['n'])
      const [onlyLive, onlyReplay] = [await count('only_live'), await count('only_replay')]
      const first = onlyLive + onlyReplay === 0 ? undefined : await firstOf(connection, output, schema)
      return { output, live: await count('live'), replay: await count('replay'), onlyLive, onlyReplay, first }
    } finally {
      for (const table of ['live', 'replay', 'only_live', 'only_replay']) await connection.run(`DROP TABLE IF EXISTS ${table}`)
    }
  })
}

async function firstOf(connection: DuckDBConnection, output: string, schema: Schema): Promise<Difference> {
  const key = ['ts', ...Object.keys(schema).filter((name) => schema[name] === 'instrument')].map(identifier).join(', ')
  const values = Object.keys(schema).map(identifier).join(', ')
  const [at] = await select(
    connection,
    `SELECT ${key} FROM (SELECT ${key} FROM only_live UNION ALL SELECT ${key} FROM only_replay) ORDER BY ALL NULLS FIRST LIMIT 1`,
  )
  const same = Object.entries(at).map(
    ([name, value]) => `${identifier(name)} IS NOT DISTINCT FROM ${typeof value === 'string' ? quoted(value) : (value ?? 'NULL')}`,
  )
  const one = async (table: string): Promise<ParityRow | undefined> =>
    (await select(connection, `SELECT ${values} FROM ${table} WHERE ${same.join(' AND ')} ORDER BY ALL LIMIT 1`)).map(shown)[0]
  const [live, replay] = [await one('only_live'), await one('only_replay')]
  const columns =
    live === undefined || replay === undefined
      ? []
      : Object.keys(schema).filter((name) => live[name] !== replay[name] && !(Number.isNaN(live[name]) && Number.isNaN(replay[name])))
  const instrument = Object.keys(schema).find((name) => schema[name] === 'instrument')
  return { output, ts: at['ts'] as number, instrument: instrument && (at[instrument] as string), live, replay, columns }
}

type Selected = Readonly<Record<string, number | string | null>>

async function select(connection: DuckDBConnection, sql: string): Promise<Selected[]> {
  return (await connection.runAndReadAll(sql)).getRowObjectsJS() as Selected[]
}

function shown(row: Selected): ParityRow {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? NaN]))
}

/** One side in one form: what Parquet lacks and what ClickHouse keeps as NaN are the same. */
function rowsOf(schema: Schema, { files, plain }: OutputRows, { from, to }: Extent): string {
  const columns = Object.entries(schema).map(([name, kind]) => `${comparable(identifier(name), kind, plain)} AS ${identifier(name)}`)
  const source =
    files.length > 0
      ? `read_parquet([${files.map(quoted).join(', ')}], hive_partitioning = false)`
      : `(SELECT ${Object.entries(schema)
          .map(([name, kind]) => `NULL::${kind in stored ? stored[kind as Exclude<Kind, Words>] : 'VARCHAR'} AS ${identifier(name)}`)
          .join(', ')} LIMIT 0)`
  const ts = comparable('ts', 'time', plain)
  return `SELECT ${columns.join(', ')} FROM ${source} WHERE ${ts} >= ${from} AND ${ts} < ${to}`
}

const stored: Readonly<Record<Exclude<Kind, Words>, string>> = {
  time: 'TIMESTAMPTZ',
  instrument: 'VARCHAR',
  f64: 'DOUBLE',
  i32: 'INTEGER',
  bool: 'BOOLEAN',
}

function comparable(column: string, kind: Kind, plain: boolean): string {
  // A missing time is 0 in ClickHouse, which is no time of a market.
  if (kind === 'time') return plain ? `nullif(${column}::DOUBLE, 0)` : `epoch_us(${column})::DOUBLE`
  if (kind === 'f64') return `coalesce(${column}, 'nan'::DOUBLE)`
  return kind === 'instrument' || kind.includes('|') ? `${column}::VARCHAR` : `${column}::INTEGER`
}
