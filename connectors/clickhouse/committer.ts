import { Readable } from 'node:stream'
import type { ClickHouseClient } from '@clickhouse/client'
import type { Schema } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import type { ClickHouse } from './client.ts'
import { columnsDdl, type Layout, ledgerDdl, literal, quoted, standardTables, storedColumns, tableDdl } from './ddl.ts'
import { defaultRetry, type Retry, withRetry } from './failures.ts'

/** One partition of one run: what an epoch is numbered within. */
export interface EpochScope {
  readonly topology: string
  readonly run: string
  readonly partition: string
}

/** An epoch whose tables are all in, and how many rows each got. */
export interface EpochRow extends EpochScope {
  readonly epoch: number
  readonly rows: Readonly<Record<string, number>>
}

/** An Arrow stream of one record batch (connectors/clickhouse/arrow.ts), for one table under one deduplication token. */
export interface TableInsert {
  readonly table: string
  readonly columns: readonly string[]
  readonly token: string
  /** A file's path for a committer of files, the bytes themselves for one of bytes. */
  readonly body: string | Uint8Array
}

/**
 * How a sink's rows reach ClickHouse. Every method is idempotent, and with `takes: 'files'` every argument survives
 * JSON, so an implementation may forward the calls to the process that owns an embedded directory.
 */
export interface Committer {
  readonly location: string
  readonly takes: 'files' | 'bytes'
  /** Makes the tables that are not there, and the columns; CLICKHOUSE_REJECTED when one is there with another type. */
  prepare(tables: Readonly<Record<string, Schema>>): Promise<void>
  /** Inserts the rows unless an insert of the same token was made before. Whole or not at all in each month. */
  insert(insert: TableInsert): Promise<void>
  commit(epoch: EpochRow): Promise<void>
  committedEpochs(scope: EpochScope): Promise<number[]>
}

export interface CommitterOptions {
  /** Default `tickloom`. */
  readonly database?: string
  /** Replicated and sharded tables on this cluster of the server. */
  readonly cluster?: string
  readonly retry?: Partial<Retry>
}

/** Commits through `clickhouse`: by Arrow files into an embedded database, by Arrow bodies over HTTP into a server. */
export function committerOf(clickhouse: ClickHouse, options: CommitterOptions = {}): Committer {
  return clickhouse.kind === 'embedded' ? embeddedCommitter(clickhouse, options) : httpCommitter(clickhouse, options)
}

export function embeddedCommitter(clickhouse: ClickHouse, options: CommitterOptions = {}): Committer {
  const { database = 'tickloom' } = options
  return committer(clickhouse, options, 'files', (insert) => insertArrowFile(clickhouse.client, { ...insert, database, path: insert.body as string }))
}

export function httpCommitter(clickhouse: ClickHouse, options: CommitterOptions = {}): Committer {
  const { database = 'tickloom' } = options
  return committer(clickhouse, options, 'bytes', (insert) =>
    insertArrowBody(clickhouse.client, { ...insert, database, bytes: insert.body as Uint8Array }),
  )
}

/** One block, hence one part a month: an insert of which half was made cannot be told from a whole one later. */
const WHOLE = 'min_insert_block_size_rows = 0, min_insert_block_size_bytes = 0, max_insert_threads = 1'

type Target = Omit<TableInsert, 'body'> & { readonly database: string }

/** Inserts an Arrow stream file that the engine can read from its own disk. */
export async function insertArrowFile(client: ClickHouseClient, insert: Target & { readonly path: string }): Promise<void> {
  const columns = insert.columns.map(quoted).join(', ')
  // As a clause of the statement: the embedded connection turns settings of a call into SETs, which outlive the call.
  const settings = `SETTINGS insert_deduplicate = 1, deduplicate_insert_select = 'force_enable', insert_deduplication_token = ${literal(insert.token)}, ${WHOLE}`
  await client.command({
    query: `INSERT INTO ${quoted(insert.database)}.${quoted(insert.table)} (${columns}) ${settings} SELECT ${columns} FROM file(${literal(insert.path)}, 'ArrowStream')`,
  })
}

/** Inserts an Arrow stream sent as the body of the request. */
export async function insertArrowBody(client: ClickHouseClient, insert: Target & { readonly bytes: Uint8Array }): Promise<void> {
  // Neither a queue of small inserts nor a shard's spool may stand between the answer and the rows.
  const settings = `SETTINGS insert_deduplicate = 1, async_insert = 0, distributed_foreground_insert = 1, insert_deduplication_token = ${literal(insert.token)}, ${WHOLE}`
  const { stream } = await client.exec({
    query: `INSERT INTO ${quoted(insert.database)}.${quoted(insert.table)} (${insert.columns.map(quoted).join(', ')}) ${settings} FORMAT ArrowStream`,
    values: Readable.from([insert.bytes], { objectMode: false }),
  })
  for await (const _ of stream) {
    /* the answer is empty; read to its end it frees the connection, broken off it throws */
  }
}

function committer(
  clickhouse: ClickHouse,
  options: CommitterOptions,
  takes: Committer['takes'],
  insert: (i: TableInsert) => Promise<void>,
): Committer {
  const { client, location } = clickhouse
  const layout: Layout = { database: options.database ?? 'tickloom', cluster: options.cluster }
  const retry = { ...defaultRetry, ...options.retry }
  const command = (query: string, table?: string) => withRetry(retry, { location, table }, () => client.command({ query }))
  // A partition opens a sink each day of years: the statements are sent once a process.
  const prepared = new Set<string>()
  return {
    location,
    takes,
    async prepare(tables) {
      const asked = JSON.stringify(tables)
      if (prepared.has(asked)) return
      for (const query of ledgerDdl(layout)) await command(query)
      for (const [table, schema] of Object.entries({ ...standardTables, ...tables })) {
        for (const query of tableDdl(table, schema, layout)) await command(query, table)
      }
      for (const [table, schema] of Object.entries(tables)) {
        const lacking = await withRetry(retry, { location, table }, () => columnsLacking(client, layout.database, table, schema))
        for (const query of columnsDdl(table, schema, lacking, layout)) await command(query, table)
      }
      prepared.add(asked)
    },
    insert: (i) => withRetry(retry, { location, table: i.table }, () => insert(i)),
    async commit(epoch) {
      await command(epochInsert(layout.database, epoch), 'epochs')
    },
    committedEpochs: (scope) => withRetry(retry, { location, table: 'epochs' }, () => readEpochs(client, layout.database, scope)),
  }
}

/** ReplacingMergeTree: the same row twice is once after a merge, and every reader asks for FINAL or DISTINCT. */
function epochInsert(database: string, { run, topology, partition, epoch, rows }: EpochRow): string {
  const map = Object.entries(rows)
    .map(([table, n]) => `${literal(table)}, ${n}`)
    .join(', ')
  const values = `${literal(run)}, ${literal(topology)}, ${literal(partition)}, ${epoch}, ${map === '' ? 'map()' : `map(${map})`}`
  return `INSERT INTO ${quoted(database)}.epochs (run_id, topology, \`partition\`, epoch, rows) SELECT ${values}`
}

async function readEpochs(client: ClickHouseClient, database: string, { run, topology, partition }: EpochScope): Promise<number[]> {
  const query = `SELECT DISTINCT epoch FROM ${quoted(database)}.epochs
    WHERE run_id = ${literal(run)} AND topology = ${literal(topology)} AND \`partition\` = ${literal(partition)} ORDER BY epoch`
  const rows = await (await client.query({ query, format: 'JSONCompactEachRow' })).json<[number | string]>()
  return rows.map(([epoch]) => Number(epoch))
}

/** Columns of the schema that the table does not have. Throws CLICKHOUSE_REJECTED of one that it has with another type. */
async function columnsLacking(client: ClickHouseClient, database: string, table: string, schema: Schema): Promise<string[]> {
  const query = `SELECT name, type, default_kind FROM system.columns WHERE database = ${literal(database)} AND table = ${literal(table)}`
  const rows = await (await client.query({ query, format: 'JSONCompactEachRow' })).json<[string, string, string]>()
  const found = new Map(rows.map(([name, type, kind]) => [name, kind === 'ALIAS' ? `${type} ALIAS` : type]))
  const lacking: string[] = []
  for (const [name, type] of Object.entries(storedColumns(schema))) {
    const there = found.get(name)
    if (there === undefined) lacking.push(name)
    if (there === undefined || there === type) continue
    const advice = 'an older version or another topology made the table: map the output to a table of another name, or drop it'
    throw new TickloomError('CLICKHOUSE_REJECTED', `table ${table}: column ${name} (${type}) is ${there} there; ${advice}`, { table, column: name })
  }
  return lacking
}
