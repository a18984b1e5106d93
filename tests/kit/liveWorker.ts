import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { main } from './commandLine.ts'

/** A line of a worker's log: fields of the event, and the message. */
export type Logged = Readonly<Record<string, unknown>> & { readonly msg: string }

/** How a process ended, and after how many seconds since it was told to. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly took: number
}

const running = new Set<LiveWorker>()
process.on('exit', () => {
  for (const worker of running) worker.signal('SIGKILL')
})

/** `tickloom live` in a process, and a process group, of its own. */
export class LiveWorker {
  readonly log: Logged[] = []
  readonly ended: Promise<Omit<Ended, 'took'>>
  readonly #child: ChildProcess
  #rest = ''
  #over = false

  constructor(args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(process.execPath, [main, 'live', ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
      env: { ...process.env, NODE_NO_WARNINGS: '1', ...env },
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#hear(chunk.toString()))
    running.add(this)
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => {
        this.#over = true
        running.delete(this)
        resolve({ code, signal })
      })
    })
  }

  /** What it restored: the epoch that each partition went on after, undefined where there was no checkpoint. */
  restored(): { partition: string; epoch: number | undefined }[] {
    return this.log
      .filter(({ type }) => type === 'restored')
      .map(({ partition, epoch }) => ({ partition: String(partition), epoch: epoch as number }))
  }

  /** The partitions it was told are its own, the last time it was told. */
  assigned(): readonly string[] {
    return (this.log.findLast(({ msg }) => msg.startsWith('partitions here'))?.['partitions'] as string[] | undefined) ?? []
  }

  /** Waits until `is`. Throws with its last words when it ends before, or after so many seconds. */
  async until(what: string, is: (worker: this) => boolean | Promise<boolean>, seconds = 60): Promise<void> {
    for (const end = performance.now() + seconds * 1000; !(await is(this)); await sleep(50)) {
      if (this.#over) throw new Error(`the worker ended before this came: ${what}\n${this.lastWords()}`)
      if (performance.now() > end) throw new Error(`it never came to this: ${what}\n${this.lastWords()}`)
    }
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#over) process.kill(-(this.#child.pid as number), signal)
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.ended
  }

  async terminate(): Promise<Ended> {
    const told = performance.now()
    this.signal('SIGTERM')
    const ended = await this.ended
    return { ...ended, took: (performance.now() - told) / 1000 }
  }

  lastWords(): string {
    return this.log
      .slice(-12)
      .map((line) => JSON.stringify(line))
      .join('\n')
  }

  #hear(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() as string
    for (const line of lines) this.log.push(line.startsWith('{') ? (JSON.parse(line) as Logged) : { msg: line })
  }
}

/** kill -9 to every worker that this test file started. */
export async function killWorkers(): Promise<void> {
  await Promise.all([...running].map((worker) => worker.kill()))
}
