import { setImmediate } from 'node:timers/promises'
import type { Subject, Subscription } from 'rxjs'
import { type Batch, emptyBatch, type Schema, sliceRows } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import type { Params } from '../core/parameters.ts'
import type { Position, Sink, Source } from '../core/ports.ts'
import type { Graph } from '../core/topology.ts'
import type { Checkpoint } from './checkpoint.ts'
import { EpochCutter } from './epochs.ts'
import type { Flow } from './flow.ts'
import { type Announcements, Grouping } from './grouping.ts'

/** A cache's worth of rows: longer batches are handed to the graph in pieces of this many. */
export const PIECE = 8192

/** Milliseconds after which timers, sockets and signals get their turn, though the source has more ready. */
const TURN = 25

export interface PumpTask {
  readonly topology: Graph
  readonly params: Params
  readonly flow: Flow
  readonly source: Source
  readonly partition: string
  readonly sinks: readonly Sink[]
  /** Epoch length, microseconds of event time. */
  readonly epochLength: number
  readonly resume: Checkpoint | undefined
  /** Go on from where the checkpoint stands, with steps that remember nothing. */
  readonly resetState?: boolean
  /** Where epochs may be committed together (grouping.ts); a commit an epoch otherwise. */
  readonly announcements?: Announcements
  /** Makes the checkpoint durable, after every sink has flushed the epoch. Without it none is made: copying all state takes its time. */
  readonly save?: ((checkpoint: Checkpoint) => Promise<void> | void) | undefined
  readonly signal: AbortSignal
  /** The epoch is flushed, and saved where it is. */
  onEpoch?(at: Omit<Checkpoint, 'sections'>): void
  onProgress?(rowsIn: number, eventTime: number): void
}

export interface PumpResult {
  readonly rowsIn: number
  readonly rowsOut: Readonly<Record<string, number>>
  readonly counts: Readonly<Record<string, number>>
  /** Seconds in which the loop had nothing to do but wait for the source. */
  readonly readSeconds: number
}

/**
 * The one loop, live and in replay: batches from a source, through the graph, to the sinks, epoch by epoch.
 *
 * Between two `next` calls the graph is at rest, so the end of an epoch is: take { epoch, position, state }, have the
 * sinks flush, then save what was taken. The graph works on the next epoch meanwhile; the end of that one waits.
 * When it is stopped anywhere and run again from the last checkpoint, the same epochs come out again, and sinks know
 * them by number. Ends when the source does; throws what the graph, a source or a sink throws, and TickloomError
 * INTERRUPTED on abort; in each case after the epoch that was being saved is saved or has failed.
 */
export async function pump(task: PumpTask): Promise<PumpResult> {
  // Its checkpoint holds no state any more.
  if (task.resume?.done) return { ...task.resume, readSeconds: 0 }
  const loop = new Loop(task)
  try {
    await loop.run()
    return { rowsIn: loop.rowsIn, rowsOut: loop.rowsOut, counts: countsOf(task), readSeconds: loop.readSeconds }
  } finally {
    loop.unsubscribe()
  }
}

class Loop {
  readonly #task: PumpTask
  readonly #input: Subject<Batch<Schema>>
  readonly #subscriptions: Subscription[] = []
  readonly #cutter: EpochCutter<Schema>
  #failure: unknown
  /** Ends the waiting for a source that has nothing to say when something else has failed. */
  readonly #broken = new AbortController()
  #saving: Promise<void> = Promise.resolve()
  #busy = false
  readonly #grouping: Grouping | undefined
  #rowsCommitted = 0
  #position: Position | undefined
  rowsIn: number
  readSeconds = 0
  readonly rowsOut: Record<string, number>

  constructor(task: PumpTask) {
    this.#task = task
    this.#grouping = task.announcements === undefined ? undefined : new Grouping(task.announcements)
    const { topology, flow, params, resume } = task
    const names = Object.keys(topology.inputs)
    if (names.length !== 1)
      throw new TickloomError('TOPOLOGY_INVALID', `topology ${topology.name} has the inputs ${names.join(', ')}; the log is one, merge them first`, {
        inputs: names,
      })
    const { inputs, outputs } = flow.wire(topology, params)
    this.#input = inputs[names[0]] as unknown as Subject<Batch<Schema>>
    this.rowsOut = Object.fromEntries(Object.keys(topology.outputs).map((name) => [name, resume?.rowsOut[name] ?? 0]))
    for (const name of Object.keys(topology.outputs)) this.#subscribe(name, outputs[name])
    if (resume && !task.resetState) flow.restore(resume.sections)
    this.rowsIn = resume?.rowsIn ?? 0
    this.#position = resume?.position
    this.#cutter = new EpochCutter(epochLength(task), resume?.maximum, resume?.watermark)
  }

  async run(): Promise<void> {
    const { partition, signal } = this.#task
    try {
      await this.#read()
    } catch (thrown) {
      // A source ends an aborted read with an error of its own kind; what the user needs to hear is what stopped it.
      this.#failure ??= signal.aborted && !(thrown instanceof TickloomError) ? undefined : thrown
    }
    await this.#saving
    if (this.#failure !== undefined) throw this.#failure
    if (signal.aborted) throw new TickloomError('INTERRUPTED', `stopped in partition ${partition}; its finished epochs are kept`, { partition })
    if (this.#position !== undefined) await this.#endEpoch(this.#cutter.epoch, true)
    await this.#saving
    if (this.#failure !== undefined) throw this.#failure
  }

  async #read(): Promise<void> {
    const { source, partition, signal, onProgress, resume, topology } = this.#task
    // The checkpoint may lie before the heartbeat that ended its epoch, and no position of a source stands for a heartbeat.
    if (resume) this.#feed(emptyBatch(Object.values(topology.inputs)[0], resume.watermark))
    let since = performance.now()
    let turned = since
    const stop = AbortSignal.any([signal, this.#broken.signal])
    for await (const delivery of source.open(partition, this.#position, stop)) {
      this.readSeconds += (performance.now() - since) / 1000
      await this.#cutter.cut(
        delivery.sorted ? { ...delivery.batch, inOrder: true } : delivery.batch,
        (piece) => this.#feed(piece),
        async (epoch, rows) => {
          if (rows > 0) this.#position = delivery.after(rows)
          await this.#endEpoch(epoch, false, (delivery.waiting ?? 0) + delivery.batch.n - rows)
        },
        delivery.sorted,
      )
      this.#position = delivery.after(delivery.batch.n)
      onProgress?.(this.rowsIn, this.#cutter.maximum)
      since = performance.now()
      if (since - turned > TURN) {
        await setImmediate()
        turned = since = performance.now()
      }
      if (stop.aborted) break
    }
  }

  unsubscribe(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
  }

  #subscribe(name: string, output: { subscribe(observer: object): Subscription }): void {
    const { sinks } = this.#task
    this.#subscriptions.push(
      output.subscribe({
        next: (batch: Batch<Schema>) => {
          if (batch.n === 0) return
          this.rowsOut[name] += batch.n
          // RxJS reports what an observer throws to the process, later; the pump must hear of it before it saves.
          try {
            for (const sink of sinks) sink.write(name, batch)
          } catch (thrown) {
            this.#failure ??= thrown
          }
        },
        error: (thrown: unknown) => {
          this.#failure ??= thrown
        },
      }),
    )
  }

  #feed(batch: Batch<Schema>): void {
    for (let from = 0; from + PIECE < batch.n; from += PIECE) this.#next(sliceRows(batch, from, from + PIECE, -Infinity))
    const last = batch.n - (batch.n % PIECE || (batch.n > 0 ? PIECE : 0))
    this.#next(last === 0 ? batch : sliceRows(batch, last, batch.n, batch.watermark))
    this.rowsIn += batch.n
  }

  #next(batch: Batch<Schema>): void {
    this.#input.next(batch)
    if (this.#failure !== undefined) throw this.#failure
  }

  async #endEpoch(epoch: number, done: boolean, waiting = 0): Promise<void> {
    const rows = this.rowsIn + Object.values(this.rowsOut).reduce((sum, n) => sum + n, 0)
    const how = this.#grouping?.at(epoch, this.#busy, rows - this.#rowsCommitted, waiting) ?? 'commit'
    if (how === 'go on' && !done) return
    await this.#saving
    // Sinks may hold what failed, under its own name: whoever goes on must repeat it as it was, not as part of a group.
    if (this.#failure !== undefined) throw this.#failure
    if (how === 'announce and commit') await this.#task.announcements?.announce(epoch)
    this.#rowsCommitted = rows
    this.#commit(epoch, done)
  }

  /** Takes what is to be saved, and has it saved while the graph goes on. */
  #commit(epoch: number, done: boolean): void {
    const { flow, topology, sinks, save, onEpoch } = this.#task
    const checkpoint: Checkpoint = {
      topology: `${topology.name}@${topology.version}`,
      epoch,
      done,
      position: this.#position as Position,
      maximum: this.#cutter.maximum,
      watermark: this.#cutter.watermark,
      rowsIn: this.rowsIn,
      rowsOut: { ...this.rowsOut },
      counts: countsOf(this.#task),
      sections: done || save === undefined ? [] : flow.snapshot(),
    }
    const flushed = Promise.all(sinks.map((sink) => sink.flush(epoch)))
    this.#busy = true
    this.#saving = flushed
      .then(() => save?.(checkpoint))
      .then(() => onEpoch?.(checkpoint))
      .catch((thrown: unknown) => {
        this.#failure ??= thrown
        this.#broken.abort()
      })
      .finally(() => {
        this.#busy = false
      })
  }
}

/** What the steps, and the source before them, dropped or remarked on. */
function countsOf({ flow, source, partition }: PumpTask): Record<string, number> {
  return { ...source.counts?.(partition), ...flow.counts() }
}

function epochLength({ epochLength, topology }: PumpTask): number {
  if (epochLength > 0) return epochLength
  throw new TickloomError('OPTION_INVALID', `the epoch length of ${topology.name} is ${epochLength}, not a time above zero`, { option: '--epoch' })
}
