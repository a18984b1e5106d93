import { type ErrorCode, messageOf, TickloomError } from '../core/errors.ts'
import type { EpochSummary, PartitionSummary } from './summaries.ts'

/** What the parent tells a worker process. */
export type ToWorker =
  | { readonly type: 'start'; readonly options: unknown }
  | { readonly type: 'partition'; readonly partition: string }
  | { readonly type: 'answer'; readonly id: number; readonly value?: unknown; readonly failure?: Failure }
  | { readonly type: 'stop' }

/** What a worker process tells its parent. A request asks the parent for something that only one process may do. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly partition: string; readonly rowsIn: number; readonly eventTime: number }
  | { readonly type: 'epoch'; readonly epoch: EpochSummary }
  | { readonly type: 'done'; readonly summary: PartitionSummary }
  | { readonly type: 'failed'; readonly failure: Failure }
  | { readonly type: 'request'; readonly id: number; readonly name: string; readonly payload: unknown }

/** An error as it crosses between processes. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly at: Readonly<Record<string, unknown>>
  readonly stack: string
}

export function toFailure(thrown: unknown): Failure {
  const stack = thrown instanceof Error ? String(thrown.stack) : ''
  if (thrown instanceof TickloomError) return { code: thrown.code, message: thrown.message, at: thrown.at, stack }
  return { code: 'STEP_FAILED', message: messageOf(thrown), at: {}, stack }
}

export function fromFailure({ code, message, at, stack }: Failure): TickloomError {
  const error = new TickloomError(code, message, at)
  error.stack = stack
  return error
}
