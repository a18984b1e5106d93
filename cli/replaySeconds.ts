import { readdirSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { codeDigest, readingModule } from '../connectors/parquet/cacheCode.ts'
import type { CacheOptions } from '../connectors/parquet/cachePlan.ts'
import type { ReplayFilter } from '../connectors/parquet/prune.ts'
import { planSeconds, type SecondsPlan } from '../connectors/parquet/secondsPlan.ts'
import { secondsSource } from '../connectors/parquet/secondsSource.ts'
import type { Batch } from '../core/batch.ts'
import type { Instruments } from '../core/instruments.ts'
import type { Second } from '../core/market.ts'
import { type Params, resolveParameters } from '../core/parameters.ts'
import type { Source } from '../core/ports.ts'
import type { Topology } from '../core/topology.ts'
import { nseFolder } from '../markets/nse/folder.ts'
import { outputRows } from '../runtime/outputRows.ts'
import { fromTicks, SECONDS } from '../topologies/seconds/fromTicks.ts'
import seconds from '../topologies/seconds/graph.ts'
import { loadTopology } from './loadTopology.ts'
import { warnOfCache } from './replayCache.ts'

/** What a replay runs: the topology, which may start from seconds, and its parameters with those of their making. */
export async function topologyOfReplay(options: {
  readonly topology: string
  readonly params: readonly string[]
  readonly preset?: string
}): Promise<{ topology: Topology; params: Params }> {
  const topology = await loadTopology(options.topology)
  return { topology, params: resolveParameters(fromTicks(topology), options.params, options.preset) }
}

let code: string | undefined
/** The digest of everything that makes seconds of a lake: what reads it, the graph with its operators, the calendar's tables. */
export function secondsCode(): string {
  return (code ??= codeDigest([secondsModule(), readingModule()], calendarTables()))
}

function secondsModule(): string {
  return fileURLToPath(new URL(`../topologies/seconds/graph${extname(new URL(import.meta.url).pathname)}`, import.meta.url))
}

function calendarTables(): string[] {
  return readdirSync(nseFolder)
    .filter((name) => name.endsWith('.csv'))
    .sort()
    .map((name) => join(nseFolder, name))
}

/** What a replay reads whose topology starts from seconds. */
export function planOfSeconds(lake: string, filter: ReplayFilter, params: Params, cache: CacheOptions | undefined): Promise<SecondsPlan> {
  const settings = params[SECONDS] as Readonly<Record<string, number>>
  return planSeconds(lake, filter, { code: cache === undefined ? '' : secondsCode(), settings }, cache, warnOfCache)
}

/** The seconds of a lake, whose ticks are `ticks`. */
export function secondsOf(plan: SecondsPlan, ticks: Source, params: Params, instruments: Instruments): Source {
  return secondsSource({
    plan,
    ticks,
    instruments,
    warn: warnOfCache,
    make(source, partition, signal) {
      const making = params[SECONDS] as Params
      const { batches, counts } = outputRows({ topology: seconds, params: making, output: 'seconds', source, partition, instruments, signal })
      return {
        batches: batches as AsyncGenerator<Batch<Second>, void, undefined>,
        counts: () => Object.fromEntries(Object.entries(counts()).map(([reason, rows]) => [`${SECONDS}.${reason}`, rows])),
      }
    },
  })
}
