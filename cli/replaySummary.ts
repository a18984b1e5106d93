import type { Params } from '../core/parameters.ts'
import type { SinkSummary } from '../runtime/meteredSink.ts'
import type { PartitionSummary, StepSummary } from '../runtime/summaries.ts'
import type { ReplayOptions, ReplaySummary } from './replayOptions.ts'

interface Parts {
  readonly run: string
  readonly topology: string
  readonly parameters: Params
  readonly options: ReplayOptions
  readonly folder: string | undefined
  readonly summaries: readonly PartitionSummary[]
  readonly seconds: number
}

/** The partitions of a replay as one: rows, counts and times added, the size of state the largest. */
export function addUp({ run, topology, parameters, options, folder, summaries, seconds }: Parts): ReplaySummary {
  const rowsIn = summaries.reduce((sum, s) => sum + s.rowsIn, 0)
  return {
    run,
    topology,
    parameters,
    partitions: summaries.map((s) => s.partition),
    rowsIn,
    dropped: addRecords(summaries.map((s) => s.counts)),
    outputs: addRecords(summaries.map((s) => s.rowsOut)),
    seconds,
    ticksPerSecond: rowsIn / seconds,
    readSeconds: summaries.reduce((sum, s) => sum + s.readSeconds, 0),
    peakMemory: Math.max(process.resourceUsage().maxRSS * 1024, ...summaries.map((s) => s.peakMemory)),
    sinks: addSinks(summaries.flatMap((s) => s.sinks)),
    steps: addSteps(summaries.flatMap((s) => s.steps)),
    ...(options.out !== undefined && folder !== undefined ? { out: folder } : {}),
    ...(options.clickhouse !== undefined ? { clickhouse: options.clickhouse } : {}),
    resumed: Object.fromEntries(summaries.filter((s) => s.resumedFrom !== undefined).map((s) => [s.partition, s.resumedFrom as number])),
  }
}

function addRecords(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const record of records) for (const [name, n] of Object.entries(record)) sums[name] = (sums[name] ?? 0) + n
  return sums
}

function addSinks(all: readonly SinkSummary[]): SinkSummary[] {
  const sums = new Map<string, SinkSummary>()
  for (const s of all) {
    const before = sums.get(s.name) ?? { name: s.name, rows: 0, bytes: 0, seconds: 0 }
    sums.set(s.name, { name: s.name, rows: before.rows + s.rows, bytes: before.bytes + s.bytes, seconds: before.seconds + s.seconds })
  }
  return [...sums.values()]
}

function addSteps(all: readonly StepSummary[]): StepSummary[] {
  const sums = new Map<string, StepSummary>()
  for (const s of all) {
    const before = sums.get(s.id) ?? { id: s.id, rowsIn: 0, rowsOut: 0, micros: 0, stateBytes: 0 }
    sums.set(s.id, {
      id: s.id,
      rowsIn: before.rowsIn + s.rowsIn,
      rowsOut: before.rowsOut + s.rowsOut,
      micros: before.micros + s.micros,
      stateBytes: Math.max(before.stateBytes, s.stateBytes),
    })
  }
  return [...sums.values()]
}
