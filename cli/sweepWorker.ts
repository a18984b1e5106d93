import { type Failure, toFailure } from '../runtime/wire.ts'
import { runSweepJob, type SweepJobTask, type SweepResult } from './sweepJob.ts'

/** What a sweeping process answers to a task. */
export type FromSweeper = { readonly rowsIn: number } | { readonly result: SweepResult } | { readonly failure: Failure } | { readonly ready: true }

/** Milliseconds between two reports of progress. */
const EVERY = 100

// Module that the processes of a sweep run: one job after the other, as the parent names them.
if (process.send !== undefined) {
  const stop = new AbortController()
  // The terminal sends Ctrl-C to the whole group; the parent decides when a worker stops.
  process.on('SIGINT', () => {})
  process.on('disconnect', () => process.exit(1))
  const tell = (message: FromSweeper): void => {
    if (process.connected) process.send?.(message)
  }
  process.on('message', (task: SweepJobTask) => {
    let told = performance.now()
    const onProgress = (rowsIn: number): void => {
      if (performance.now() - told < EVERY) return
      told = performance.now()
      tell({ rowsIn })
    }
    runSweepJob(task, { signal: stop.signal, onProgress }).then(
      (result) => tell({ result }),
      (thrown: unknown) => tell({ failure: toFailure(thrown) }),
    )
  })
  tell({ ready: true })
}
