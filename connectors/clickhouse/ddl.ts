import type { Kind, Schema, Words } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import { Burst, Second, Tick } from '../../core/market.ts'

/** A signal: the second on which a burst rose over its baseline; `ratio` = burst / baseline. */
const Signal = { ...Burst, ratio: 'f64' } as const
/** A row that came too late to be ordered; `lateness` in microseconds behind the newest row seen. */
const Late = { ts: 'time', instrument: 'instrument', price: 'f64', volume: 'f64', lateness: 'f64' } as const

/** The tables every database has, filled or not, so that a query may name them. */
export const standardTables: Readonly<Record<string, Schema>> = { ticks: Tick, seconds: Second, bursts: Burst, signals: Signal, late: Late }

/** Where tables live and how they are laid out. `cluster`: replicated on it, and sharded over it by underlying. */
export interface Layout {
  readonly database: string
  readonly cluster?: string
}

/**
 * Types and codecs, chosen on 5 M rows of `seconds` (120 contracts): 12.5 MB, 2.5 bytes a row. Gorilla made prices
 * larger than plain ZSTD, and T64 halves small counts. No column is Nullable: a missing f64 stays NaN, so a table
 * holds bit for bit what the other sinks hold (`isNaN(baseline)`, never `IS NULL`). A missing time is 1970-01-01.
 */
const columnTypes: Readonly<Record<Exclude<Kind, Words>, string>> = {
  time: "DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD)",
  instrument: 'LowCardinality(String) CODEC(ZSTD)',
  f64: 'Float64 CODEC(ZSTD)',
  i32: 'Int32 CODEC(T64, ZSTD)',
  bool: 'Bool CODEC(T64, ZSTD)',
}

function columnType(kind: Kind): string {
  return kind in columnTypes ? columnTypes[kind as Exclude<Kind, Words>] : 'LowCardinality(String) CODEC(ZSTD)'
}

/** What the contract's name says, computed when asked for: it costs no space. Spot has no expiry and no strike: NULL. */
export const contractColumns: Readonly<Record<string, string>> = {
  underlying: "LowCardinality(String) ALIAS splitByChar(':', instrument)[1]",
  expiry: "Nullable(Date) ALIAS toDateOrNull(splitByChar(':', instrument)[2])",
  strike: "Nullable(Float64) ALIAS toFloat64OrNull(splitByChar(':', instrument)[3])",
  type: "LowCardinality(String) ALIAS if(position(instrument, ':') = 0, 'SPOT', splitByChar(':', instrument)[-1])",
}

/** Inserts remembered a table, by token: years of epochs of one run. */
const DEDUPLICATION_WINDOW = 100_000

/** A part is on the disk before the insert is answered, hence before the epoch's row says so: power may fail. */
const DURABLE = 'fsync_after_insert = 1, fsync_part_directory = 1'

/** `name` quoted as an identifier. */
export function quoted(name: string): string {
  return `\`${name.replace(/[\\`]/g, (c) => `\\${c}`)}\``
}

/** `value` quoted as a string literal. */
export function literal(value: string): string {
  return `'${value.replace(/[\\']/g, (c) => `\\${c}`)}'`
}

/** Statements that make the database and its `runs`, `epochs` and `gaps`. Repeating them changes nothing. */
export function ledgerDdl(layout: Layout): string[] {
  const on = layout.cluster === undefined ? '' : ` ON CLUSTER ${literal(layout.cluster)}`
  const engine = layout.cluster === undefined ? 'ReplacingMergeTree' : 'ReplicatedReplacingMergeTree'
  const database = quoted(layout.database)
  return [
    `CREATE DATABASE IF NOT EXISTS ${database}${on}`,
    `CREATE TABLE IF NOT EXISTS ${database}.runs${on} (
      run_id String, topology String, topology_version UInt32, parameters String, lake String,
      \`from\` String, \`to\` String, started DateTime64(3, 'UTC'), finished Nullable(DateTime64(3, 'UTC')),
      status LowCardinality(String), rows_in UInt64, rows_out UInt64, code_version String,
      updated_at DateTime64(3, 'UTC') DEFAULT now64(3)
    ) ENGINE = ${engine}(updated_at) ORDER BY run_id SETTINGS ${DURABLE}`,
    `CREATE TABLE IF NOT EXISTS ${database}.epochs${on} (
      run_id String, topology String, \`partition\` String, epoch UInt64, rows Map(String, UInt64),
      committed_at DateTime64(3, 'UTC') DEFAULT now64(3)
    ) ENGINE = ${engine}(committed_at) ORDER BY (run_id, topology, \`partition\`, epoch) SETTINGS ${DURABLE}`,
    `CREATE TABLE IF NOT EXISTS ${database}.gaps${on} (
      run_id String, topology String, \`partition\` String, \`from\` DateTime64(6, 'UTC'), \`to\` Nullable(DateTime64(6, 'UTC')),
      instruments Array(LowCardinality(String)), updated_at DateTime64(3, 'UTC') DEFAULT now64(3)
    ) ENGINE = ${engine}(updated_at) ORDER BY (run_id, topology, \`partition\`, \`from\`) SETTINGS ${DURABLE}`,
  ]
}

/**
 * Statements that make the table of one output, whatever its schema. Rows of a run lie together, then those of an
 * instrument in time order; parts are months of the first time column.
 *
 * On a cluster: `<table>_local` on every shard, replicated, and `<table>` over them, which sends a row to the shard of
 * its underlying, so that a chain and its spot are joined without the network.
 */
export function tableDdl(table: string, schema: Schema, layout: Layout): string[] {
  const database = quoted(layout.database)
  const columns = `(${columnsOf(table, schema).join(', ')})`
  if (layout.cluster === undefined) {
    return [
      `CREATE TABLE IF NOT EXISTS ${database}.${quoted(table)} ${columns} ENGINE = MergeTree ${order(schema)}
       SETTINGS non_replicated_deduplication_window = ${DEDUPLICATION_WINDOW}, ${DURABLE}`,
    ]
  }
  const on = `ON CLUSTER ${literal(layout.cluster)}`
  const key = instrumentOf(schema)
  const shard = key === undefined ? 'cityHash64(run_id)' : `cityHash64(splitByChar(':', ${quoted(key)})[1])`
  return [
    `CREATE TABLE IF NOT EXISTS ${database}.${quoted(`${table}_local`)} ${on} ${columns} ENGINE = ReplicatedMergeTree ${order(schema)}
     SETTINGS replicated_deduplication_window = ${DEDUPLICATION_WINDOW}, replicated_deduplication_window_seconds = 31536000, ${DURABLE}`,
    `CREATE TABLE IF NOT EXISTS ${database}.${quoted(table)} ${on} ${columns}
     ENGINE = Distributed(${literal(layout.cluster)}, ${literal(layout.database)}, ${literal(`${table}_local`)}, ${shard})`,
  ]
}

/**
 * Statements that give a table the columns of an output that it lacks, because another topology with an output of that
 * name, or an older version, made it. Rows that are there, and those of topologies without such a column, have NaN, 0
 * or no text in it.
 */
export function columnsDdl(table: string, schema: Schema, names: readonly string[], layout: Layout): string[] {
  const database = quoted(layout.database)
  const added = names.map((name) => `ADD COLUMN IF NOT EXISTS ${quoted(name)} ${columnType(schema[name]).replace(/^Float64/, 'Float64 DEFAULT nan')}`)
  if (added.length === 0) return []
  if (layout.cluster === undefined) return [`ALTER TABLE ${database}.${quoted(table)} ${added.join(', ')}`]
  return [`${table}_local`, table].map(
    (each) => `ALTER TABLE ${database}.${quoted(each)} ON CLUSTER ${literal(layout.cluster as string)} ${added.join(', ')}`,
  )
}

/** Columns an insert fills, with the type the engine reports for each. */
export function storedColumns(schema: Schema): Record<string, string> {
  const stored: Record<string, string> = { run_id: 'LowCardinality(String)' }
  for (const [name, kind] of Object.entries(schema)) stored[name] = columnType(kind).split(' CODEC')[0]
  return stored
}

function columnsOf(table: string, schema: Schema): string[] {
  if ('run_id' in schema)
    throw new TickloomError('TOPOLOGY_INVALID', `output "${table}" has a column run_id, which is the sink's own`, { output: table })
  const columns = ['run_id LowCardinality(String) CODEC(ZSTD)']
  for (const [name, kind] of Object.entries(schema)) columns.push(`${quoted(name)} ${columnType(kind)}`)
  const key = instrumentOf(schema)
  if (key === undefined) return columns
  for (const [name, definition] of Object.entries(contractColumns)) {
    if (!(name in schema)) columns.push(`${quoted(name)} ${definition.replaceAll('instrument', quoted(key))}`)
  }
  return columns
}

function order(schema: Schema): string {
  const of = (kind: Kind) => Object.keys(schema).filter((name) => schema[name] === kind)
  const [time] = of('time')
  const key = ['run_id', ...of('instrument'), ...of('time')].map(quoted)
  return `${time === undefined ? '' : `PARTITION BY toYYYYMM(${quoted(time)}) `}ORDER BY (${key.join(', ')})`
}

function instrumentOf(schema: Schema): string | undefined {
  return Object.keys(schema).find((name) => schema[name] === 'instrument')
}
