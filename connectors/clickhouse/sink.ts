import { createHash } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Batch, Schema } from '../../core/batch.ts'
import { EpochBuffers } from '../../core/epochBuffers.ts'
import { TickloomError } from '../../core/errors.ts'
import type { Destination, Flushed, Sink, SinkTask } from '../../core/ports.ts'
import type { RowBuffer } from '../../core/rowBuffer.ts'
import { encodeArrow } from './arrow.ts'
import { openClickHouse } from './client.ts'
import { type Committer, type CommitterOptions, committerOf, type EpochScope } from './committer.ts'
import { inTableOrder } from './tableOrder.ts'

export interface ClickHouseSinkOptions extends CommitterOptions {
  /** A URL, or the directory of an embedded database. */
  readonly target?: string
  /** Instead of `target`: who inserts, such as one that forwards to the process owning the directory. Not closed here. */
  readonly committer?: Committer
  /** Output name to table name; an output not named goes to the table of its own name, one mapped to '' nowhere. */
  readonly tables?: Readonly<Record<string, string>>
  /**
   * A live run, which may commit several epochs as one: then more than one epoch beyond the checkpoint cannot be a
   * crash's, and writing on would write their rows twice. Opening such a partition throws RUN_EXISTS.
   */
  readonly live?: boolean
  /** Where Arrow files wait for an embedded engine; default a folder of the database's directory. */
  readonly staging?: string
}

/**
 * Writes outputs to ClickHouse: one insert a table and epoch, then the epoch's row in `epochs`.
 *
 * Guarantee: each row exactly once by (run, partition, epoch), whatever is killed when. An epoch in `epochs` is never
 * written again; one that is not there is inserted under tokens the server remembers.
 *
 * Throws CLICKHOUSE_REFUSED after the retries, CLICKHOUSE_REJECTED with the table and the server's words, DISK_FULL,
 * CLICKHOUSE_BUSY when another process owns the directory.
 */
export function clickhouseDestination(options: ClickHouseSinkOptions): Destination {
  const opened = options.committer === undefined ? openClickHouse(options.target ?? '') : undefined
  const committer = options.committer ?? committerOf(opened as NonNullable<typeof opened>, options)
  const owned = opened?.kind === 'embedded' ? join(opened.location, 'staging') : join(tmpdir(), 'tickloom-staging')
  const staging = resolve(options.staging ?? owned)
  return {
    name: `clickhouse ${committer.location}`,
    async open(task) {
      const { topology, run, partition } = task
      const tables = tablesOf(task.outputs, options.tables ?? {})
      if (committer.takes === 'files') await mkdir(staging, { recursive: true })
      await committer.prepare(Object.fromEntries(tables.map(({ table, schema }) => [table, schema])))
      const committed = new Set(await committer.committedEpochs({ topology, run, partition }))
      if (options.live) refuseForeign(task, committed, committer.location)
      return new ClickHouseSink(task, committer, tables, committed, staging)
    },
    close: async () => opened?.close(),
  }
}

function refuseForeign({ run, partition, committed: last }: SinkTask, committed: ReadonlySet<number>, location: string): void {
  const beyond = [...committed].filter((epoch) => last === undefined || epoch > last)
  if (beyond.length <= 1) return
  const known = last === undefined ? 'there is no checkpoint' : `the checkpoint stands at ${last}`
  const where = `${location} holds ${beyond.length} epochs of partition ${partition} of run ${run}, up to ${Math.max(...beyond)}`
  throw new TickloomError('RUN_EXISTS', `${where}, but ${known}: name another --run, or use the group that the run belongs to`, { run, partition })
}

interface OutputTable {
  readonly output: string
  readonly table: string
  readonly schema: Schema
}

function tablesOf(outputs: Readonly<Record<string, Schema>>, names: Readonly<Record<string, string>>): OutputTable[] {
  const tables: OutputTable[] = []
  for (const [output, schema] of Object.entries(outputs)) {
    const table = names[output] ?? output
    if (tables.some((t) => t.table === table && table !== '')) {
      throw new TickloomError('OPTION_INVALID', `two outputs go to the table ${table}`, { table })
    }
    if (table !== '') tables.push({ output, table, schema })
  }
  return tables
}

interface Pending extends OutputTable {
  readonly rows: RowBuffer<Schema>
}

class ClickHouseSink implements Sink {
  readonly #task: SinkTask
  readonly #scope: EpochScope
  readonly #committer: Committer
  readonly #tables: readonly OutputTable[]
  readonly #buffers: EpochBuffers
  readonly #committed: Set<number>
  readonly #staging: string

  constructor(task: SinkTask, committer: Committer, tables: readonly OutputTable[], committed: Set<number>, staging: string) {
    this.#task = task
    this.#scope = { topology: task.topology, run: task.run, partition: task.partition }
    this.#committer = committer
    this.#tables = tables
    this.#buffers = new EpochBuffers(Object.fromEntries(tables.map(({ output, schema }) => [output, schema])))
    this.#committed = committed
    this.#staging = staging
  }

  write(output: string, batch: Batch<Schema>): void {
    this.#buffers.append(output, batch)
  }

  async flush(epoch: number): Promise<Flushed> {
    const sealed = this.#buffers.seal(epoch)
    const full = this.#tables.map((t): Pending => ({ ...t, rows: sealed.get(t.output) as RowBuffer<Schema> })).filter((p) => p.rows.n > 0)
    const rows = Object.fromEntries(full.map((p) => [p.table, p.rows.n]))
    let bytes = 0
    if (!this.#committed.has(epoch)) {
      for (const pending of full) bytes += await this.#insert(pending, epoch)
      await this.#committer.commit({ ...this.#scope, epoch, rows })
      this.#committed.add(epoch)
    }
    // Kept until here: a flush that failed may be made again.
    this.#buffers.release()
    return { rows: Object.values(rows).reduce((sum, n) => sum + n, 0), bytes }
  }

  async close(): Promise<void> {
    this.#buffers.clear()
  }

  async #insert({ table, schema, rows }: Pending, epoch: number): Promise<number> {
    const { topology, run, partition } = this.#scope
    const token = `${topology}/${run}/${partition}/${table}/${epoch}`
    const columns = ['run_id', ...Object.keys(schema)]
    const bytes = encodeArrow(inTableOrder(rows.view(Infinity), schema, this.#task.instruments), schema, this.#task.instruments, run)
    if (this.#committer.takes === 'bytes') {
      await this.#committer.insert({ table, columns, token, body: bytes })
      return bytes.length
    }
    // One name a table and partition: what a killed process left behind is overwritten, so it never adds up.
    const name = createHash('sha256').update(`${topology}/${run}/${partition}/${table}`).digest('hex').slice(0, 24)
    const path = join(this.#staging, `${name}.arrow`)
    await stage(path, bytes)
    await this.#committer.insert({ table, columns, token, body: path })
    await rm(path, { force: true })
    return bytes.length
  }
}

async function stage(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(path, bytes)
  } catch (cause) {
    const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC'
    throw new TickloomError(full ? 'DISK_FULL' : 'OUTPUT_UNWRITABLE', `cannot write ${path}`, { path }, cause)
  }
}
