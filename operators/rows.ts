import { type Observable, type OperatorFunction, type SchedulerLike, Subject } from 'rxjs'
import type { Batch, Schema } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import type { RowBuffer } from '../core/rowBuffer.ts'
import type { Step } from '../core/step.ts'
import { EventTimeScheduler } from './eventTimeScheduler.ts'
import { type OutRowObject, type RowObject, readRow, writeRow } from './rowObjects.ts'

type Timed = Schema & { readonly ts: 'time' }
type Project<I extends Timed, O extends Timed> = (rows: Observable<RowObject<I>>, scheduler: SchedulerLike) => Observable<OutRowObject<O>>

export interface RowsOptions<I extends Timed, O extends Timed> {
  readonly input: I
  readonly output: O
  /** How far back what `project` remembers may reach, in whole microseconds of event time. */
  readonly horizon: number
}

/** `origin`: the first row's time. `known`: the last finite time seen. `settled`: how far timers fired since the last row. */
const cells = { origin: NaN, known: -Infinity, settled: -Infinity }
type Clock = typeof cells

/**
 * Opens a stream of few rows into row objects, for ordinary RxJS.
 *
 *     rows(at('calm'), { input: Signal, output: Signal, horizon: MINUTE },
 *       (signals, scheduler) => signals.pipe(debounceTime(2_000, scheduler)))
 *
 * Give the scheduler to every operator that knows of time: its clock is event time, so live and replay give the same
 * rows. It starts at the first row's time; timers due at `ts` or before fire before a row of `ts`, and those due up to
 * the watermark at a batch's end. A watermark of Infinity ends the stream: what is due within a horizon of the last
 * finite time fires, whatever the number of such batches, and no more, for an `interval` would never end.
 *
 * Rows: those `project` emits, in that order, which is the order of `ts` only if `project` makes it so; one without
 * `ts` gets the time it was emitted at. The watermark out is the one in less the horizon, because a row held back may
 * still carry its old `ts`.
 *
 * State: RxJS remembers in closures, which no checkpoint sees. Kept are the first row's time (the origin) and the rows
 * of the last one to two horizons, from the last multiple of the horizon after the origin that lies a whole horizon
 * back. A restored step calls `project` anew at that multiple, feeds it the kept rows in silence, and goes on. Rows
 * after a restart are therefore exactly those of a run without one if
 *
 * - what `project` emits depends on rows of less than `horizon` ago and on timers set less than `horizon` ago,
 * - what it repeats from its subscription on has a period that divides `horizon`, in whole milliseconds, and
 * - nothing depends on which of two timers due at one instant fires first.
 *
 * `debounceTime`, `delay` and `bufferTime` are such. `throttleTime` is if every horizon has a pause as long as its
 * duration: in an unbroken stream each opening depends on the one before, back to the first row. `scan`, `take`,
 * `distinct` and the count of an `interval` remember for ever: restarted two horizons after the origin or later, they
 * begin anew. Write those as an operator with state of its own. For one to two horizons after a row, `project`'s side
 * effects may happen again.
 *
 * Takes rows in the order of event time. Fails with STEP_FAILED when `project` does, when a row that leaves does not
 * fit `output` (columns beyond it are passed over), and when a row comes between batches, by another clock.
 */
export function rows<I extends Timed, O extends Timed>(
  step: Step,
  { input, output, horizon }: RowsOptions<I, O>,
  project: Project<I, O>,
): OperatorFunction<Batch<I>, Batch<O>> {
  if (!Number.isInteger(horizon) || horizon < 1) {
    throw new TickloomError('PARAMETER_INVALID', `${step.id}: horizon is a whole number of microseconds above 0, not ${horizon}`, { step: step.id })
  }
  const kept = step.rows('kept', { version: 1, schema: input })
  const clock: Clock = step.cells('clock', { version: 1, cells })
  const out = step.scratch(output)
  let opened: Opened<I, O> | undefined
  const open = (start: number) => new Opened(step, input, project, start)
  step.onRestore(() => {
    opened?.close()
    opened = undefined
  })

  return step.map<I, O>((batch) => {
    out.clear()
    if (!opened && Number.isFinite(clock.origin)) opened = reopen(open(startOf(clock, horizon)), kept, clock)
    if (!opened && batch.n > 0) opened = open((clock.origin = timeOf(batch, 0)))
    if (opened) {
      feed(opened, batch, clock, horizon)
      keep(kept, batch, startOf(clock, horizon))
      opened.drain((row, now) => writeRow(out, row, now, step))
    }
    return out.view(batch.watermark - horizon)
  })
}

/** The multiple of the horizon after the origin that lies at least one whole horizon back; the origin while there is none. */
function startOf({ origin, known, settled }: Clock, horizon: number): number {
  const passed = Math.floor((Math.max(known, settled) - origin) / horizon)
  return origin + Math.max(0, passed - 1) * horizon
}

/** Brings a fresh subscription to where the saved one stood, without a word. */
function reopen<I extends Timed, O extends Timed>(opened: Opened<I, O>, kept: RowBuffer<I>, clock: Clock): Opened<I, O> {
  const before = kept.view(-Infinity)
  for (let i = 0; i < before.n; i++) opened.row(before, i)
  opened.advance(clock.settled)
  opened.drain(() => {})
  return opened
}

function feed<I extends Timed, O extends Timed>(opened: Opened<I, O>, batch: Batch<I>, clock: Clock, horizon: number): void {
  for (let i = 0; i < batch.n; i++) {
    clock.known = Math.max(clock.known, timeOf(batch, i))
    clock.settled = -Infinity
    opened.row(batch, i)
  }
  if (Number.isFinite(batch.watermark)) clock.known = Math.max(clock.known, batch.watermark)
  const to = batch.watermark === Infinity ? clock.known + horizon : batch.watermark
  if (to < clock.known) return
  clock.settled = Math.max(clock.settled, to)
  opened.advance(clock.settled)
}

function keep<I extends Timed>(kept: RowBuffer<I>, batch: Batch<I>, start: number): void {
  kept.dropFirst(countBefore(kept.view(-Infinity), start))
  kept.append(batch, kept.n > 0 ? 0 : countBefore(batch, start))
}

function countBefore<I extends Timed>(batch: Batch<I>, start: number): number {
  let n = 0
  while (n < batch.n && batch.col.ts[n] < start) n++
  return n
}

function timeOf<I extends Timed>(batch: Batch<I>, i: number): number {
  const ts = batch.col.ts[i]
  if (!Number.isFinite(ts)) throw new Error(`column "ts" of row ${i}: ${ts} is no time`)
  return ts
}

/** One subscription to what `project` made, and what it emitted since it was last asked. */
class Opened<I extends Timed, O extends Timed> {
  readonly #step: Step
  readonly #input: I
  readonly #scheduler: EventTimeScheduler
  readonly #rows = new Subject<RowObject<I>>()
  readonly #subscription
  #emitted: { readonly row: unknown; readonly now: number }[] = []
  #failure: { readonly thrown: unknown } | undefined
  #working = true

  constructor(step: Step, input: I, project: Project<I, O>, start: number) {
    this.#step = step
    this.#input = input
    this.#scheduler = new EventTimeScheduler(start)
    this.#subscription = project(this.#rows.asObservable(), this.#scheduler).subscribe({
      next: (row) => this.#emit(row),
      error: (thrown: unknown) => this.#fail(thrown),
    })
    this.#check()
    this.#working = false
  }

  row(batch: Batch<I>, i: number): void {
    const row = readRow(batch, i, this.#input, this.#step.instruments)
    this.#work(() => {
      this.#scheduler.advance(batch.col.ts[i])
      this.#rows.next(row)
    })
  }

  advance(to: number): void {
    this.#work(() => this.#scheduler.advance(to))
  }

  /** Hands over what was emitted. Not done while emitting, where RxJS would take what is thrown away from the caller. */
  drain(take: (row: unknown, now: number) => void): void {
    this.#check()
    const emitted = this.#emitted
    this.#emitted = []
    for (const { row, now } of emitted) take(row, now)
  }

  close(): void {
    this.#subscription.unsubscribe()
  }

  #work(work: () => void): void {
    this.#check()
    this.#working = true
    work()
    this.#working = false
    this.#check()
  }

  #emit(row: unknown): void {
    if (this.#working) this.#emitted.push({ row, now: this.#scheduler.micros })
    else this.#fail(new Error('a row was emitted between batches: give the scheduler to every operator that knows of time'))
  }

  #fail(thrown: unknown): void {
    this.#failure ??= { thrown }
  }

  #check(): void {
    if (this.#failure) throw this.#failure.thrown
  }
}
