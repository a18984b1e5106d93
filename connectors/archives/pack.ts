import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { TickloomError } from '../../core/errors.ts'
import { probeFolder } from '../parquet/atomic.ts'
import { Claims } from './claims.ts'
import { identify } from './identity.ts'
import { type Job, planJobs } from './jobs.ts'
import { joinLedger, removeLedgerPart } from './ledgerFile.ts'
import { Manifests } from './manifestBook.ts'
import { type JobOptions, type JobSummary, PACKING, type PackOptions, type PackSummary, type PackWatch } from './packing.ts'
import { type JobWatch, packJob } from './packJob.ts'
import type { PackPool } from './pool.ts'
import type { Reason } from './reasons.ts'
import { type Begun, jobOfFile, lockLake, noteJobs, readRecords, removeRecord, removeUnnamed, unlockLake } from './records.ts'

/**
 * Packs inputs into a lake. What was packed before, and has not changed, is skipped. A day of a job appears in the lake
 * whole; a job that was interrupted is begun again and gives the same files. Throws INPUT_UNREADABLE, OPTION_INVALID,
 * LAKE_BUSY, LAKE_MANIFEST, DISK_FULL, OUTPUT_UNWRITABLE, INTERRUPTED.
 */
export async function pack(options: PackOptions, pool: PackPool, watch: PackWatch = {}): Promise<PackSummary> {
  const started = performance.now()
  const lake = resolve(options.lake)
  const identities = options.inputs.map(identify)
  probeFolder(lake)
  const left = await lockLake(lake)
  const manifests = new Manifests(lake)
  const staging = join(resolve(options.staging ?? join(lake, 'meta')), 'packing')
  let open: readonly Begun[] = left
  try {
    rmSync(staging, { recursive: true, force: true })
    mkdirSync(staging, { recursive: true })
    const records = readRecords(lake)
    const { format, mapping, volume, clean } = options
    const plan = planJobs(identities, records, { packing: PACKING, format, mapping, volume, clean })
    const unfinished = left.filter(({ job }) => !records.some((record) => record.job === job))
    const again = unfinished.filter(({ inputs }) => plan.jobs.some((job) => job.inputs.some(({ path }) => inputs.includes(path))))
    const begun = plan.jobs.map(({ id, inputs }): Begun => ({ job: id, inputs: inputs.map(({ path }) => path) }))
    open = [...unfinished.filter((job) => !again.includes(job)), ...begun]
    await noteJobs(lake, [...again, ...open])
    await forget(lake, again, plan.jobs, manifests)
    const all = [...records, ...open]
    const inputsOf = (id: string): string[] =>
      all.filter(({ job }) => job === id).flatMap(({ inputs }) => inputs.map((input) => (typeof input === 'string' ? input : input.path)))
    const claims = clean ? new Claims(manifests, plan.superseded, inputsOf) : undefined
    const results = await runJobs(plan.jobs, plan.superseded, { ...options, lake, staging }, pool, watch, { manifests, claims })
    for (const job of plan.superseded.filter((id) => !plan.jobs.some((fresh) => fresh.id === id))) {
      await manifests.commit([], ({ path }) => jobOfFile(path) === job)
      removeRecord(lake, job)
      removeLedgerPart(lake, job)
    }
    if (plan.jobs.length > 0 || left.length > 0) await joinLedger(lake, finishedIn(lake))
    open = open.filter((job) => !begun.includes(job))
    return {
      ...addUp(results),
      lake,
      inputs: identities.length,
      skipped: plan.skipped.length,
      seconds: (performance.now() - started) / 1000,
      warnings: [...plan.warnings, ...results.flatMap(({ warnings }) => warnings)],
    }
  } catch (thrown) {
    // Whoever is still writing would leave what is then nobody's.
    await pool.close()
    const finished = finishedIn(lake)
    open = open.filter(({ job }) => !finished.includes(job))
    removeUnnamed(
      lake,
      open.map(({ job }) => job),
      manifests,
    )
    throw thrown
  } finally {
    rmSync(staging, { recursive: true, force: true })
    await unlockLake(lake, open)
  }
}

function finishedIn(lake: string): string[] {
  return readRecords(lake).map(({ job }) => job)
}

/** Removes what jobs left behind that never came to their end, but for the days of those that are begun again as they were. */
async function forget(lake: string, left: readonly Begun[], fresh: readonly Job[], manifests: Manifests): Promise<void> {
  const ids = left.map(({ job }) => job)
  const others = ids.filter((id) => !fresh.some((job) => job.id === id))
  if (others.length > 0) await manifests.commit([], ({ path }) => others.includes(jobOfFile(path) ?? ''))
  removeUnnamed(lake, ids, manifests)
}

/** As many jobs at once as keep the pool busy. */
async function runJobs(
  jobs: readonly Job[],
  superseded: readonly string[],
  options: JobOptions,
  pool: PackPool,
  { signal, onProgress }: PackWatch,
  lakeState: Pick<JobWatch, 'manifests' | 'claims'>,
): Promise<JobSummary[]> {
  const queue = [...jobs]
  const results: JobSummary[] = []
  const bytesInAll = jobs.reduce((sum, job) => sum + job.inputs.reduce((bytes, { size }) => bytes + size, 0), 0)
  let [bytes, rows] = [0, 0]
  const progress = (moreBytes: number, moreRows: number): void => {
    bytes = Math.min(bytesInAll, bytes + moreBytes)
    rows += moreRows
    onProgress?.({ bytes, bytesInAll, rows })
  }
  let failed: unknown
  const stopped = (): boolean => failed !== undefined || signal?.aborted === true
  const lane = async (): Promise<void> => {
    for (let job = queue.shift(); job !== undefined && !stopped(); job = queue.shift())
      try {
        const done = await packJob(job, superseded, options, pool, { ...lakeState, progress, stopped })
        if (done !== undefined) results.push(done)
      } catch (thrown) {
        failed ??= thrown
      }
  }
  await Promise.all(Array.from({ length: pool.width }, lane))
  if (signal?.aborted) throw new TickloomError('INTERRUPTED', 'stopped; what was packed whole is kept, the same command goes on')
  if (failed !== undefined) throw failed
  return results
}

function addUp(results: readonly JobSummary[]): JobSummary {
  const sum = (of: (result: JobSummary) => number): number => results.reduce((total, result) => total + of(result), 0)
  const merged = (of: 'reasons' | 'damaged'): Partial<Record<Reason, number>> => {
    const all: Partial<Record<Reason, number>> = {}
    for (const result of results) for (const [reason, n] of Object.entries(result[of])) all[reason as Reason] = (all[reason as Reason] ?? 0) + n
    return all
  }
  return {
    days: [...new Set(results.flatMap(({ days }) => days))].sort(),
    files: sum(({ files }) => files),
    rows: sum(({ rows }) => rows),
    reasons: merged('reasons'),
    damaged: merged('damaged'),
    bytesRead: sum(({ bytesRead }) => bytesRead),
    bytesWritten: sum(({ bytesWritten }) => bytesWritten),
    warnings: results.flatMap(({ warnings }) => warnings),
  }
}
