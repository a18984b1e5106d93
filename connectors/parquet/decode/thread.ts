import { parentPort } from 'node:worker_threads'
import { type ErrorCode, messageOf, TickloomError } from '../../../core/errors.ts'
import { DayReader, type DayTask } from './dayReader.ts'
import { FREE, type SharedRows, SLOT_ROWS, SLOTS, STOP, slotsOf } from './slots.ts'
import type { Undecodable } from './tickFile.ts'

/** Told to the thread: read this day; the next one will probably be that. */
export interface ReadDay {
  readonly task: DayTask
  readonly next: DayTask | undefined
  readonly shared: SharedRows
}

/** Told by the thread, first that it can be told things; then of each day, in this order: whether the day can be decoded; rows, by slots in turn; the end. */
export type FromThread =
  | { readonly type: 'ready' }
  | { readonly type: 'opened' }
  | { readonly type: 'undecodable'; readonly file: Undecodable }
  | { readonly type: 'rows'; readonly n: number }
  | { readonly type: 'end' }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string; readonly at: Readonly<Record<string, unknown>> }

/** Two days are decoded at once while both together hold no more. */
const BYTES_AHEAD = 200e6
/** Rows of a day's first delivery: the graph need not wait for a whole slot. */
const FIRST_ROWS = 16_384

const port = parentPort
let ahead: DayReader | undefined

const tell = (message: FromThread): void => port?.postMessage(message)
port?.on('message', readDay)
tell({ type: 'ready' })

function readDay({ task, next, shared }: ReadDay): void {
  let day: DayReader | undefined
  try {
    day = dayOf(task)
    const file = day.prepare()
    if (file !== undefined) tell({ type: 'undecodable', file })
    else {
      tell({ type: 'opened' })
      if (!deliver(day, next, shared)) drop()
      tell({ type: 'end' })
    }
  } catch (cause) {
    drop()
    tell(failureOf(cause))
  } finally {
    day?.close()
  }
  lookAhead()
}

function dayOf(task: DayTask): DayReader {
  const found = ahead
  ahead = undefined
  if (found?.task.key === task.key) return found
  found?.close()
  return new DayReader(task)
}

/** Fills slots until there are no more rows; false when told to stop. */
function deliver(day: DayReader, next: DayTask | undefined, shared: SharedRows): boolean {
  const { counters } = shared
  const slots = slotsOf(shared)
  for (let turn = 0; ; turn++) {
    while (Atomics.load(counters, FREE) === 0 && Atomics.load(counters, STOP) === 0) {
      if (next !== undefined && ahead === undefined && day.bytes < BYTES_AHEAD / 2) ahead = new DayReader(next)
      if (ahead === undefined || day.bytes + ahead.bytes > BYTES_AHEAD || !lookAhead(1)) Atomics.wait(counters, FREE, 0)
    }
    if (Atomics.load(counters, STOP) !== 0) return false
    const n = day.read(slots[turn % SLOTS], Math.min(SLOT_ROWS, FIRST_ROWS * (turn + 1)))
    if (n === 0) break
    Atomics.sub(counters, FREE, 1)
    tell({ type: 'rows', n })
  }
  if (next !== undefined) ahead ??= new DayReader(next)
  return true
}

/** Prepares the next day, or some steps of it; what fails then is told when that day is asked for. */
function lookAhead(steps = Infinity): boolean {
  try {
    for (let i = 0; i < steps; i++) if (ahead?.step() !== true) return false
    return true
  } catch {
    // The same file fails again, and then somebody is there to hear of it.
    drop()
    return false
  }
}

function drop(): void {
  ahead?.close()
  ahead = undefined
}

function failureOf(cause: unknown): FromThread {
  if (cause instanceof TickloomError) return { type: 'failed', code: cause.code, message: cause.message, at: cause.at }
  return { type: 'failed', code: 'FILE_CORRUPT', message: messageOf(cause), at: {} }
}
