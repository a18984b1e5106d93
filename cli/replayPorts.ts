import { join } from 'node:path'
import type { Committer } from '../connectors/clickhouse/committer.ts'
import { type CachedPlan, planCached } from '../connectors/parquet/cachePlan.ts'
import { writeWithContracts } from '../connectors/parquet/contractColumns.ts'
import { type Plan, planReplay, type ReplayFilter } from '../connectors/parquet/plan.ts'
import { recordedPartition } from '../connectors/parquet/recording.ts'
import type { SecondsPlan } from '../connectors/parquet/secondsPlan.ts'
import { parquetDestination } from '../connectors/parquet/sink.ts'
import { loadReader, parquetSource } from '../connectors/parquet/source.ts'
import { Instruments } from '../core/instruments.ts'
import type { Params } from '../core/parameters.ts'
import type { Destination, Source } from '../core/ports.ts'
import type { Memory, Topology } from '../core/topology.ts'
import { concat } from '../runtime/concat.ts'
import type { Plugged } from '../runtime/runPartition.ts'
import { startsFromSeconds } from '../topologies/seconds/fromTicks.ts'
import { onlyOutputs, wantedOutputs } from './outputs.ts'
import { warnOfCache } from './replayCache.ts'
import type { ReplayOptions } from './replayOptions.ts'
import { contractsRead } from './replayScout.ts'
import { planOfSeconds, secondsOf } from './replaySeconds.ts'

export type ReplayPlan = Plan | CachedPlan | SecondsPlan

/** What a worker process needs to plug the same ports as its parent. */
export interface WorkerTask {
  readonly options: ReplayOptions
  readonly run: string
  /** Folder of the run; undefined when the replay goes nowhere. */
  readonly folder: string | undefined
  readonly memory: Memory
  /** What is read, decided once for all processes. */
  readonly plan: ReplayPlan
}

/**
 * What the replay reads, day by day; with a cache, without opening the files of days that it holds. Reads no row, except
 * those of spots where the topology says by them what else is to be read, and the replay is to be pruned: then for all
 * of `sets`.
 */
export async function planOf(
  options: ReplayOptions,
  topology: Topology,
  params: Params,
  sets: readonly Params[] = [params],
  signal: AbortSignal = new AbortController().signal,
): Promise<ReplayPlan> {
  const contracts = options.prune ? await contractsRead(options, filterOf(options), topology, sets, signal) : undefined
  if (startsFromSeconds(topology)) return planOfSeconds(options.lake, filterOf(options), params, options.cache)
  const [columns] = Object.values(topology.inputs)
  const filter = { ...filterOf(options), columns, contracts }
  return options.cache === undefined ? planReplay(options.lake, filter) : planCached(options.lake, filter, options.cache, warnOfCache)
}

function filterOf({ from, to, timeFrom, timeTo, symbols, strikes }: ReplayOptions): ReplayFilter {
  return { from, to, timeFrom, timeTo, symbols, strikes }
}

/** Plugs a topology between the lake and the places that the options name. */
export async function plugReplay(
  task: WorkerTask,
  topology: Topology,
  params: Params,
  committer: Committer | undefined,
): Promise<{ plugged: Plugged; unplug(): Promise<void> }> {
  const { options, run, folder } = task
  await loadReader(task.plan, options.reader)
  const instruments = new Instruments()
  const days = daysOf(task, topology, params, instruments)
  const source = task.memory === 'day' ? days : concat(days, recordedPartition)
  const destinations: Destination[] = []
  if (options.out !== undefined && folder !== undefined)
    destinations.push(parquetDestination({ dir: folder, run, write: options.contractColumns ? writeWithContracts : undefined }))
  if (committer !== undefined && folder !== undefined) {
    // Loaded where it is wanted: its client and Arrow would lengthen every start.
    const { clickhouseDestination } = await import('../connectors/clickhouse/sink.ts')
    destinations.push(clickhouseDestination({ committer, staging: join(folder, 'staging') }))
  }
  return {
    plugged: {
      topology,
      params,
      run,
      instruments,
      source,
      destinations: destinations.map((d) => onlyOutputs(d, wantedOutputs(topology, options.outputs, '--outputs'))),
      epochLength: options.epoch,
      checkpoints: folder === undefined ? undefined : join(folder, 'checkpoints'),
      resume: options.resume,
    },
    async unplug() {
      await source.close()
      for (const destination of destinations) await destination.close()
    },
  }
}

/** The days of the lake as the topology takes them: tick by tick, or second by second. */
function daysOf({ options, plan, memory }: WorkerTask, topology: Topology, params: Params, instruments: Instruments): Source {
  const ticks = 'ticks' in plan ? plan.ticks : plan
  const source = parquetSource({
    ...filterOf(options),
    lake: options.lake,
    columns: 'ticks' in plan ? plan.ticks.columns : Object.values(topology.inputs)[0],
    instruments,
    reader: options.reader,
    // Workers take the next day that nobody has.
    inTurn: options.workers === 1 || memory === 'everything',
    plan: ticks,
    warn: warnOfCache,
  })
  return 'ticks' in plan ? secondsOf(plan, source, params, instruments) : source
}
