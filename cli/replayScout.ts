import { planCached } from '../connectors/parquet/cachePlan.ts'
import { discover } from '../connectors/parquet/layout.ts'
import { nothingPruned, type Plan, planReplay } from '../connectors/parquet/plan.ts'
import { inOrder, type ReplayFilter, wantsFile } from '../connectors/parquet/prune.ts'
import { parquetSource } from '../connectors/parquet/source.ts'
import { TickloomError } from '../core/errors.ts'
import { Instruments } from '../core/instruments.ts'
import type { Params } from '../core/parameters.ts'
import type { Topology } from '../core/topology.ts'
import { scout } from '../runtime/scout.ts'
import { startsFromSeconds } from '../topologies/seconds/fromTicks.ts'
import { warnOfCache } from './replayCache.ts'
import type { ReplayOptions } from './replayOptions.ts'

const ALWAYS = { from: -Infinity, to: Infinity }

/**
 * The contracts that a replay of a topology which names them has to read, for any of the sets of parameters: by date,
 * found from the spots of each day. Undefined where the topology names none.
 *
 * A date is left out, and so read whole, where its files are not in the order of time, since there rows decide what is
 * late that are not read any more; where it is a recording; and where it has no spot. Throws what reading a lake throws,
 * INTERRUPTED, TOPOLOGY_INVALID of a topology that names contracts and is not one of ticks and of a day.
 */
export async function contractsRead(
  options: ReplayOptions,
  filter: ReplayFilter,
  topology: Topology,
  sets: readonly Params[],
  signal: AbortSignal,
): Promise<ReplayFilter['contracts']> {
  if (!hasReads(topology)) return undefined
  const { name, memory, inputs } = topology
  if (memory !== 'day' || startsFromSeconds(topology))
    throw new TickloomError('TOPOLOGY_INVALID', `${name} has "reads", which is for a topology of ticks that remembers a day`, { topology: name })
  const ordered = inOrder(discover(options.lake).filter((file) => wantsFile(file, filter, ALWAYS) === undefined))
  const [columns] = Object.values(inputs)
  const plan = await planOfSpots(options, { ...filter, types: ['SPOT'], columns })
  const instruments = new Instruments()
  const source = parquetSource({ lake: options.lake, columns, instruments, reader: options.reader, plan, warn: warnOfCache })
  const contracts: Record<string, readonly string[]> = {}
  try {
    for (const { date, recorded } of plan.days) {
      if (signal.aborted) throw new TickloomError('INTERRUPTED', 'stopped before anything was read')
      if (recorded !== undefined || !ordered(date)) continue
      const picked = await scout({ topology, sets, source, partition: date, instruments, signal })
      if (picked !== undefined) contracts[date] = picked
    }
  } finally {
    await source.close()
  }
  return contracts
}

function hasReads(topology: Topology): topology is Topology & Required<Pick<Topology, 'reads'>> {
  return topology.reads !== undefined
}

/** What there is of spots; nothing is an answer here. */
async function planOfSpots({ lake, cache }: ReplayOptions, filter: Parameters<typeof planReplay>[1]): Promise<Plan> {
  try {
    return cache === undefined ? await planReplay(lake, filter) : await planCached(lake, filter, cache, warnOfCache)
  } catch (thrown) {
    if (!(thrown instanceof TickloomError && thrown.code === 'LAKE_EMPTY')) throw thrown
    return {
      lake,
      days: [],
      pruned: nothingPruned(),
      columns: filter.columns,
    }
  }
}
