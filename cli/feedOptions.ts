import type { SyntheticOptions } from '../connectors/synthetic/options.ts'
import type { Strikes } from './flags.ts'
import type { KafkaFlags } from './kafkaFlags.ts'

/** What is fed: a lake of ticks or of recordings, or made-up markets of the same days. */
export type FeedOrigin =
  | {
      readonly kind: 'lake'
      readonly lake: string
      readonly from?: string
      readonly to?: string
      readonly symbols?: string[]
      readonly strikes?: Strikes
    }
  | { readonly kind: 'synth'; readonly symbols: readonly string[]; readonly options: Omit<SyntheticOptions, 'symbol'> }

export interface FeedRunOptions {
  readonly kafka: KafkaFlags & { readonly verbose?: boolean }
  readonly origin: FeedOrigin
  /** Part of the day, wall clock of the market, the end excluded. */
  readonly time?: { readonly from: string; readonly to: string }
  /** Wall clock that heartbeats of a day go on to at least; the NSE's bell by default. */
  readonly until?: string
  readonly topic: string
  /** Makes the topic, when it is missing, with so many. */
  readonly partitions?: number
  readonly speed: number
  readonly blocks: number
  /** Microseconds of exchange time. */
  readonly heartbeat: number
  readonly tail: number
  readonly received: boolean
}

export interface FeedWatch {
  readonly signal: AbortSignal
  say(message: string): void
  onProgress(rows: number, rowsInAll: number | undefined, eventTime: number): void
}

/** What was sent and acknowledged. */
export interface FeedSummary {
  readonly topic: string
  readonly partitions: number
  readonly days: readonly string[]
  readonly rows: number
  readonly records: number
  /** Of the records, in all partitions. */
  readonly heartbeats: number
  /** Of the records' values. */
  readonly bytes: number
  readonly seconds: number
  readonly rowsPerSecond: number
  /** Exchange time of the last row or heartbeat, microseconds; NaN: nothing was sent. */
  readonly eventTime: number
  /** Milliseconds that the latest record was sent after it was due; 0 at full speed. */
  readonly behind: number
  /** Stopped by a signal before its end. */
  readonly interrupted: boolean
}
