import type { Instruments } from '../core/instruments.ts'
import type { Params } from '../core/parameters.ts'
import type { Destination, Sink, Source } from '../core/ports.ts'
import type { Graph } from '../core/topology.ts'
import type { Checkpoint } from './checkpoint.ts'
import { Flow } from './flow.ts'
import type { Announcements } from './grouping.ts'
import { MeteredSink } from './meteredSink.ts'
import { type PumpResult, pump } from './pump.ts'
import type { PartitionSummary, PartitionTotals, StepSummary, Watch } from './summaries.ts'

/** A topology and where its rows go: what all partitions of a run share. */
export interface Plan {
  readonly topology: Graph
  readonly params: Params
  readonly run: string
  readonly instruments: Instruments
  readonly destinations: readonly Destination[]
  /** Epoch length, microseconds of event time. */
  readonly epochLength: number
}

/** One partition of it: where its rows come from and where it stood. */
export interface PartitionTask {
  readonly partition: string
  readonly source: Source
  readonly resume: Checkpoint | undefined
  /** Go on from where it stood, with steps that remember nothing. */
  readonly resetState?: boolean
  /** Of a live log: the owner's number (SinkTask). */
  readonly claim?: number
  /** Where epochs may be committed together. */
  readonly announcements?: Announcements
  /** A sink that is this partition's own, under its name. */
  readonly ownSink?: readonly [name: string, sink: Sink]
  /** Makes the checkpoint durable; undefined: none is kept. */
  readonly save: ((checkpoint: Checkpoint) => Promise<void> | void) | undefined
}

/** Runs one partition until its source ends, with every destination opened for it and its sinks and steps measured. Throws what `pump` does. */
export async function drivePartition(plan: Plan, task: PartitionTask, watch: Watch): Promise<PartitionSummary> {
  const { topology, params, run, instruments, destinations, epochLength } = plan
  const { partition, source, resume, resetState, claim, announcements, ownSink } = task
  const flow = new Flow({ instruments })
  const sinks: MeteredSink[] = []
  const peak: Record<string, number> = {}
  const totalsOf = ({ rowsIn, rowsOut, counts }: Omit<PumpResult, 'readSeconds'>): PartitionTotals => {
    return { partition, rowsIn, rowsOut, counts, steps: stepsOf(flow, peak), sinks: sinks.map((s) => s.summary) }
  }
  try {
    if (!resume?.done) {
      const opening = { topology: topology.name, run, partition, outputs: topology.outputs, instruments, committed: resume?.epoch, claim }
      for (const destination of destinations) sinks.push(new MeteredSink(destination.name, await destination.open(opening)))
      if (ownSink !== undefined) sinks.push(new MeteredSink(...ownSink))
    }
    const result = await pump({
      topology,
      params,
      flow,
      source,
      partition,
      sinks,
      epochLength,
      resume,
      resetState,
      announcements,
      save: task.save,
      onEpoch(at) {
        for (const [id, bytes] of Object.entries(flow.stateBytes())) peak[id] = Math.max(peak[id] ?? 0, bytes)
        watch.onEpoch?.({ ...totalsOf(at), eventTime: at.maximum })
      },
      signal: watch.signal,
      onProgress: watch.onProgress,
    })
    return { ...totalsOf(result), readSeconds: result.readSeconds, peakMemory: process.resourceUsage().maxRSS * 1024, resumedFrom: resume?.epoch }
  } finally {
    for (const sink of sinks) await sink.close()
    flow.close()
  }
}

/** State as it was at the end of the epoch at which it was largest. */
function stepsOf(flow: Flow, bytes: Readonly<Record<string, number>>): StepSummary[] {
  return [...flow.meters].map(([id, { rowsIn, rowsOut, micros }]) => ({ id, rowsIn, rowsOut, micros, stateBytes: bytes[id] ?? 0 }))
}
