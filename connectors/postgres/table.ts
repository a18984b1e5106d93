import type { Client } from 'pg'
import type { Column, Kind } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import type { Instruments } from '../../core/instruments.ts'
import { type ContractField, contractCell, type LatestColumn, type LatestTable, type NewestRows } from '../../core/latestRows.ts'
import { quoted, upsert } from '../latest/upsert.ts'

export const historyOf = (table: string): string => `${table}_history`

/** Pages are left half empty, so that an update finds room beside the row and touches no index. */
const LATEST_STORAGE = 'WITH (fillfactor = 50)'

/** Statements of the table of one output, and of its history if one is kept. Parameters: an array a column, then the epoch. */
export class PostgresTable {
  readonly plan: LatestTable
  readonly #history: boolean
  readonly #latestSql: string
  readonly #historySql: string

  constructor(plan: LatestTable, history: boolean) {
    this.plan = plan
    this.#history = history
    const { table, key, time, columns, contract } = plan
    const values = columns.slice(1).map(({ name }) => name)
    this.#latestSql = upsert({ table, key: [key.name], time: time.name, fixed: contract, values, rows: rowsOf(columns, contract) })
    const past = { table: historyOf(table), key: [key.name, time.name], time: time.name, fixed: [], values }
    this.#historySql = upsert({ ...past, rows: rowsOf(columns, []) })
  }

  /** Makes the tables that are not there. Throws DATABASE_REJECTED where one is there with other columns. */
  async prepare(client: Client): Promise<void> {
    const { table, key, time, columns, contract } = this.plan
    const kept = columns.map((column): [string, string] => [column.name, typeOf(column.kind)])
    const added = contract.map((field): [string, string] => [field, field === 'strike' ? 'double precision' : field === 'expiry' ? 'date' : 'text'])
    await make(client, table, [kept[0], ...added, ...kept.slice(1), ['epoch', 'bigint']], [key.name], LATEST_STORAGE)
    if (this.#history) await make(client, historyOf(table), [...kept, ['epoch', 'bigint']], [time.name, key.name], '')
  }

  async write(client: Client, { rows }: NewestRows, epoch: number, instruments: Instruments): Promise<void> {
    const { table, columns, contract } = this.plan
    const ids = rows.col[columns[0].from] as Int32Array
    const [key, ...others] = columns.map((column) => arrayOf(column, rows.col[column.from] as Column, rows.n, instruments))
    const added = contract.map((field) => contractArray(field, ids, rows.n, instruments))
    await client.query({ name: `latest ${table}`.slice(0, 60), text: this.#latestSql, values: [key, ...added, ...others, epoch] })
    if (this.#history) await client.query({ name: `history ${table}`.slice(0, 60), text: this.#historySql, values: [key, ...others, epoch] })
  }

  /** Deletes what is older, in microseconds, than it is kept. */
  async forget(
    client: Client,
    newest: number,
    { history, forgetAfter }: { readonly history?: number; readonly forgetAfter?: number },
  ): Promise<void> {
    const { table, time } = this.plan
    for (const [from, age] of [
      [historyOf(table), history],
      [table, forgetAfter],
    ] as const) {
      if (age === undefined) continue
      await client.query(`DELETE FROM ${quoted(from)} WHERE ${quoted(time.name)} < ${instantOf('$1::float8')}`, [newest - age * 1_000_000])
    }
  }
}

/** Microseconds, exact in a double, as an instant: an interval is counted in them too. */
function instantOf(microseconds: string): string {
  return `timestamptz 'epoch' + ${microseconds} * interval '1 microsecond'`
}

/** In the order of the key, so that two writers take their locks in one order. */
function rowsOf(columns: readonly LatestColumn[], contract: readonly ContractField[]): string {
  const [key, ...others] = columns
  const sources = [
    ['text', key.kind],
    ...contract.map((field) => [field === 'strike' ? 'float8' : field === 'expiry' ? 'date' : 'text', 'text']),
    ...others.map(({ kind }) => [arrayType(kind), kind]),
  ]
  const picked = sources.map(([, kind], i) => (kind === 'time' ? instantOf(`c${i}`) : `c${i}`))
  const arrays = sources.map(([type], i) => `$${i + 1}::${type}[]`)
  const names = sources.map((_, i) => `c${i}`)
  return `SELECT ${picked.join(', ')}, $${sources.length + 1}::bigint FROM unnest(${arrays.join(', ')}) AS u(${names.join(', ')}) ORDER BY c0`
}

async function make(
  client: Client,
  table: string,
  columns: readonly (readonly [string, string])[],
  key: readonly string[],
  storage: string,
): Promise<void> {
  // Two that make one table at once would fail on each other.
  await client.query("SELECT pg_advisory_xact_lock(hashtext('tickloom'))")
  const needed = (name: string) => (name === 'epoch' || key.includes(name) ? ' NOT NULL' : '')
  const definitions = columns.map(([name, type]) => `${quoted(name)} ${type}${needed(name)}`)
  await client.query(
    `CREATE TABLE IF NOT EXISTS ${quoted(table)} (${definitions.join(', ')}, PRIMARY KEY (${key.map(quoted).join(', ')})) ${storage}`,
  )
  const { rows } = await client.query<{ name: string; type: string }>(
    'SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped',
    [quoted(table)],
  )
  const there = rows.map(({ name, type }) => `${name} ${type}`).sort()
  const wanted = columns.map(([name, type]) => `${name} ${type}`).sort()
  if (there.join() === wanted.join()) return
  const message = `table ${table} has the columns ${there.join(', ')} where ${wanted.join(', ')} are wanted: map the output to another table, or drop it`
  throw new TickloomError('DATABASE_REJECTED', message, { table })
}

function typeOf(kind: Kind): string {
  if (kind === 'time') return 'timestamp with time zone'
  if (kind === 'f64') return 'double precision'
  return kind === 'i32' ? 'integer' : kind === 'bool' ? 'boolean' : 'text'
}

function arrayType(kind: Kind): string {
  if (kind === 'time' || kind === 'f64') return 'float8'
  return kind === 'i32' ? 'int4' : kind === 'bool' ? 'bool' : 'text'
}

/** A column as PostgreSQL writes an array: one text, and no value an object of its own. NaN, which is missing, is NULL. */
function arrayOf({ kind, words }: LatestColumn, column: Column, n: number, instruments: Instruments): string {
  let text = '{'
  for (let i = 0; i < n; i++) {
    if (i > 0) text += ','
    const value = column[i]
    if (kind === 'instrument') text += element(instruments.name(value))
    else if (words.length > 0) text += element(words[value] ?? null)
    else if (value === 0 && 1 / value < 0) text += '-0'
    else text += Number.isNaN(value) ? 'NULL' : value
  }
  return `${text}}`
}

function contractArray(field: ContractField, ids: Int32Array, n: number, instruments: Instruments): string {
  let text = '{'
  for (let i = 0; i < n; i++) text += `${i > 0 ? ',' : ''}${element(contractCell(instruments.contract(ids[i]), field))}`
  return `${text}}`
}

function element(value: string | number | null): string {
  return value === null ? 'NULL' : typeof value === 'number' ? String(value) : `"${value.replace(/["\\]/g, '\\$&')}"`
}
