import type { CacheOptions } from '../connectors/parquet/cachePlan.ts'
import type { SinkSummary } from '../runtime/meteredSink.ts'
import type { EpochSummary, PartitionSummary, StepSummary } from '../runtime/summaries.ts'
import type { Strikes } from './flags.ts'

/** A replay as the command line asks for it. Plain data: worker processes get it as it is. */
export interface ReplayOptions {
  /** Name of a topology, or path of a file, so that a worker can load it again. */
  readonly topology: string
  readonly lake: string
  readonly from?: string
  readonly to?: string
  /** Part of the day, wall clock of the market: 'HH:MM[:SS]', the end excluded. */
  readonly timeFrom?: string
  readonly timeTo?: string
  readonly symbols?: readonly string[]
  readonly strikes?: Strikes
  readonly params: readonly string[]
  readonly preset?: string
  /** Folder of the run: checkpoints and Parquet. */
  readonly out?: string
  /** Directory of an embedded database, or URL of a server. */
  readonly clickhouse?: string
  readonly database?: string
  readonly run?: string
  readonly workers: number
  readonly resume: boolean
  /** Epoch length, microseconds of event time. */
  readonly epoch: number
  readonly reader?: 'auto' | 'native' | 'duckdb'
  /** Where decoded days are kept for the next replay; decides nothing but speed, so is no part of what the run is. */
  readonly cache?: CacheOptions
  /** Read only the contracts that the topology names beforehand, where it does; not by default. */
  readonly prune?: boolean
  /** Which outputs are written; all by default. */
  readonly outputs?: readonly string[]
  /** Parquet with the columns symbol, expiry, strike and type in place of instrument. */
  readonly contractColumns?: boolean
}

export interface ReplayWatch {
  readonly signal?: AbortSignal
  /** Rows of the whole replay read so far, of how many, and the event time reached. */
  onProgress?(rowsIn: number, rowsInAll: number | undefined, eventTime: number): void
  /** At the end of each epoch of a partition: what the partition came to so far. */
  onEpoch?(epoch: EpochSummary): void
  onPartition?(summary: PartitionSummary): void
}

export interface ReplaySummary {
  readonly run: string
  readonly topology: string
  readonly parameters: Readonly<Record<string, unknown>>
  readonly partitions: readonly string[]
  readonly rowsIn: number
  /** Rows that a step dropped or remarked on, as `step/reason`. */
  readonly dropped: Readonly<Record<string, number>>
  readonly outputs: Readonly<Record<string, number>>
  /** Wall time of the reading and computing, start of processes not counted. */
  readonly seconds: number
  readonly ticksPerSecond: number
  /** Seconds spent waiting for the lake, all processes together. */
  readonly readSeconds: number
  /** Largest resident size of the largest process, bytes. */
  readonly peakMemory: number
  readonly sinks: readonly SinkSummary[]
  readonly steps: readonly StepSummary[]
  readonly out?: string
  readonly clickhouse?: string
  /** Partitions that were already done, or went on from an epoch. */
  readonly resumed: Readonly<Record<string, number>>
}
