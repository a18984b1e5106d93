import { join } from 'node:path'
import type { Instruments } from '../core/instruments.ts'
import type { Params } from '../core/parameters.ts'
import type { Destination, Flushed, Sink, Source } from '../core/ports.ts'
import type { Topology } from '../core/topology.ts'
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import { Flow } from './flow.ts'
import { type PumpResult, pump } from './pump.ts'

/** A topology with its ports plugged, in one process. */
export interface Plugged {
  readonly topology: Topology
  readonly params: Params
  readonly run: string
  readonly instruments: Instruments
  readonly source: Source
  readonly destinations: readonly Destination[]
  /** Epoch length, microseconds of event time. */
  readonly epochLength: number
  /** Folder of the checkpoints, a file a partition; undefined: none are kept. */
  readonly checkpoints: string | undefined
  /** Go on from the checkpoint; otherwise the partition starts anew and writes over what the same run wrote. */
  readonly resume: boolean
}

export interface StepSummary {
  readonly id: string
  readonly rowsIn: number
  readonly rowsOut: number
  readonly micros: number
  readonly stateBytes: number
}
export interface SinkSummary {
  readonly name: string
  readonly rows: number
  readonly bytes: number
  readonly seconds: number
}

/** What a partition came to so far. Steps and sinks: in this process; the rest: since the partition's start. */
export interface PartitionTotals {
  readonly partition: string
  readonly rowsIn: number
  readonly rowsOut: Readonly<Record<string, number>>
  readonly counts: Readonly<Record<string, number>>
  readonly steps: readonly StepSummary[]
  readonly sinks: readonly SinkSummary[]
}

export interface PartitionSummary extends PartitionTotals {
  /** Seconds spent waiting for the source: reading that the graph did not cover. */
  readonly readSeconds: number
  /** Largest resident size of the process so far, bytes. */
  readonly peakMemory: number
  /** The epoch that the run went on from, if it did. */
  readonly resumedFrom: number | undefined
}

export interface EpochSummary extends PartitionTotals {
  /** How far the partition has come: the running maximum of event time and watermark; -Infinity before the first row. */
  readonly eventTime: number
}

export interface Watch {
  readonly signal: AbortSignal
  onProgress?(rowsIn: number, eventTime: number): void
  /** After each checkpoint. */
  onEpoch?(epoch: EpochSummary): void
}

/** The checkpoint of a partition lies at `checkpoints/<partition>.ckpt`. */
export function checkpointPath(folder: string, partition: string): string {
  return join(folder, `${partition}.ckpt`)
}

/** Runs one partition to its end. Throws what pump throws; sinks are closed whatever happens. */
export async function runPartition(plugged: Plugged, partition: string, watch: Watch): Promise<PartitionSummary> {
  const { topology, params, run, instruments, source, destinations, epochLength, checkpoints } = plugged
  const path = checkpoints === undefined ? undefined : checkpointPath(checkpoints, partition)
  const resume = path !== undefined && plugged.resume ? readCheckpoint(path) : undefined
  const flow = new Flow({ instruments })
  const sinks: MeteredSink[] = []
  const peak: Record<string, number> = {}
  const totalsOf = ({ rowsIn, rowsOut, counts }: Omit<PumpResult, 'readSeconds'>): PartitionTotals => {
    return { partition, rowsIn, rowsOut, counts, steps: stepsOf(flow, peak), sinks: sinks.map((s) => s.summary) }
  }
  try {
    if (!resume?.done) {
      const task = { topology: topology.name, run, partition, outputs: topology.outputs, instruments, committed: resume?.epoch }
      for (const destination of destinations) sinks.push(new MeteredSink(destination.name, await destination.open(task)))
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
      save(checkpoint) {
        if (path !== undefined) writeCheckpoint(path, checkpoint)
        for (const [id, bytes] of Object.entries(flow.stateBytes())) peak[id] = Math.max(peak[id] ?? 0, bytes)
        watch.onEpoch?.({ ...totalsOf(checkpoint), eventTime: checkpoint.maximum })
      },
      signal: watch.signal,
      onProgress: watch.onProgress,
    })
    return { ...totalsOf(result), readSeconds: result.readSeconds, peakMemory: process.resourceUsage().maxRSS * 1024, resumedFrom: resume?.epoch }
  } finally {
    for (const sink of sinks) await sink.close()
  }
}

/** State as it was at the end of the epoch at which it was largest. */
function stepsOf(flow: Flow, bytes: Readonly<Record<string, number>>): StepSummary[] {
  return [...flow.meters].map(([id, { rowsIn, rowsOut, micros }]) => ({ id, rowsIn, rowsOut, micros, stateBytes: bytes[id] ?? 0 }))
}

/** A sink with the time and size of its flushes beside it. */
class MeteredSink implements Sink {
  readonly #name: string
  readonly #sink: Sink
  #rows = 0
  #bytes = 0
  #seconds = 0

  constructor(name: string, sink: Sink) {
    this.#name = name
    this.#sink = sink
  }

  get summary(): SinkSummary {
    return { name: this.#name, rows: this.#rows, bytes: this.#bytes, seconds: this.#seconds }
  }

  write: Sink['write'] = (output, batch) => {
    this.#sink.write(output, batch)
  }

  async flush(epoch: number): Promise<Flushed> {
    const start = performance.now()
    const flushed = await this.#sink.flush(epoch)
    this.#seconds += (performance.now() - start) / 1000
    this.#rows += flushed.rows
    this.#bytes += flushed.bytes
    return flushed
  }

  close(): Promise<void> {
    return this.#sink.close()
  }
}
