import { JobBoard, type JobRecord } from '../connectors/kafka/jobs.ts'
import { TickloomError } from '../core/errors.ts'
import { type Failure, fromFailure } from '../runtime/wire.ts'
import { type KafkaFlags, openKafka } from './kafkaFlags.ts'
import type { SweepJob, SweepResult } from './sweepJob.ts'
import type { Doer, Doing } from './sweepOptions.ts'
import { SweepPool } from './sweepPool.ts'
import { checkAlone } from './sweepProcesses.ts'
import type { SweepIdentity, SweepSpec } from './sweepSpec.ts'

/** A job as it lies in the topic: all that a worker of another machine needs. */
export interface PostedJob {
  readonly spec: SweepSpec
  /** What the worker must find itself to be running: the same code on the same lake. */
  readonly identity: SweepIdentity
  readonly job: SweepJob
}

/** What came of a posted job. */
export type PostedResult = { readonly result: SweepResult } | { readonly failure: Failure }

/** Partitions of the topic when it is made: so many jobs are under way at once, at most. */
const PARTITIONS = 16

/** Seconds without a result after which somebody should look whether there is a worker. */
const SILENT = 30

/**
 * Has the jobs done by whatever `sweep-worker`s take part in the group. Results that are there from an earlier call are
 * taken as they are. Throws what a job failed with, KAFKA_UNREACHABLE, INTERRUPTED.
 */
export function byWorkers(flags: KafkaFlags & { readonly jobs: string; readonly verbose?: boolean }): Doer {
  return async (doing) => {
    const driver = await openKafka(flags)
    try {
      await gather(await JobBoard.open(driver, flags.jobs, PARTITIONS), doing)
    } catch (thrown) {
      if (doing.watch.signal.aborted && !(thrown instanceof TickloomError))
        throw new TickloomError('INTERRUPTED', 'stopped; finished jobs are kept, and the workers go on with those they have', {}, thrown)
      throw thrown
    } finally {
      await driver.close()
    }
  }
}

async function gather(board: JobBoard, { sweep, identity, jobs, watch, finished, plan }: Doing): Promise<void> {
  const open = new Map(jobs.map((job) => [job.id, job]))
  let first: SweepResult | undefined
  const settle = async ({ id, value }: JobRecord, failed: (failure: Failure) => void): Promise<void> => {
    const posted = value as PostedResult | undefined
    if (posted === undefined || !open.has(id)) return
    if ('failure' in posted) return failed(posted.failure)
    open.delete(id)
    first ??= posted.result
    await finished(posted.result)
  }
  // A failure of an earlier call is tried again.
  for (const record of await board.look(watch.signal)) await settle(record, () => undefined)
  const { cache: _cache, ...spec } = sweep.spec
  await board.put([...open.values()].map((job) => ({ id: job.id, value: { spec, identity, job } satisfies PostedJob })))
  if (open.size > 0) {
    let silence = setTimeout(() => watch.onSilence?.(SILENT), SILENT * 1000)
    try {
      for await (const record of board.results(watch.signal)) {
        await settle(record, (failure) => {
          throw fromFailure(failure)
        })
        if (open.size === 0) break
        clearTimeout(silence)
        silence = setTimeout(() => watch.onSilence?.(SILENT), SILENT * 1000)
      }
    } finally {
      clearTimeout(silence)
    }
  }
  if (first === undefined || first.sets.length < 2) return
  const pool = new SweepPool(1)
  try {
    await checkAlone(first, (job) => pool.run({ ...job, spec: sweep.spec, plan: plan.planOf(job) }))
  } finally {
    await pool.close()
  }
}
