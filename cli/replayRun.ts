import { join, resolve } from 'node:path'
import { TickloomError } from '../core/errors.ts'
import type { Params } from '../core/parameters.ts'
import type { Topology } from '../core/topology.ts'
import { runPartition } from '../runtime/runPartition.ts'
import type { EpochSummary, PartitionSummary } from '../runtime/summaries.ts'
import { runInWorkers } from '../runtime/workers.ts'
import { wantedOutputs } from './outputs.ts'
import type { ReplayDatabase } from './replayDatabase.ts'
import { claimRun, identityOf, runName } from './replayIdentity.ts'
import type { ReplayOptions, ReplaySummary, ReplayWatch } from './replayOptions.ts'
import { planOf, plugReplay, type WorkerTask } from './replayPorts.ts'
import { topologyOfReplay } from './replaySeconds.ts'
import { addUp } from './replaySummary.ts'
import { version } from './version.ts'

/**
 * Replays a lake through a topology into the places named.
 *
 * The run's folder (`out`, else .tickloom/runs/<run>) keeps its checkpoints; a replay that goes nowhere keeps none.
 * Throws what the parts throw; after any failure what finished epochs wrote is whole, and `resume` goes on from it.
 */
export async function replay(options: ReplayOptions, watch: ReplayWatch = {}): Promise<ReplaySummary> {
  const { topology, params } = await topologyOfReplay(options)
  const identity = identityOf(topology, params, options)
  const run = options.run ?? runName(topology, identity)
  const kept = options.out !== undefined || options.clickhouse !== undefined
  const folder = kept ? resolve(options.out ?? join('.tickloom', 'runs', run)) : undefined

  const plan = await planOf(options, topology, params, [params], watch.signal)
  const database = await databaseOf(options)
  const task: WorkerTask = { options, run, folder, memory: topology.memory, plan }
  try {
    const made = { code: version, topology: options.topology, outputs: wantedOutputs(topology, options.outputs, '--outputs') }
    if (folder !== undefined) claimRun(folder, run, identity, made)
    await database?.begin(topology, run, options, identity)
    const meter = new ProgressMeter(plan.days, watch)
    const { summaries, seconds } =
      topology.memory === 'day' && Math.min(options.workers, plan.days.length) > 1
        ? await inWorkers(task, database, watch, meter)
        : await inThisProcess(task, topology, params, database, watch, meter)
    for (const summary of summaries) watch.onPartition?.(summary)
    const summary = addUp({ run, topology: `${topology.name}@${topology.version}`, parameters: params, options, folder, summaries, seconds })
    await database?.finish(summary)
    return summary
  } finally {
    await database?.close()
  }
}

async function databaseOf(options: ReplayOptions): Promise<ReplayDatabase | undefined> {
  if (options.clickhouse === undefined) return undefined
  const { ReplayDatabase } = await import('./replayDatabase.ts')
  return new ReplayDatabase(options)
}

interface Done {
  readonly summaries: readonly PartitionSummary[]
  readonly seconds: number
}

async function inWorkers(task: WorkerTask, database: ReplayDatabase | undefined, watch: ReplayWatch, meter: ProgressMeter): Promise<Done> {
  let start = performance.now()
  const summaries = await runInWorkers(
    task.plan.days.map((day) => day.date),
    {
      entry: new URL(import.meta.url.endsWith('.ts') ? './replayWorker.ts' : './replayWorker.js', import.meta.url),
      count: task.options.workers,
      options: task,
      signal: watch.signal ?? new AbortController().signal,
      onReady: () => {
        start = performance.now()
      },
      onProgress: (partition, rows, eventTime) => meter.at(partition, rows, eventTime),
      onEpoch: (epoch) => meter.epoch(epoch),
      onRequest: (name, payload) => (database ?? nowhere()).serve(name, payload),
    },
  )
  return { summaries, seconds: (performance.now() - start) / 1000 }
}

async function inThisProcess(
  task: WorkerTask,
  topology: Topology,
  params: Params,
  database: ReplayDatabase | undefined,
  watch: ReplayWatch,
  meter: ProgressMeter,
): Promise<Done> {
  const { plugged, unplug } = await plugReplay(task, topology, params, database?.committer)
  try {
    const start = performance.now()
    const summaries: PartitionSummary[] = []
    for (const { name } of await plugged.source.partitions()) {
      summaries.push(
        await runPartition(plugged, name, {
          signal: watch.signal ?? new AbortController().signal,
          onProgress: (rows, eventTime) => meter.at(name, rows, eventTime),
          onEpoch: (epoch) => meter.epoch(epoch),
        }),
      )
    }
    return { summaries, seconds: (performance.now() - start) / 1000 }
  } finally {
    await unplug()
  }
}

function nowhere(): never {
  throw new TickloomError('WORKER_DIED', 'a worker asked for a database that this replay does not have')
}

/** Adds the partitions' progress up. */
class ProgressMeter {
  readonly #rows = new Map<string, number>()
  readonly #all: number | undefined
  readonly #watch: ReplayWatch

  constructor(days: readonly { readonly rows: number | undefined }[], watch: ReplayWatch) {
    this.#all = days.reduce<number | undefined>((sum, day) => (sum === undefined || day.rows === undefined ? undefined : sum + day.rows), 0)
    this.#watch = watch
  }

  at(partition: string, rows: number, eventTime: number): void {
    // An epoch is saved while the graph goes on, so what it says may be older than what was said before.
    this.#rows.set(partition, Math.max(rows, this.#rows.get(partition) ?? 0))
    let sum = 0
    for (const n of this.#rows.values()) sum += n
    this.#watch.onProgress?.(sum, this.#all, eventTime)
  }

  /** Progress too: a worker's last rows may have been too soon after those before to be told. */
  epoch(epoch: EpochSummary): void {
    this.at(epoch.partition, epoch.rowsIn, epoch.eventTime)
    this.#watch.onEpoch?.(epoch)
  }
}
