import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Batch, Column, Schema } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import {
  countsOf,
  LatestBuffers,
  type LatestDestination,
  type LatestOptions,
  type LatestTable,
  latestTables,
  type NewestRows,
} from '../../core/latestRows.ts'
import type { Flushed, Sink, SinkTask } from '../../core/ports.ts'
import type { ClickHouse } from './client.ts'
import { contractColumns, literal, quoted, storedColumns } from './ddl.ts'
import { defaultRetry, type Retry, withRetry } from './failures.ts'
import { RowBinary } from './rowBinary.ts'

export interface ClickHouseLatestOptions extends LatestOptions {
  /** A URL, or the directory of an embedded database; default CLICKHOUSE_URL. */
  readonly target?: string
  /** Default `tickloom`. */
  readonly database?: string
  readonly retry?: Partial<Retry>
}

/**
 * The newest row of every instrument in ClickHouse: a ReplacingMergeTree by instrument, whose version is (time, epoch).
 *
 * Guarantee: once inserted, a row is seen until one with a higher (time, epoch) is, by whoever asks with FINAL; without
 * FINAL, rows that were replaced are seen too until they are merged away. Replays and late rows change nothing. With
 * `forgetAfter` it is the server's clock that counts, and rows go when they are merged (TTL). A history is what
 * connectors/clickhouse/sink.ts writes.
 *
 * Throws CLICKHOUSE_REFUSED after the retries, CLICKHOUSE_REJECTED, DISK_FULL, CLICKHOUSE_BUSY.
 */
export function clickhouseLatest(options: ClickHouseLatestOptions): LatestDestination {
  let opened: Promise<LatestInserts> | undefined
  const buffers: LatestBuffers[] = []
  return {
    name: 'clickhouse latest rows',
    async open(task) {
      const plans = latestTables(task.outputs, options)
      // The client brings HTTP and TLS along, so it is loaded with the first use.
      opened ??= import('./client.ts').then(({ openClickHouse }) => new LatestInserts(openClickHouse(options.target ?? ''), options))
      const inserts = await opened
      for (const plan of plans) await inserts.prepare(plan)
      const own = new LatestBuffers(plans)
      buffers.push(own)
      return new ClickHouseLatestSink(inserts, plans, own, task)
    },
    counts: () => countsOf(buffers),
    async close() {
      await (await opened)?.close()
      opened = undefined
    },
  }
}

class ClickHouseLatestSink implements Sink {
  readonly #inserts: LatestInserts
  readonly #plans: readonly LatestTable[]
  readonly #buffers: LatestBuffers
  readonly #task: SinkTask

  constructor(inserts: LatestInserts, plans: readonly LatestTable[], buffers: LatestBuffers, task: SinkTask) {
    this.#inserts = inserts
    this.#plans = plans
    this.#buffers = buffers
    this.#task = task
  }

  write(output: string, batch: Batch<Schema>): void {
    this.#buffers.append(output, batch)
  }

  async flush(epoch: number): Promise<Flushed> {
    const sealed = this.#buffers.seal(epoch)
    const sum = { rows: 0, bytes: 0 }
    for (const plan of this.#plans) {
      const newest = sealed.get(plan.output) as NewestRows
      if (newest.n === 0) continue
      sum.bytes += await this.#inserts.insert(plan, newest, epoch, this.#task)
      sum.rows += newest.n
    }
    this.#buffers.release()
    return sum
  }

  async close(): Promise<void> {}
}

/** One insert at a time, through one buffer. */
class LatestInserts {
  readonly #clickhouse: ClickHouse
  readonly #database: string
  readonly #forgetAfter: number | undefined
  readonly #retry: Retry
  readonly #rows = new RowBinary()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(clickhouse: ClickHouse, { database = 'tickloom', forgetAfter, retry }: ClickHouseLatestOptions) {
    this.#clickhouse = clickhouse
    this.#database = database
    this.#forgetAfter = forgetAfter
    this.#retry = { ...defaultRetry, ...retry }
  }

  async prepare(plan: LatestTable): Promise<void> {
    const { client, location } = this.#clickhouse
    const { table } = plan
    const asked = <T>(call: () => Promise<T>) => withRetry(this.#retry, { location, table }, call)
    await asked(() => client.command({ query: `CREATE DATABASE IF NOT EXISTS ${quoted(this.#database)}` }))
    await asked(() => client.command({ query: latestDdl(plan, this.#database, this.#forgetAfter) }))
    const query = `SELECT name, type FROM system.columns WHERE database = ${literal(this.#database)} AND table = ${literal(table)} AND default_kind = '' ORDER BY position`
    const there = await asked(async () => (await client.query({ query, format: 'JSONCompactEachRow' })).json<[string, string]>())
    const wanted = [...plan.columns.map((column) => [column.name, typeOf(plan, column.name)]), ['epoch', 'UInt64']]
    if (JSON.stringify(there) === JSON.stringify(wanted)) return
    const message = `table ${table} has the columns ${there.map((c) => c.join(' ')).join(', ')} where ${wanted.map((c) => c.join(' ')).join(', ')} are wanted`
    throw new TickloomError('CLICKHOUSE_REJECTED', `${message}: map the output to another table, or drop it`, { table })
  }

  insert(plan: LatestTable, newest: NewestRows, epoch: number, task: SinkTask): Promise<number> {
    const mine = this.#turn.then(() => this.#insert(plan, newest, epoch, task))
    this.#turn = mine.catch(() => {})
    return mine
  }

  async close(): Promise<void> {
    await this.#turn
    await this.#clickhouse.close()
  }

  async #insert(plan: LatestTable, { rows }: NewestRows, epoch: number, { instruments }: SinkTask): Promise<number> {
    const { table, columns } = plan
    const types = columns.map(({ name }) => typeOf(plan, name))
    const from = columns.map((column) => rows.col[column.from] as Column)
    const bytes = this.#rows.encode(columns, types, from, rows.n, epoch, instruments)
    const names = [...columns.map(({ name }) => quoted(name)), 'epoch'].join(', ')
    const into = `INSERT INTO ${quoted(this.#database)}.${quoted(table)} (${names})`
    await withRetry(this.#retry, { location: this.#clickhouse.location, table }, () => this.#send(into, names, table, bytes))
    return bytes.length
  }

  async #send(into: string, names: string, table: string, bytes: Uint8Array): Promise<void> {
    const { kind, client, location } = this.#clickhouse
    if (kind === 'server') {
      // Neither a queue of small inserts nor a shard's spool may stand between the answer and the rows; versions make tokens needless.
      const query = `${into} SETTINGS insert_deduplicate = 0, async_insert = 0, distributed_foreground_insert = 1 FORMAT RowBinaryWithNamesAndTypes`
      const { stream } = await client.exec({ query, values: Readable.from([bytes], { objectMode: false }) })
      for await (const _ of stream) {
        /* the answer is empty; read to its end it frees the connection, broken off it throws */
      }
      return
    }
    // The embedded engine takes no body; one file a table, written over each time.
    const staging = join(location, 'staging')
    mkdirSync(staging, { recursive: true })
    const path = join(staging, `latest-${encodeURIComponent(table)}`)
    writeFileSync(path, bytes)
    await client.command({ query: `${into} SELECT ${names} FROM file(${literal(path)}, 'RowBinaryWithNamesAndTypes')` })
    rmSync(path, { force: true })
  }
}

/** The instrument is a key, of which there are as many as rows: a dictionary would only cost. */
function typeOf({ key, columns }: Pick<LatestTable, 'key' | 'columns'>, name: string): string {
  if (name === key.name) return 'String'
  return storedColumns(Object.fromEntries(columns.map((column) => [column.name, column.kind])))[name]
}

function latestDdl(plan: LatestTable, database: string, forgetAfter?: number): string {
  const { table, key, time, columns, contract } = plan
  const stored = columns.map(({ name }) => `${quoted(name)} ${typeOf(plan, name)}`)
  const named = contract.map((field) => `${quoted(field)} ${contractColumns[field].replaceAll('instrument', quoted(key.name))}`)
  const version = `bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Micro(${quoted(time.name)})), 64), toUInt128(epoch))`
  const ttl = forgetAfter === undefined ? '' : ` TTL toDateTime(${quoted(time.name)}) + INTERVAL ${Math.ceil(forgetAfter)} SECOND`
  return `CREATE TABLE IF NOT EXISTS ${quoted(database)}.${quoted(table)}
    (${[...stored, 'epoch UInt64', `version UInt128 MATERIALIZED ${version}`, ...named].join(', ')})
    ENGINE = ReplacingMergeTree(version) ORDER BY ${quoted(key.name)}${ttl} SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`
}
