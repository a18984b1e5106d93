import { join, resolve } from 'node:path'
import { TickloomError } from '../core/errors.ts'
import { resolveParameters } from '../core/parameters.ts'
import { runPartition, type PartitionSummary } from '../runtime/runPartition.ts'
import { runInWorkers } from '../runtime/workers.ts'
import { loadTopology } from './loadTopology.ts'
import { claimRun, identityOf, runName } from './replayIdentity.ts'
import type { ReplayOptions, ReplaySummary, ReplayWatch } from './replayOptions.ts'
import { ReplayDatabase } from './replayDatabase.ts'
import { plugReplay, type WorkerTask } from './replayPorts.ts'
import { addUp } from './replaySummary.ts'

/**
 * Replays a lake through a topology into the places named.
 *
 * The run's folder (`out`, else .tickloom/runs/<run>) keeps its checkpoints; a replay that goes nowhere keeps none.
 * Throws what the parts throw; after any failure what finished epochs wrote is whole, and `resume` goes on from it.
 */
export async function replay(options: ReplayOptions, watch: ReplayWatch = {}): Promise<ReplaySummary> {
  const topology = await loadTopology(options.topology)
  const params = resolveParameters(topology, options.params, options.preset)
  const identity = identityOf(topology, params, options)
  const run = options.run ?? runName(topology, identity)
  const kept = options.out !== undefined || options.clickhouse !== undefined
  const folder = kept ? resolve(options.out ?? join('.tickloom', 'runs', run)) : undefined
  const signal = watch.signal ?? new AbortController().signal

  const database = options.clickhouse === undefined ? undefined : new ReplayDatabase(options)
  const task: WorkerTask = { options, run, folder, memory: topology.memory }
  const here = plugReplay(task, topology, params, database?.committer)
  try {
    const partitions = await here.plugged.source.partitions()
    if (folder !== undefined) claimRun(folder, run, identity)
    await database?.begin(topology, run, options, identity)
    const meter = new ProgressMeter(partitions.reduce<number | undefined>((sum, p) => (sum === undefined || p.rows === undefined ? undefined : sum + p.rows), 0), watch)
    const start = performance.now()
    const names = partitions.map((p) => p.name)
    const count = Math.min(options.workers, names.length)
    const summaries = count > 1
      ? await runInWorkers(names, {
        entry: new URL(import.meta.url.endsWith('.ts') ? './replayWorker.ts' : './replayWorker.js', import.meta.url), count, options: task, signal,
        onProgress: (partition, rows, eventTime) => meter.at(partition, rows, eventTime),
        onRequest: (name, payload) => (database ?? nowhere()).serve(name, payload),
      })
      : await inThisProcess(names, here.plugged, signal, meter)
    for (const summary of summaries) watch.onPartition?.(summary)
    const summary = addUp({ run, topology: `${topology.name}@${topology.version}`, parameters: params, options, folder, summaries, seconds: (performance.now() - start) / 1000 })
    await database?.finish(summary)
    return summary
  } finally {
    await here.unplug()
    await database?.close()
  }
}

async function inThisProcess(partitions: readonly string[], plugged: Parameters<typeof runPartition>[0], signal: AbortSignal, meter: ProgressMeter): Promise<PartitionSummary[]> {
  const summaries: PartitionSummary[] = []
  for (const partition of partitions) {
    summaries.push(await runPartition(plugged, partition, { signal, onProgress: (rows, eventTime) => meter.at(partition, rows, eventTime) }))
  }
  return summaries
}

function nowhere(): never {
  throw new TickloomError('WORKER_DIED', 'a worker asked for a database that this replay does not have')
}

/** Adds the partitions' progress up. */
class ProgressMeter {
  readonly #rows = new Map<string, number>()
  readonly #all: number | undefined
  readonly #watch: ReplayWatch

  constructor(all: number | undefined, watch: ReplayWatch) {
    this.#all = all
    this.#watch = watch
  }

  at(partition: string, rows: number, eventTime: number): void {
    this.#rows.set(partition, rows)
    let sum = 0
    for (const n of this.#rows.values()) sum += n
    this.#watch.onProgress?.(sum, this.#all, eventTime)
  }
}
