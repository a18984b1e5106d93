import type { SinkSummary } from './meteredSink.ts'

export interface StepSummary {
  readonly id: string
  readonly rowsIn: number
  readonly rowsOut: number
  readonly micros: number
  readonly stateBytes: number
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
  /** After each epoch: flushed, and saved where checkpoints are kept. */
  onEpoch?(epoch: EpochSummary): void
}
