import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Batch, Schema } from '../../core/batch.ts'
import { messageOf, TickloomError } from '../../core/errors.ts'
import { countsOf, LatestBuffers, type LatestDestination, type LatestOptions, latestTables, type NewestRows } from '../../core/latestRows.ts'
import type { Flushed, Sink, SinkTask } from '../../core/ports.ts'
import { SECOND } from '../../core/time.ts'
import { newestTime } from '../latest/newest.ts'
import { quoted } from '../latest/upsert.ts'
import { historyOf, SqliteTable } from './table.ts'

export interface SqliteOptions extends LatestOptions {
  /** The file; made if it is not there, with its folder. */
  readonly file: string
  /** Keeps what every epoch had in `<table>_history` too, for so many seconds before the newest row. */
  readonly history?: number
  /** Milliseconds to wait for another process that writes. Default 5000. */
  readonly patience?: number
}

/** Rows that one flush deletes of a history at most, so that none takes long. */
const DELETED_AT_ONCE = 5000
/** Free pages beyond which the file is made smaller, and by how many at once. */
const [SPARE_PAGES, CUT_PAGES] = [256, 256]

/**
 * The newest row of every instrument in an SQLite file: `symbol` its primary key, the columns of the output, those of
 * the contract, and the epoch that wrote it. Times are microseconds since 1970, UTC; what is missing is NULL.
 *
 * Guarantee: a flush is one transaction, on the disk when it returns. A row takes the place of one with a lower
 * (time, epoch) only, so replays and late rows change nothing. What was never flushed is lost with the process. The file
 * does not grow by updates; readers see the last flush while one is going (WAL).
 *
 * Throws DATABASE_REJECTED (no database, or other columns), DATABASE_REFUSED (locked), DISK_FULL, OUTPUT_UNWRITABLE.
 */
export function sqliteDestination(options: SqliteOptions): LatestDestination {
  let database: DatabaseSync | undefined
  const buffers: LatestBuffers[] = []
  return {
    name: `sqlite ${options.file}`,
    async open(task) {
      const plans = latestTables(task.outputs, options)
      const { DatabaseSync } = await import('node:sqlite')
      return told(options.file, () => {
        database ??= prepared(new DatabaseSync(...opening(options)))
        const own = new LatestBuffers(plans)
        buffers.push(own)
        const held = database
        return new SqliteSink(
          held,
          plans.map((plan) => new SqliteTable(held, plan, options.history !== undefined)),
          own,
          task,
          options,
        )
      })
    },
    counts: () => countsOf(buffers),
    async close() {
      database?.close()
      database = undefined
    },
  }
}

function opening({ file, patience = 5000 }: SqliteOptions): [string, { timeout: number }] {
  mkdirSync(dirname(file), { recursive: true })
  return [file, { timeout: patience }]
}

/**
 * Freed pages can be cut off only if that is said before the first table. Pages stay in memory, up to eight megabytes of
 * them (20,000 symbols have four): one that does not is read again for every row on it.
 */
function prepared(database: DatabaseSync): DatabaseSync {
  database.exec(
    'PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 500; PRAGMA journal_size_limit = 2097152',
  )
  return database
}

class SqliteSink implements Sink {
  readonly #database: DatabaseSync
  readonly #tables: readonly SqliteTable[]
  readonly #buffers: LatestBuffers
  readonly #task: SinkTask
  readonly #options: SqliteOptions

  constructor(database: DatabaseSync, tables: readonly SqliteTable[], buffers: LatestBuffers, task: SinkTask, options: SqliteOptions) {
    this.#database = database
    this.#tables = tables
    this.#buffers = buffers
    this.#task = task
    this.#options = options
  }

  write(output: string, batch: Batch<Schema>): void {
    this.#buffers.append(output, batch)
  }

  async flush(epoch: number): Promise<Flushed> {
    const sealed = this.#buffers.seal(epoch)
    let rows = 0
    for (const { plan } of this.#tables) rows += (sealed.get(plan.output) as NewestRows).n
    if (rows > 0) told(this.#options.file, () => this.#commit(sealed, epoch))
    this.#buffers.release()
    return { rows, bytes: 0 }
  }

  async close(): Promise<void> {}

  #commit(sealed: ReadonlyMap<string, NewestRows>, epoch: number): void {
    const database = this.#database
    database.exec('BEGIN IMMEDIATE')
    let freed = 0
    try {
      for (const table of this.#tables) {
        const newest = sealed.get(table.plan.output) as NewestRows
        if (newest.n === 0) continue
        table.write(newest, epoch, this.#task.instruments)
        freed += this.#forget(table, newestTime(newest, table.plan))
      }
      database.exec('COMMIT')
    } catch (thrown) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw thrown
    }
    if (freed > 0) this.#compact()
  }

  /** Deletes what is older than it is kept, counted back from the newest row and not from a clock. */
  #forget({ plan: { table, time } }: SqliteTable, newest: number): number {
    const { history, forgetAfter } = this.#options
    const at = quoted(time.name)
    let freed = 0
    if (history !== undefined) {
      const past = quoted(historyOf(table))
      const some = `SELECT max(${at}) FROM (SELECT ${at} FROM ${past} WHERE ${at} < ? ORDER BY ${at} LIMIT ${DELETED_AT_ONCE})`
      freed += Number(this.#database.prepare(`DELETE FROM ${past} WHERE ${at} <= (${some})`).run(newest - history * SECOND).changes)
    }
    if (forgetAfter !== undefined) {
      freed += Number(this.#database.prepare(`DELETE FROM ${quoted(table)} WHERE ${at} < ?`).run(newest - forgetAfter * SECOND).changes)
    }
    return freed
  }

  /** Freed pages are filled again by what comes; only many of them are cut off. */
  #compact(): void {
    const free = Number(this.#database.prepare('PRAGMA freelist_count').get()?.['freelist_count'])
    if (free > SPARE_PAGES) this.#database.exec(`PRAGMA incremental_vacuum(${CUT_PAGES})`)
  }
}

/** Does it, and says what SQLite refused in the terms of the catalogue. */
function told<T>(file: string, what: () => T): T {
  try {
    return what()
  } catch (thrown) {
    if (thrown instanceof TickloomError) throw thrown
    const { errcode = -1, code } = thrown as { errcode?: number; code?: string }
    throw new TickloomError(codeOf(errcode & 0xff, code), `${file}: ${messageOf(thrown)}`, { file }, thrown)
  }
}

/** By SQLite's primary result codes: 5 busy, 6 locked, 13 full; 8 read-only, 10 I/O, 14 cannot open. */
function codeOf(result: number, system: string | undefined): 'DATABASE_REFUSED' | 'DATABASE_REJECTED' | 'DISK_FULL' | 'OUTPUT_UNWRITABLE' {
  if (result === 5 || result === 6) return 'DATABASE_REFUSED'
  if (result === 13 || system === 'ENOSPC') return 'DISK_FULL'
  return result === 8 || result === 10 || result === 14 || /^E[A-Z0-9]+$/.test(system ?? '') ? 'OUTPUT_UNWRITABLE' : 'DATABASE_REJECTED'
}
