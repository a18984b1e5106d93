import type { Batch, Schema } from '../../core/batch.ts'
import { countsOf, LatestBuffers, type LatestDestination, type LatestOptions, latestTables, type NewestRows } from '../../core/latestRows.ts'
import type { Flushed, Sink, SinkTask } from '../../core/ports.ts'
import { newestTime } from '../latest/newest.ts'
import { type ConnectionOptions, PostgresConnection } from './connection.ts'
import { PostgresTable } from './table.ts'

export interface PostgresOptions extends LatestOptions, ConnectionOptions {
  /** Keeps what every epoch had in `<table>_history` too, for so many seconds before the newest row. */
  readonly history?: number
}

/**
 * The newest row of every instrument in PostgreSQL (11 or later): `INSERT ... ON CONFLICT`, one statement a table and
 * epoch whatever its size. Times are timestamptz, whole microseconds; what is missing is NULL.
 *
 * Guarantee: a flush is one transaction, committed when it returns. A row takes the place of one with a lower (time,
 * epoch) only, so replays, late rows and a commit that was made but not answered change nothing. While the server is
 * away, a flush asks again for `patience`, with growing pauses; what comes meanwhile is conflated.
 *
 * Throws DATABASE_REFUSED (flush again), DATABASE_REJECTED, DISK_FULL.
 */
export function postgresDestination(options: PostgresOptions): LatestDestination {
  const connection = new PostgresConnection(options)
  const buffers: LatestBuffers[] = []
  return {
    name: connection.location,
    async open(task) {
      const tables = latestTables(task.outputs, options).map((plan) => new PostgresTable(plan, options.history !== undefined))
      await connection.transaction(async (client) => {
        for (const table of tables) await table.prepare(client)
      })
      const own = new LatestBuffers(tables.map(({ plan }) => plan))
      buffers.push(own)
      return new PostgresSink(connection, tables, own, task, options)
    },
    counts: () => countsOf(buffers),
    close: () => connection.close(),
  }
}

class PostgresSink implements Sink {
  readonly #connection: PostgresConnection
  readonly #tables: readonly PostgresTable[]
  readonly #buffers: LatestBuffers
  readonly #task: SinkTask
  readonly #options: PostgresOptions

  constructor(connection: PostgresConnection, tables: readonly PostgresTable[], buffers: LatestBuffers, task: SinkTask, options: PostgresOptions) {
    this.#connection = connection
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
    const filled = this.#tables.map((table) => ({ table, newest: sealed.get(table.plan.output) as NewestRows })).filter(({ newest }) => newest.n > 0)
    if (filled.length > 0) {
      await this.#connection.transaction(async (client) => {
        for (const { table, newest } of filled) {
          await table.write(client, newest, epoch, this.#task.instruments)
          await table.forget(client, newestTime(newest, table.plan), this.#options)
        }
      })
    }
    const rows = filled.reduce((sum, { newest }) => sum + newest.n, 0)
    this.#buffers.release()
    return { rows, bytes: 0 }
  }

  async close(): Promise<void> {}
}
