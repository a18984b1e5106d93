import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Schema } from '../../core/batch.ts'
import { messageOf, TickloomError } from '../../core/errors.ts'
import type { ClickHouse } from './client.ts'
import { literal, quoted } from './ddl.ts'
import { clickHouseFailure } from './failures.ts'
import { queryToParquet } from './query.ts'

export interface ExportedRows {
  readonly database: string
  readonly table: string
  readonly run: string
  readonly schema: Schema
  /** Only rows of a run with from <= ts < to, microseconds. */
  readonly from: number
  readonly to: number
}

/**
 * Writes rows of a run to a Parquet file on this machine: times as whole microseconds, instruments as text, bools as 0
 * or 1, f64 bit for bit. Throws CLICKHOUSE_REFUSED, CLICKHOUSE_REJECTED, SQL_INVALID with the server's words,
 * OUTPUT_UNWRITABLE, DISK_FULL.
 */
export async function exportRows(clickhouse: ClickHouse, rows: ExportedRows, path: string): Promise<void> {
  const sql = exportQuery(rows)
  if (clickhouse.kind === 'embedded') return queryToParquet(clickhouse, sql, path, { database: rows.database })
  try {
    const { stream } = await clickhouse.client.exec({ query: `${sql} FORMAT Parquet` })
    await pipeline(Readable.from(stream), createWriteStream(path))
  } catch (cause) {
    if (/ENOSPC|EDQUOT/.test(messageOf(cause))) throw new TickloomError('DISK_FULL', `no space left to write ${path}`, { file: path }, cause)
    throw clickHouseFailure(cause, { location: clickhouse.location, table: rows.table })
  }
}

function exportQuery({ database, table, run, schema, from, to }: ExportedRows): string {
  const columns = Object.entries(schema).map(([name, kind]) => {
    const column = quoted(name)
    if (kind === 'time') return `toUnixTimestamp64Micro(t.${column}) AS ${column}`
    if (kind === 'instrument' || kind.includes('|')) return `toString(t.${column}) AS ${column}`
    return kind === 'bool' ? `toUInt8(t.${column}) AS ${column}` : `t.${column} AS ${column}`
  })
  const instant = (ts: number): string => `fromUnixTimestamp64Micro(${ts}, 'UTC')`
  return `SELECT ${columns.join(', ')} FROM ${quoted(database)}.${quoted(table)} AS t
    WHERE t.run_id = ${literal(run)} AND t.ts >= ${instant(from)} AND t.ts < ${instant(to)}`
}
