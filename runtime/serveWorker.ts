import { TickloomError } from '../core/errors.ts'
import { type Plugged, runPartition } from './runPartition.ts'
import type { Watch } from './summaries.ts'
import { type FromWorker, fromFailure, type ToWorker, toFailure } from './wire.ts'

/** Asks the parent process to do what only it may. */
export type Ask = (name: string, payload: unknown) => Promise<unknown>

/** What the worker works with, and how to close it. */
export interface Equipment {
  readonly plugged: Plugged
  unplug(): Promise<void>
}

/** Milliseconds between two progress messages, at the least. */
const PROGRESS_EVERY = 100

/**
 * The life of a worker process: plugs the topology once, then runs the partitions its parent names until told to
 * stop. `plug` gets the parent's options and a way to ask it; `unplug` closes what `plug` opened.
 */
export function serveWorker<O>(plug: (options: O, ask: Ask) => Promise<Equipment>): void {
  const stop = new AbortController()
  const parent = new Parent()
  let ready: Promise<Equipment> | undefined
  let running: Promise<void> = Promise.resolve()
  const attempt = (work: Promise<FromWorker>) => {
    running = work.then(tell, (thrown: unknown) => {
      tell({ type: 'failed', failure: toFailure(thrown) })
    })
  }
  const leave = async (code: number) => {
    if (stop.signal.aborted) return
    stop.abort()
    await running
    try {
      await (await ready)?.unplug()
    } finally {
      process.exit(code)
    }
  }

  process.on('disconnect', () => {
    parent.gone()
    void leave(1)
  })
  // The terminal sends Ctrl-C to the whole group; the parent decides when a worker stops.
  process.on('SIGINT', () => {})
  process.on('message', (message: ToWorker) => {
    if (message.type === 'start') {
      ready = plug(message.options as O, parent.ask)
      attempt(ready.then(() => ({ type: 'ready' })))
    } else if (message.type === 'partition') attempt(runOne(ready as Promise<Equipment>, message.partition, stop.signal))
    else if (message.type === 'stop') void leave(0)
    else parent.answered(message)
  })
}

async function runOne(ready: Promise<Equipment>, partition: string, signal: AbortSignal): Promise<FromWorker> {
  const { plugged } = await ready
  let told = 0
  const watch: Watch = {
    signal,
    onProgress(rowsIn, eventTime) {
      if (performance.now() - told < PROGRESS_EVERY) return
      told = performance.now()
      tell({ type: 'progress', partition, rowsIn, eventTime })
    },
    onEpoch: (epoch) => tell({ type: 'epoch', epoch }),
  }
  return { type: 'done', summary: await runPartition(plugged, partition, watch) }
}

/** Requests to the parent that wait for their answers. */
class Parent {
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(reason: unknown): void }>()
  #asked = 0

  readonly ask: Ask = (name, payload) =>
    new Promise((resolve, reject) => {
      this.#waiting.set(++this.#asked, { resolve, reject })
      tell({ type: 'request', id: this.#asked, name, payload })
    })

  answered({ id, failure, value }: Extract<ToWorker, { type: 'answer' }>): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (failure) waiting?.reject(fromFailure(failure))
    else waiting?.resolve(value)
  }

  /** Nobody is left to answer; who waits must not wait for ever. */
  gone(): void {
    for (const { reject } of this.#waiting.values()) reject(new TickloomError('INTERRUPTED', 'the parent process is gone'))
    this.#waiting.clear()
  }
}

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message)
}
