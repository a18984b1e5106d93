import { messageOf, TickloomError } from '../../core/errors.ts'
import type { ClickHouse } from './client.ts'
import { literal } from './ddl.ts'
import { clickHouseFailure } from './failures.ts'

export interface QueryColumn {
  readonly name: string
  /** ClickHouse's type, such as `LowCardinality(String)`. */
  readonly type: string
}

/** A whole answer. Integers of 64 bits come as text, since a double cannot hold them all; NaN is `nan`. */
export interface QueryAnswer {
  readonly columns: readonly QueryColumn[]
  readonly rows: readonly (readonly unknown[])[]
}

export interface QueryOptions {
  /** What unqualified names mean; default `tickloom` where it exists. */
  readonly database?: string
}

/** Formats an answer can be had in as text, by ClickHouse's name. */
export type TextFormat = 'CSVWithNames' | 'JSONEachRow'

/**
 * Runs one statement; one that answers nothing (CREATE, INSERT) gives no columns.
 * Throws SQL_INVALID with the engine's words, CLICKHOUSE_REFUSED when it cannot be reached.
 */
export async function runQuery(clickhouse: ClickHouse, sql: string, options: QueryOptions = {}): Promise<QueryAnswer> {
  const text = await answer(clickhouse, sql, 'JSONCompact', options)
  if (text.trim() === '') return { columns: [], rows: [] }
  const { meta, data } = JSON.parse(text) as { meta: QueryColumn[]; data: unknown[][] }
  return { columns: meta, rows: data }
}

/** The answer as text in one of ClickHouse's formats. Throws like `runQuery`. */
export function queryText(clickhouse: ClickHouse, sql: string, format: TextFormat, options: QueryOptions = {}): Promise<string> {
  return answer(clickhouse, sql, format, options)
}

/** Writes the answer of a SELECT to a Parquet file (zstd) on this machine. Embedded only: a server would write on its own. */
export async function queryToParquet(clickhouse: ClickHouse, sql: string, path: string, options: QueryOptions = {}): Promise<void> {
  if (clickhouse.kind === 'server')
    throw new TickloomError('OPTION_INVALID', '--format parquet works with an embedded database only', { option: 'format' })
  const into = `INTO OUTFILE ${literal(path)} TRUNCATE`
  await answer(
    clickhouse,
    `SELECT * FROM (${withoutSemicolon(sql)}) ${into} FORMAT Parquet SETTINGS output_format_parquet_compression_method = 'zstd'`,
    'CSVWithNames',
    options,
  )
}

async function answer(clickhouse: ClickHouse, sql: string, format: TextFormat | 'JSONCompact', options: QueryOptions): Promise<string> {
  const { client, location } = clickhouse
  const clickhouse_settings = {
    // No format in the statement: it may be a CREATE, which takes none.
    default_format: format,
    output_format_json_quote_denormals: 1,
    output_format_json_quote_64bit_integers: 1,
  } as const
  try {
    await use(clickhouse, options.database)
    const { stream } = await client.exec({ query: withoutSemicolon(sql), clickhouse_settings })
    const chunks: Uint8Array[] = []
    for await (const chunk of stream) chunks.push(chunk as Uint8Array)
    return Buffer.concat(chunks).toString()
  } catch (thrown) {
    const failure = clickHouseFailure(thrown, { location })
    if (failure.code !== 'CLICKHOUSE_REJECTED') throw failure
    throw new TickloomError('SQL_INVALID', messageOf(thrown), { sql }, thrown)
  }
}

/** The embedded connection keeps its database from call to call; a server takes it with the URL. */
async function use({ kind, client }: ClickHouse, database = 'tickloom'): Promise<void> {
  if (kind === 'server') return
  const query = `SELECT count() FROM system.databases WHERE name = ${literal(database)}`
  const [[there]] = await (await client.query({ query, format: 'JSONCompactEachRow' })).json<[string]>()
  if (Number(there) === 1) await client.command({ query: `USE \`${database}\`` })
}

function withoutSemicolon(sql: string): string {
  return sql.trim().replace(/;\s*$/, '')
}
