import { type ClickHouse, isServer, openClickHouse } from '../connectors/clickhouse/client.ts'
import { type Committer, committerOf } from '../connectors/clickhouse/committer.ts'
import { type GapRow, recordGap } from '../connectors/clickhouse/gaps.ts'
import { type RunRow, recordedParameters, recordRun } from '../connectors/clickhouse/runs.ts'
import { messageOf, TickloomError } from '../core/errors.ts'
import type { Topology } from '../core/topology.ts'
import type { Ask } from '../runtime/serveWorker.ts'
import type { Identity } from './replayIdentity.ts'
import type { ReplayOptions, ReplaySummary } from './replayOptions.ts'
import { version } from './version.ts'

const BY_DEFAULT = 'tickloom'

/** The database of a run, in the process that owns it. */
export class ReplayDatabase {
  readonly committer: Committer
  readonly #clickhouse: ClickHouse
  readonly #database: string
  #row: RunRow | undefined
  #finished = false

  constructor(options: Pick<ReplayOptions, 'clickhouse' | 'database'>) {
    this.#database = options.database ?? BY_DEFAULT
    this.#clickhouse = openClickHouse(options.clickhouse as string)
    this.committer = committerOf(this.#clickhouse, { database: this.#database })
  }

  /** Records that the run goes on. Throws RUN_MISMATCH when a run of that name was made with other settings. */
  async begin(topology: Topology, run: string, options: Pick<ReplayOptions, 'lake' | 'from' | 'to'>, identity: Identity): Promise<void> {
    await this.committer.prepare({})
    const parameters = JSON.stringify(identity)
    const before = await recordedParameters(this.#clickhouse, this.#database, run)
    if (before !== undefined && before !== parameters) {
      throw new TickloomError('RUN_MISMATCH', `${this.#clickhouse.location} holds a run ${run} made with other settings: ${before}`, { run })
    }
    this.#row = {
      run,
      topology: topology.name,
      version: topology.version,
      parameters,
      lake: options.lake,
      from: options.from ?? '',
      to: options.to ?? '',
      started: new Date(),
      finished: undefined,
      status: 'running',
      rowsIn: 0,
      rowsOut: 0,
      code: version,
    }
    await recordRun(this.#clickhouse, this.#database, this.#row)
  }

  /** Records how the run stands now that this process is done with it. */
  async finish(summary: Pick<ReplaySummary, 'outputs' | 'rowsIn'>): Promise<void> {
    const rowsOut = Object.values(summary.outputs).reduce((sum, n) => sum + n, 0)
    await recordRun(this.#clickhouse, this.#database, {
      ...(this.#row as RunRow),
      finished: new Date(),
      status: 'done',
      rowsIn: summary.rowsIn,
      rowsOut,
    })
    this.#finished = true
  }

  /** Writes a gap of a live run, or its end. */
  recordGap(gap: Omit<GapRow, 'run' | 'topology'>): Promise<void> {
    const { run, topology } = this.#row as RunRow
    return recordGap(this.#clickhouse, this.#database, { ...gap, run, topology })
  }

  /** Does for a worker process what only the owner of the directory can. */
  serve(name: string, payload: unknown): Promise<unknown> {
    const served = this.committer as unknown as Record<string, (payload: unknown) => Promise<unknown>>
    return served[name](payload)
  }

  /** Closes the database. A run that was begun and is not finished by now has failed, and is recorded so. */
  async close(): Promise<void> {
    try {
      if (this.#row !== undefined && !this.#finished)
        await recordRun(this.#clickhouse, this.#database, { ...this.#row, finished: new Date(), status: 'failed' })
    } catch (thrown) {
      // Why the run failed is what its caller is about to be told; that the database is away may be the same reason.
      process.stderr.write(`tickloom: that run ${this.#row?.run} failed could not be recorded: ${messageOf(thrown)}\n`)
    } finally {
      await this.#clickhouse.close()
    }
  }
}

/** A worker's way into the database: its own connection to a server, or through the parent that owns the directory. */
export function workerCommitter(options: ReplayOptions, ask: Ask): Committer | undefined {
  if (options.clickhouse === undefined) return undefined
  if (isServer(options.clickhouse)) return committerOf(openClickHouse(options.clickhouse), { database: options.database ?? BY_DEFAULT })
  return {
    location: options.clickhouse,
    takes: 'files',
    prepare: async (tables) => {
      await ask('prepare', tables)
    },
    insert: async (insert) => {
      await ask('insert', insert)
    },
    commit: async (epoch) => {
      await ask('commit', epoch)
    },
    committedEpochs: async (scope) => (await ask('committedEpochs', scope)) as number[],
  }
}
