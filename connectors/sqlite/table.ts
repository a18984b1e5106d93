import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { Column } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import type { Instruments } from '../../core/instruments.ts'
import { contractCell, type LatestColumn, type LatestTable, type NewestRows } from '../../core/latestRows.ts'
import { quoted, upsert } from '../latest/upsert.ts'

export const historyOf = (table: string): string => `${table}_history`

/** The newest row of every instrument in one table, and what each epoch had in another if a history is kept. */
export class SqliteTable {
  readonly plan: LatestTable
  readonly #latest: StatementSync
  readonly #history: StatementSync | undefined
  readonly #cells: SQLInputValue[]

  /** Makes the tables that are not there. Throws DATABASE_REJECTED where one is there with other columns. */
  constructor(database: DatabaseSync, plan: LatestTable, history: boolean) {
    this.plan = plan
    const { table, key, time, columns, contract } = plan
    const values = columns.slice(1).map(({ name }) => name)
    const row = (n: number) => `VALUES (${Array(n).fill('?').join(', ')})`
    const kept = columns.map((column) => `${quoted(column.name)} ${typeOf(column)}`)
    const contractTypes = contract.map((field) => `${quoted(field)} ${field === 'strike' ? 'REAL' : 'TEXT'}`)
    make(database, table, [kept[0], ...contractTypes, ...kept.slice(1), '"epoch" INTEGER NOT NULL'], [key.name])
    this.#latest = database.prepare(
      upsert({ table, key: [key.name], time: time.name, fixed: contract, values, rows: row(columns.length + contract.length + 1) }),
    )
    this.#cells = Array(columns.length + contract.length + 1).fill(null)
    if (!history) return
    const past = historyOf(table)
    make(database, past, [...kept, '"epoch" INTEGER NOT NULL'], [time.name, key.name])
    // The key of the history starts with the time, its columns stay in the order of the latest table's.
    const rows = row(columns.length + 1)
    this.#history = database.prepare(upsert({ table: past, key: [key.name, time.name], time: time.name, fixed: [], values, rows }))
  }

  /** Writes the rows; the caller has a transaction open. */
  write({ rows }: NewestRows, epoch: number, instruments: Instruments): void {
    const { columns, contract } = this.plan
    const cells = this.#cells
    const ids = rows.col[columns[0].from] as Int32Array
    const from = columns.map((column) => rows.col[column.from] as Column)
    for (let i = 0; i < rows.n; i++) {
      cells[0] = instruments.name(ids[i])
      this.#fillContract(instruments, ids[i])
      let at = contract.length + 1
      for (let c = 1; c < columns.length; c++) cells[at++] = cellOf(columns[c], from[c][i], instruments)
      cells[at] = epoch
      this.#latest.run(...cells)
      if (this.#history === undefined) continue
      // The same cells without those of the contract.
      for (let c = 1; c <= columns.length; c++) cells[c] = cells[c + contract.length]
      this.#history.run(...cells.slice(0, columns.length + 1))
    }
  }

  /** Behind the key. */
  #fillContract(instruments: Instruments, id: number): void {
    const contract = instruments.contract(id)
    for (const [i, field] of this.plan.contract.entries()) this.#cells[i + 1] = contractCell(contract, field)
  }
}

function make(database: DatabaseSync, table: string, columns: readonly string[], key: readonly string[]): void {
  database.exec(
    `CREATE TABLE IF NOT EXISTS ${quoted(table)} (${columns.join(', ')}, PRIMARY KEY (${key.map(quoted).join(', ')})) STRICT, WITHOUT ROWID`,
  )
  const found = database.prepare('SELECT name, type FROM pragma_table_info(?)').all(table)
  const there = found.map(({ name, type }) => `${quoted(String(name))} ${type}`).sort()
  const wanted = columns.map((column) => column.replace(' NOT NULL', '')).sort()
  if (there.join() === wanted.join()) return
  const message = `table ${table} has the columns ${there.join(', ')} where ${wanted.join(', ')} are wanted: map the output to another table, or drop it`
  throw new TickloomError('DATABASE_REJECTED', message, { table })
}

function typeOf({ kind }: LatestColumn): string {
  if (kind === 'time') return 'INTEGER NOT NULL'
  if (kind === 'f64') return 'REAL'
  return kind === 'i32' || kind === 'bool' ? 'INTEGER' : 'TEXT'
}

/** A missing f64 is NULL, which is what binding NaN gives. */
function cellOf({ kind, words }: LatestColumn, value: number, instruments: Instruments): SQLInputValue {
  if (kind === 'instrument') return instruments.name(value)
  return words.length === 0 ? value : (words[value] ?? null)
}
