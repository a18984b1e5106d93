import { type ChildProcess, fork } from 'node:child_process'
import { TickloomError } from '../core/errors.ts'
import { fromFailure } from '../runtime/wire.ts'
import type { SweepJobTask, SweepResult } from './sweepJob.ts'
import type { FromSweeper } from './sweepWorker.ts'

const entry = new URL(import.meta.url.endsWith('.ts') ? './sweepWorker.ts' : './sweepWorker.js', import.meta.url)

interface Waiting {
  readonly task: SweepJobTask
  readonly onProgress?: (rowsIn: number) => void
  resolve(result: SweepResult): void
  reject(reason: unknown): void
}

/**
 * So many processes, each taking the next job when it is free. Processes and not threads: the native engines keep
 * process-wide state, and whoever owns the pool stays awake for Kafka and the terminal. One that dies fails its job as
 * WORKER_DIED; the next job gets a new one.
 */
export class SweepPool {
  readonly #queue: Waiting[] = []
  readonly #workers: Sweeper[]

  constructor(count: number) {
    this.#workers = Array.from({ length: count }, () => new Sweeper(this.#queue))
  }

  /** Resolves when every process stands ready. */
  async ready(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.ready()))
  }

  run(task: SweepJobTask, onProgress?: (rowsIn: number) => void): Promise<SweepResult> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ task, onProgress, resolve, reject })
      for (const worker of this.#workers) worker.next()
    })
  }

  /** Ends everything at once; jobs that were not done fail as INTERRUPTED. Nothing of them is left, so nothing is lost. */
  async close(): Promise<void> {
    for (const { reject } of this.#queue.splice(0)) reject(new TickloomError('INTERRUPTED', 'stopped; finished jobs are kept'))
    await Promise.all(this.#workers.map((worker) => worker.end()))
  }
}

class Sweeper {
  readonly #queue: Waiting[]
  #child: ChildProcess | undefined
  #job: Waiting | undefined
  #ending = false
  #ready = Promise.withResolvers<void>()

  constructor(queue: Waiting[]) {
    this.#queue = queue
  }

  ready(): Promise<void> {
    this.#child ??= this.#start()
    return this.#ready.promise
  }

  next(): void {
    if (this.#job !== undefined || this.#ending) return
    this.#job = this.#queue.shift()
    if (this.#job === undefined) return
    this.#child ??= this.#start()
    this.#child.send(this.#job.task)
  }

  async end(): Promise<void> {
    this.#ending = true
    const child = this.#child
    if (child === undefined) return
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await exited
  }

  #start(): ChildProcess {
    this.#ready = Promise.withResolvers<void>()
    // Whoever does not wait for it learns of the death by his job.
    this.#ready.promise.catch(() => undefined)
    const child = fork(entry, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' })
    let over = false
    const died = (how: string): void => {
      if (over) return
      over = true
      this.#child = undefined
      const failure = this.#ending
        ? new TickloomError('INTERRUPTED', 'stopped; finished jobs are kept')
        : new TickloomError('WORKER_DIED', `the process of ${this.#job?.task.id ?? 'no job'} ended with ${how}`, { job: this.#job?.task.id })
      this.#ready.reject(failure)
      this.#done()?.reject(failure)
      this.next()
    }
    child.on('message', (message: FromSweeper) => this.#receive(message))
    child.on('exit', (code, signal) => died(signal ?? `exit code ${code}`))
    // A process that was not even started has no exit; one that died under a message has both.
    child.on('error', (cause) => {
      if (child.pid === undefined) died(cause.message)
    })
    return child
  }

  #receive(message: FromSweeper): void {
    if ('ready' in message) this.#ready.resolve()
    else if ('rowsIn' in message) this.#job?.onProgress?.(message.rowsIn)
    else {
      const job = this.#done()
      if ('result' in message) job?.resolve(message.result)
      else job?.reject(fromFailure(message.failure))
      this.next()
    }
  }

  #done(): Waiting | undefined {
    const job = this.#job
    this.#job = undefined
    return job
  }
}
