import { type ClickHouse, hasEmbeddedDatabase, isServer, openClickHouse } from '../connectors/clickhouse/client.ts'
import { literal, quoted } from '../connectors/clickhouse/ddl.ts'
import { clickHouseFailure } from '../connectors/clickhouse/failures.ts'
import { TickloomError } from '../core/errors.ts'
import { type ColumnKind, type Columns, identityParts, type RunTables, type TableQuery } from './reportTables.ts'

export const BY_DEFAULT = 'tickloom'
/** How a server says that nothing was ever written there. */
const NOT_THERE = ['UNKNOWN_TABLE', 'UNKNOWN_DATABASE']

/** A database that runs were written into, opened to be read. */
export class RunsDatabase {
  readonly clickhouse: ClickHouse
  readonly database: string

  /** Throws OPTION_INVALID where there is no database, CLICKHOUSE_BUSY. */
  constructor(target: string, database: string = BY_DEFAULT) {
    if (target !== '' && !isServer(target) && !hasEmbeddedDatabase(target))
      throw new TickloomError('OPTION_INVALID', `there is no embedded database in ${target}`, { option: '--clickhouse' })
    this.clickhouse = openClickHouse(target)
    this.database = database
  }

  /** Throws OPTION_INVALID where the tables of runs are not there, CLICKHOUSE_REFUSED, CLICKHOUSE_REJECTED. */
  async rows(query: string): Promise<unknown[][]> {
    try {
      return await (await this.clickhouse.client.query({ query, format: 'JSONCompactEachRow' })).json<unknown[]>()
    } catch (thrown) {
      const failure = clickHouseFailure(thrown, { location: this.clickhouse.location })
      if (!NOT_THERE.includes(failure.at['type'] as string)) throw failure
      throw new TickloomError(
        'OPTION_INVALID',
        `${this.clickhouse.location} has no runs in database ${this.database}; --database names another one`,
        { option: '--clickhouse', ...failure.at },
        thrown,
      )
    }
  }

  table(name: string): string {
    return `${quoted(this.database)}.${quoted(name)}`
  }

  close(): Promise<void> {
    return this.clickhouse.close()
  }
}

/** A row of `runs`, the newest of its run. */
export interface RunLine {
  readonly run: string
  readonly topology: string
  readonly version: number
  readonly identity: Readonly<Record<string, unknown>>
  readonly started: Date
  readonly finished: Date | undefined
  readonly status: string
  readonly rowsIn: number
  readonly rowsOut: number
  readonly code: string
}

/** The runs of a database, the newest first. */
export async function runLines(db: RunsDatabase, { topology, run }: { readonly topology?: string; readonly run?: string } = {}): Promise<RunLine[]> {
  const where = [...(topology === undefined ? [] : [`topology = ${literal(topology)}`]), ...(run === undefined ? [] : [`run_id = ${literal(run)}`])]
  const rows = await db.rows(
    `SELECT run_id, topology, toFloat64(topology_version), parameters, toFloat64(toUnixTimestamp64Milli(started)), toFloat64(toUnixTimestamp64Milli(finished)), status, toFloat64(rows_in), toFloat64(rows_out), code_version
     FROM ${db.table('runs')} FINAL ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''} ORDER BY started DESC, run_id`,
  )
  return rows.map(([run, topology, version, parameters, started, finished, status, rowsIn, rowsOut, code]) => ({
    run: run as string,
    topology: topology as string,
    version: version as number,
    identity: JSON.parse(parameters as string) as Record<string, unknown>,
    started: new Date(started as number),
    finished: finished === null ? undefined : new Date(finished as number),
    status: status as string,
    rowsIn: rowsIn as number,
    rowsOut: rowsOut as number,
    code: code as string,
  }))
}

/** The rows of one run of a database, which stays the caller's to close. Throws OPTION_INVALID where there is no such run. */
export async function runInDatabase(db: RunsDatabase, run: string): Promise<RunTables> {
  const [line] = await runLines(db, { run })
  if (line === undefined)
    throw new TickloomError('OPTION_INVALID', `${db.clickhouse.location} has no run ${run}; \`tickloom runs\` lists them`, { option: '--run' })
  const epochs = await db.rows(
    `SELECT \`partition\`, arrayStringConcat(arraySort(groupUniqArrayArray(mapKeys(rows))), '\\n') FROM ${db.table('epochs')} FINAL WHERE run_id = ${literal(run)} GROUP BY \`partition\` ORDER BY \`partition\``,
  )
  const names = [...new Set(epochs.flatMap(([, tables]) => (tables as string).split('\n')))].filter((name) => name !== '')
  const outputs = new Map<string, Columns>()
  for (const name of names) {
    const columns = await columnsOf(db, name)
    const [[filled]] = await db.rows(`SELECT count() FROM (SELECT 1 FROM ${db.table(name)} WHERE run_id = ${literal(run)} LIMIT 1)`)
    if (Number(filled) > 0) outputs.set(name, columns)
  }
  return {
    identity: {
      ...identityParts(line.identity),
      run,
      file: undefined,
      code: line.code,
      started: line.started,
      place: `${db.clickhouse.location} ${db.database}`,
    },
    partitions: epochs.map(([partition]) => partition as string),
    outputs,
    asked: undefined,
    rows: (query) => db.rows(select(db, run, query)),
    micros: (column) => `toFloat64(toUnixTimestamp64Micro(${quoted(column)}))`,
    name: quoted,
    close: async () => {},
  }
}

async function columnsOf(db: RunsDatabase, table: string): Promise<Columns> {
  const rows = await db.rows(
    `SELECT name, type FROM system.columns WHERE database = ${literal(db.database)} AND table = ${literal(table)} AND default_kind = '' AND name != 'run_id'`,
  )
  return Object.fromEntries(rows.map(([name, type]) => [name, kindOf(type as string)]))
}

function kindOf(type: string): ColumnKind {
  if (type.startsWith('DateTime64')) return 'time'
  if (type === 'Bool') return 'bool'
  return /^(Float|Int|UInt)\d+$/.test(type) ? 'number' : 'text'
}

function select(db: RunsDatabase, run: string, { output, select, where, tail = '', from = -Infinity, to = Infinity }: TableQuery): string {
  const conditions = [
    `run_id = ${literal(run)}`,
    ...(from > -Infinity ? [`ts >= fromUnixTimestamp64Micro(${from}, 'UTC')`] : []),
    ...(to < Infinity ? [`ts < fromUnixTimestamp64Micro(${to}, 'UTC')`] : []),
    ...(where === undefined ? [] : [`(${where})`]),
  ]
  return `SELECT ${select.join(', ')} FROM ${db.table(output)} WHERE ${conditions.join(' AND ')} ${tail}`
}
