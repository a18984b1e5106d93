import type { EpochSummary } from './summaries.ts'

/** What happens to a live run, for logs, metrics and health. Times are microseconds; `took` milliseconds. */
export type LiveEvent =
  | { readonly type: 'assigned'; readonly partitions: readonly string[] }
  | {
      readonly type: 'restored'
      readonly partition: string
      /** Undefined: there was no checkpoint. */
      readonly epoch: number | undefined
      readonly bytes: number
      readonly took: number
      /** The topology that wrote the checkpoint, when it is another version than this. */
      readonly upgradedFrom?: string
      readonly reset: boolean
    }
  | { readonly type: 'released'; readonly partition: string }
  | {
      readonly type: 'saved'
      readonly partition: string
      readonly epoch: number
      readonly full: boolean
      readonly bytes: number
      readonly took: number
    }
  | { readonly type: 'failed'; readonly partition: string; readonly failure: unknown; readonly retryIn: number }
  /** The group was lost, with all partitions. */
  | { readonly type: 'left'; readonly failure: unknown; readonly retryIn: number }
  | { readonly type: 'silent'; readonly gap: Gap }
  | { readonly type: 'heard'; readonly gap: Gap }

/** A time in which a feed said nothing, not even a heartbeat, though it should have. Event time. */
export interface Gap {
  readonly partition: string
  readonly from: number
  /** Undefined while it lasts. */
  readonly to: number | undefined
  /** Names of those that the partition had delivered until then. */
  readonly instruments: readonly string[]
}

export interface LiveWatch {
  readonly signal: AbortSignal
  onEvent?(event: LiveEvent): void
  onEpoch?(epoch: EpochSummary): void
  onProgress?(partition: string, rowsIn: number, eventTime: number): void
}
