import { type ChildProcess, fork } from 'node:child_process'
import type { PackPool } from '../connectors/archives/pool.ts'
import type { ReadResult } from '../connectors/archives/readInput.ts'
import type { WriteResult } from '../connectors/archives/writeFolder.ts'
import { TickloomError } from '../core/errors.ts'
import { fromFailure } from '../runtime/wire.ts'
import type { FromPacker, ToPacker } from './packWorker.ts'

const entry = new URL('./packWorker.ts', import.meta.url)

type Job = { readonly task: DistributiveOmit<ToPacker, 'id'>; readonly onProgress?: (bytes: number, rows: number) => void } & {
  resolve(value: ReadResult | WriteResult): void
  reject(reason: unknown): void
}
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

/** So many processes, each taking the next task when it is free. One that dies fails its task as WORKER_DIED. */
export function processPool(count: number): PackPool {
  const queue: Job[] = []
  const workers = Array.from({ length: count }, () => new Packer(queue))
  const run = <T extends ReadResult | WriteResult>(task: Job['task'], onProgress?: Job['onProgress']): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      queue.push({ task, onProgress, resolve: resolve as Job['resolve'], reject })
      for (const worker of workers) worker.next()
    })
  return {
    width: count,
    read: (read, onProgress) => run<ReadResult>({ read }, onProgress),
    write: (write) => run<WriteResult>({ write }),
    async close() {
      for (const { reject } of queue.splice(0)) reject(new TickloomError('INTERRUPTED', 'stopped before it began'))
      await Promise.all(workers.map((worker) => worker.end()))
    },
  }
}

class Packer {
  readonly #queue: Job[]
  #child: ChildProcess | undefined
  #job: Job | undefined
  #id = 0

  constructor(queue: Job[]) {
    this.#queue = queue
  }

  next(): void {
    if (this.#job !== undefined) return
    const job = this.#queue.shift()
    if (job === undefined) return
    this.#job = job
    this.#child ??= this.#start()
    this.#child.send({ id: ++this.#id, ...job.task } as ToPacker)
  }

  async end(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await exited
  }

  #start(): ChildProcess {
    const child = fork(entry, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' })
    child.on('message', (message: FromPacker) => this.#receive(message))
    child.on('exit', (code, signal) => {
      this.#child = undefined
      const job = this.#job
      this.#job = undefined
      job?.reject(new TickloomError('WORKER_DIED', `a packing process ended with ${signal ?? `exit code ${code}`}`))
    })
    return child
  }

  #receive(message: FromPacker): void {
    const job = this.#job
    if (job === undefined || message.id !== this.#id) return
    if ('bytes' in message) {
      job.onProgress?.(message.bytes, message.rows)
      return
    }
    this.#job = undefined
    if ('failure' in message) job.reject(fromFailure(message.failure))
    else job.resolve(message.result)
    this.next()
  }
}
