import { availableParallelism } from 'node:os'
import { TickloomError } from '../core/errors.ts'
import type { SweepJob, SweepJobTask, SweepResult } from './sweepJob.ts'
import type { Doer } from './sweepOptions.ts'
import { SweepPool } from './sweepPool.ts'

export function workersOf(workers: number | undefined): number {
  return workers ?? availableParallelism()
}

/** The jobs in processes of this machine. After them, one set that shared everything with others is run alone, and must come out the same. */
export function inProcesses(workers: number | undefined): Doer {
  return async ({ sweep, plan, jobs, watch, finished, underWay }) => {
    const pool = new SweepPool(Math.min(workersOf(workers), jobs.length))
    const stop = (): void => void pool.close()
    watch.signal.addEventListener('abort', stop, { once: true })
    const task = (job: SweepJob): SweepJobTask => ({ ...job, spec: sweep.spec, plan: plan.planOf(job) })
    const run = async (job: SweepJob): Promise<SweepResult> => {
      const rows = plan.rows.get(job.date)
      return pool.run(task(job), (rowsIn) => underWay(job, rows === undefined ? 0 : Math.min(1, rowsIn / rows)))
    }
    try {
      // What finished is written in turn, each before the next.
      let written = Promise.resolve()
      let first: SweepResult | undefined
      await Promise.all(
        jobs.map(async (job) => {
          const result = await run(job)
          if (job === jobs[0]) first = result
          written = written.then(() => finished(result))
          await written
        }),
      )
      if (first !== undefined && first.sets.length > 1) await checkAlone(first, (job) => pool.run(task(job)))
    } finally {
      watch.signal.removeEventListener('abort', stop)
      await pool.close()
    }
  }
}

/**
 * A shared part that uses a parameter it does not name gives every set what the first one asked for. So the set that is
 * farthest from the first of its job is run alone. Throws TOPOLOGY_INVALID when it comes to something else.
 */
export async function checkAlone(together: SweepResult, run: (job: SweepJob) => Promise<SweepResult>): Promise<void> {
  const last = together.sets.length - 1
  const set = together.sets[last]
  const alone = await run({ id: `${together.job} set ${set} alone`, date: together.date, sets: [set] })
  const differs = alone.metrics.filter((_, k) => alone.rows[0][k] !== together.rows[last][k])
  if (differs.length === 0) return
  throw new TickloomError(
    'TOPOLOGY_INVALID',
    `set ${set} on ${together.date} came to other ${differs.join(', ')} when run alone: a sharedBy of the topology uses a parameter, or a stream, that its depends does not name`,
    { date: together.date, set },
  )
}
