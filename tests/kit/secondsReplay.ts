import { planOfSeconds, secondsOf } from '../../cli/replaySeconds.ts'
import { type MemoryRow, memoryDestination } from '../../connectors/memory/sink.ts'
import { parquetSource } from '../../connectors/parquet/source.ts'
import type { Instruments } from '../../core/instruments.ts'
import { Trade } from '../../core/market.ts'
import type { Params } from '../../core/parameters.ts'
import type { Source } from '../../core/ports.ts'
import { SECOND } from '../../core/time.ts'
import type { Topology } from '../../core/topology.ts'
import { runPartition } from '../../runtime/runPartition.ts'

/** A lake as `replay` plugs it to a topology that starts from seconds, from planning on; `cache`: its folder. */
export async function secondsOfLake(lake: string, params: Params, instruments: Instruments, cache?: string): Promise<Source> {
  const plan = await planOfSeconds(lake, {}, params, cache === undefined ? undefined : { dir: cache, bytes: 1e9 })
  return secondsOf(plan, parquetSource({ lake, columns: Trade, instruments, plan: plan.ticks }), params, instruments)
}

export interface Answer {
  readonly rows: Readonly<Record<string, readonly MemoryRow[]>>
  readonly counts: Readonly<Record<string, number>>
}

/** Every row of the outputs, and what was dropped, of all partitions of the source. */
export async function answerOf(
  topology: Topology,
  params: Params,
  source: Source,
  instruments: Instruments,
  outputs: readonly string[],
): Promise<Answer> {
  const destination = memoryDestination()
  const counts: Record<string, number> = {}
  const plugged = {
    topology,
    params,
    run: 'r',
    instruments,
    source,
    destinations: [destination],
    epochLength: 7 * SECOND,
    checkpoints: undefined,
    resume: false,
  }
  for (const { name } of await source.partitions()) {
    const summary = await runPartition(plugged, name, { signal: new AbortController().signal })
    for (const [reason, n] of Object.entries(summary.counts)) counts[reason] = (counts[reason] ?? 0) + n
  }
  await source.close()
  return { rows: Object.fromEntries(outputs.map((output) => [output, destination.rows(output)])), counts }
}
