import type { ClickHouse } from './client.ts'
import { literal, quoted } from './ddl.ts'
import { defaultRetry, withRetry } from './failures.ts'

/** A run as the table `runs` keeps it; the newest row of a run counts. */
export interface RunRow {
  readonly run: string
  readonly topology: string
  readonly version: number
  /** Everything that decides the answer, as JSON. */
  readonly parameters: string
  readonly lake: string
  readonly from: string
  readonly to: string
  readonly started: Date
  readonly finished: Date | undefined
  readonly status: 'running' | 'done' | 'failed'
  readonly rowsIn: number
  readonly rowsOut: number
  readonly code: string
}

/** Writes the row of a run; the table must be there (Committer.prepare). */
export async function recordRun({ client, location }: ClickHouse, database: string, r: RunRow): Promise<void> {
  const time = (t: Date) => `fromUnixTimestamp64Milli(${t.getTime()}, 'UTC')`
  const values = [
    literal(r.run),
    literal(r.topology),
    r.version,
    literal(r.parameters),
    literal(r.lake),
    literal(r.from),
    literal(r.to),
    time(r.started),
    r.finished === undefined ? 'NULL' : time(r.finished),
    literal(r.status),
    r.rowsIn,
    r.rowsOut,
    literal(r.code),
  ]
  const query = `INSERT INTO ${quoted(database)}.runs
    (run_id, topology, topology_version, parameters, lake, \`from\`, \`to\`, started, finished, status, rows_in, rows_out, code_version) SELECT ${values.join(', ')}`
  await withRetry(defaultRetry, { location, table: 'runs' }, () => client.command({ query }))
}

/** The parameters recorded of a run, undefined when there is no such run. */
export async function recordedParameters({ client, location }: ClickHouse, database: string, run: string): Promise<string | undefined> {
  const query = `SELECT argMax(parameters, updated_at) FROM ${quoted(database)}.runs WHERE run_id = ${literal(run)} GROUP BY run_id`
  const rows = await withRetry(defaultRetry, { location, table: 'runs' }, async () =>
    (await client.query({ query, format: 'JSONCompactEachRow' })).json<[string]>(),
  )
  return rows[0]?.[0]
}
