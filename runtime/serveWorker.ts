import { type Plugged, runPartition } from './runPartition.ts'
import { type FromWorker, fromFailure, type ToWorker, toFailure } from './wire.ts'

/** Asks the parent process to do what only it may. */
export type Ask = (name: string, payload: unknown) => Promise<unknown>

/** Progress messages a second, at the most. */
const PROGRESS_EVERY = 100

/**
 * The life of a worker process: plugs the topology once, then runs the partitions its parent names until told to
 * stop. `plug` gets the parent's options and a way to ask it; `unplug` closes what `plug` opened.
 */
export function serveWorker<O>(plug: (options: O, ask: Ask) => Promise<{ plugged: Plugged; unplug(): Promise<void> }>): void {
  const stop = new AbortController()
  const answers = new Map<number, { resolve(value: unknown): void; reject(reason: unknown): void }>()
  let asked = 0
  let ready: Promise<{ plugged: Plugged; unplug(): Promise<void> }> | undefined
  const ask: Ask = (name, payload) =>
    new Promise((resolve, reject) => {
      answers.set(++asked, { resolve, reject })
      tell({ type: 'request', id: asked, name, payload })
    })

  const leave = async (code: number) => {
    stop.abort()
    await running
    try {
      await (await ready)?.unplug()
    } finally {
      process.exit(code)
    }
  }
  let running: Promise<void> = Promise.resolve()
  const attempt = (work: Promise<FromWorker>) => {
    running = work.then(tell, (thrown: unknown) => {
      tell({ type: 'failed', failure: toFailure(thrown) })
    })
  }

  process.on('disconnect', () => {
    void leave(1)
  })
  // The terminal sends Ctrl-C to the whole group; the parent decides when a worker stops.
  process.on('SIGINT', () => {})
  process.on('message', (message: ToWorker) => {
    if (message.type === 'start') {
      ready = plug(message.options as O, ask)
      attempt(ready.then(() => ({ type: 'ready' })))
    } else if (message.type === 'partition') attempt(runOne(message.partition))
    else if (message.type === 'stop') void leave(0)
    else {
      const waiting = answers.get(message.id)
      answers.delete(message.id)
      if (message.failure) waiting?.reject(fromFailure(message.failure))
      else waiting?.resolve(message.value)
    }
  })

  async function runOne(partition: string): Promise<FromWorker> {
    const { plugged } = await (ready as Promise<{ plugged: Plugged }>)
    let told = 0
    const summary = await runPartition(plugged, partition, {
      signal: stop.signal,
      onProgress(rowsIn, eventTime) {
        if (performance.now() - told < PROGRESS_EVERY) return
        told = performance.now()
        tell({ type: 'progress', partition, rowsIn, eventTime })
      },
    })
    return { type: 'done', summary }
  }
}

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message)
}
