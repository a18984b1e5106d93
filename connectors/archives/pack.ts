import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { TickloomError } from '../../core/errors.ts'
import { probeFolder } from '../parquet/atomic.ts'
import { identify } from './identity.ts'
import { type Job, planJobs } from './jobs.ts'
import { joinLedger, removeLedgerPart } from './ledgerFile.ts'
import { type JobOptions, type JobSummary, PACKING, type PackOptions, type PackSummary, type PackWatch } from './packing.ts'
import { packJob } from './packJob.ts'
import type { PackPool } from './pool.ts'
import type { Reason } from './reasons.ts'
import { commitFiles, jobOfFile, lockLake, readRecords, removeLeftovers, removeRecord, unlockLake } from './records.ts'

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
  const staging = join(resolve(options.staging ?? join(lake, 'meta')), 'packing')
  try {
    rmSync(staging, { recursive: true, force: true })
    mkdirSync(staging, { recursive: true })
    const records = readRecords(lake)
    if (left) await removeLeftovers(lake, new Set(records.map(({ job }) => job)))
    const { format, mapping, volume, clean } = options
    const plan = planJobs(identities, records, { packing: PACKING, format, mapping, volume, clean })
    const results = await runJobs(plan.jobs, plan.superseded, { ...options, lake, staging }, pool, watch)
    for (const job of plan.superseded.filter((id) => !plan.jobs.some((fresh) => fresh.id === id))) {
      await commitFiles(lake, [], ({ path }) => jobOfFile(path) === job)
      removeRecord(lake, job)
      removeLedgerPart(lake, job)
    }
    const finished = readRecords(lake).map(({ job }) => job)
    if (plan.jobs.length > 0 || left) await joinLedger(lake, finished)
    return {
      ...addUp(results),
      lake,
      inputs: identities.length,
      skipped: plan.skipped.length,
      seconds: (performance.now() - started) / 1000,
      warnings: [...plan.warnings, ...results.flatMap(({ warnings }) => warnings)],
    }
  } finally {
    rmSync(staging, { recursive: true, force: true })
    unlockLake(lake)
  }
}

/** As many jobs at once as keep the pool busy. */
async function runJobs(
  jobs: readonly Job[],
  superseded: readonly string[],
  options: JobOptions,
  pool: PackPool,
  { signal, onProgress }: PackWatch,
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
  // Two writers of one manifest would lose lines of it.
  let turn: Promise<unknown> = Promise.resolve()
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work)
    turn = mine.catch(() => undefined)
    return mine
  }
  let failed: unknown
  const stopped = (): boolean => failed !== undefined || signal?.aborted === true
  const lane = async (): Promise<void> => {
    for (let job = queue.shift(); job !== undefined && !stopped(); job = queue.shift())
      try {
        const done = await packJob(job, superseded, options, pool, { progress, alone, stopped })
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
