import type { ClickHouse } from './client.ts'
import { quoted } from './ddl.ts'
import { defaultRetry, withRetry } from './failures.ts'

/** What a set of parameters came to on one day of a sweep. */
export interface SweepRow {
  readonly sweep: string
  /** `name@version`. */
  readonly topology: string
  readonly partition: string
  readonly set: number
  readonly parameters: Readonly<Record<string, string>>
  readonly metrics: Readonly<Record<string, number>>
}

/** Metrics that have a column of their own to be asked by; one that a topology lacks is 0. */
const NAMED = ['signals', 'trades', 'wins', 'gross', 'fees', 'pnl', 'drawdown', 'turnover']
const FRACTIONS = { win_rate: "metrics['wins'] / metrics['trades']", profit_factor: "metrics['profit'] / metrics['loss']" }

/** Makes the database and its table `sweeps`. Repeating it changes nothing. */
export async function ensureSweeps({ client, location }: ClickHouse, database: string): Promise<void> {
  const aliases = [
    ...NAMED.map((name) => `${quoted(name)} Float64 ALIAS metrics['${name}']`),
    ...Object.entries(FRACTIONS).map(([name, formula]) => `${name} Float64 ALIAS ${formula}`),
  ]
  const statements = [
    `CREATE DATABASE IF NOT EXISTS ${quoted(database)}`,
    `CREATE TABLE IF NOT EXISTS ${quoted(database)}.sweeps (
      sweep_id LowCardinality(String), topology LowCardinality(String), \`partition\` LowCardinality(String), set_id UInt32,
      parameters Map(LowCardinality(String), String), metrics Map(LowCardinality(String), Float64),
      updated_at DateTime64(3, 'UTC') DEFAULT now64(3),
      day Date ALIAS toDate(substring(\`partition\`, 1, 10)), ${aliases.join(', ')}
    ) ENGINE = ReplacingMergeTree(updated_at) ORDER BY (sweep_id, \`partition\`, set_id) SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
  ]
  for (const query of statements) await withRetry(defaultRetry, { location, table: 'sweeps' }, () => client.command({ query }))
}

/** Writes the rows; the table must be there. Written again they take their own place: readers ask for FINAL. */
export async function recordSweep({ client, location }: ClickHouse, database: string, rows: readonly SweepRow[]): Promise<void> {
  if (rows.length === 0) return
  const values = rows.map(({ sweep, topology, partition, set, parameters, metrics }) => ({
    sweep_id: sweep,
    topology,
    partition,
    set_id: set,
    parameters,
    metrics,
  }))
  await withRetry(defaultRetry, { location, table: 'sweeps' }, () =>
    client.insert({ table: `${quoted(database)}.sweeps`, values, format: 'JSONEachRow', columns: Object.keys(values[0]) as [string, ...string[]] }),
  )
}
