import { type ChildProcess, fork } from 'node:child_process'
import { TickloomError } from '../core/errors.ts'
import type { EpochSummary, PartitionSummary } from './summaries.ts'
import { type FromWorker, fromFailure, type ToWorker, toFailure } from './wire.ts'

export interface PoolOptions {
  /** Module the worker processes run: it calls `serveWorker`. */
  readonly entry: URL
  readonly count: number
  /** Handed to every worker once; must survive JSON. */
  readonly options: unknown
  readonly signal: AbortSignal
  /** Called when every worker stands ready, before the first partition is handed out. */
  onReady?(): void
  onProgress?(partition: string, rowsIn: number, eventTime: number): void
  /** After each checkpoint of a partition. */
  onEpoch?(epoch: EpochSummary): void
  /** Answers a worker's request. */
  onRequest(name: string, payload: unknown): Promise<unknown>
}

/**
 * Runs partitions in worker processes, each taking the next one when it is free.
 *
 * Processes and not threads: the native engines keep process-wide state. The first failure stops all workers, whose
 * finished epochs are kept, and is thrown; a worker that dies is WORKER_DIED naming its partition.
 */
export async function runInWorkers(partitions: readonly string[], pool: PoolOptions): Promise<PartitionSummary[]> {
  const queue = [...partitions]
  const summaries: PartitionSummary[] = []
  const workers = Array.from({ length: Math.min(pool.count, queue.length) }, () => new Worker(pool))
  const stop = () => {
    for (const worker of workers) worker.stop()
  }
  pool.signal.addEventListener('abort', stop, { once: true })
  try {
    await Promise.all(workers.map((worker) => worker.ready))
    pool.onReady?.()
    await Promise.all(
      workers.map(async (worker) => {
        for (let next = queue.shift(); next !== undefined && !pool.signal.aborted; next = queue.shift()) summaries.push(await worker.run(next))
      }),
    )
  } finally {
    pool.signal.removeEventListener('abort', stop)
    queue.length = 0
    await Promise.all(workers.map((worker) => worker.end()))
  }
  if (pool.signal.aborted) throw new TickloomError('INTERRUPTED', 'stopped; finished epochs are kept')
  return summaries.sort((a, b) => (a.partition < b.partition ? -1 : 1))
}

/** Milliseconds that a worker told to stop has before it is killed. */
const PATIENCE = 10_000

class Worker {
  readonly ready: Promise<void>
  readonly #child: ChildProcess
  readonly #pool: PoolOptions
  #partition: string | undefined
  #settle: { resolve(value: PartitionSummary | undefined): void; reject(reason: unknown): void } | undefined
  readonly #exited: Promise<void>
  #stopped = false
  #death: TickloomError | undefined

  constructor(pool: PoolOptions) {
    this.#pool = pool
    this.#child = fork(pool.entry, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' })
    this.#child.on('message', (message: FromWorker) => this.#receive(message))
    this.#exited = new Promise((resolve) => {
      const over = (how: string) => {
        this.#death = this.#endOf(how)
        this.#settle?.reject(this.#death)
        resolve()
      }
      this.#child.on('exit', (code, signal) => over(signal ?? `exit code ${code}`))
      // A process that was not even started has no exit; one that died under a message has both.
      this.#child.on('error', (cause) => {
        if (this.#child.pid === undefined) over(cause.message)
      })
    })
    this.ready = this.#wait().then(() => undefined)
    this.#send({ type: 'start', options: pool.options })
  }

  async run(partition: string): Promise<PartitionSummary> {
    this.#partition = partition
    const done = this.#wait()
    this.#send({ type: 'partition', partition })
    return (await done) as PartitionSummary
  }

  stop(): void {
    this.#stopped = true
    this.#send({ type: 'stop' })
  }

  async end(): Promise<void> {
    this.#settle = undefined
    this.stop()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE)
    await this.#exited
    clearTimeout(timer)
  }

  #endOf(how: string): TickloomError {
    if (this.#stopped) return new TickloomError('INTERRUPTED', 'stopped; finished epochs are kept')
    const partition = this.#partition
    const who = partition === undefined ? 'a worker without a partition' : `the worker of partition ${partition}`
    return new TickloomError('WORKER_DIED', `${who} ended with ${how}`, { partition })
  }

  #wait(): Promise<PartitionSummary | undefined> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      // It may have died between two partitions, when nobody waited for it.
      if (this.#death) reject(this.#death)
    })
  }

  #send(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message)
  }

  #receive(message: FromWorker): void {
    if (message.type === 'ready') this.#settle?.resolve(undefined)
    else if (message.type === 'done') this.#settle?.resolve(message.summary)
    else if (message.type === 'failed') this.#settle?.reject(fromFailure(message.failure))
    else if (message.type === 'progress') this.#pool.onProgress?.(message.partition, message.rowsIn, message.eventTime)
    else if (message.type === 'epoch') this.#pool.onEpoch?.(message.epoch)
    else {
      const { id } = message
      this.#pool.onRequest(message.name, message.payload).then(
        (value) => this.#send({ type: 'answer', id, value }),
        (thrown: unknown) => this.#send({ type: 'answer', id, failure: toFailure(thrown) }),
      )
    }
  }
}
