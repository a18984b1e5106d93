import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { TickloomError } from '../../core/errors.ts'
import { writeTextAtomically } from '../parquet/atomic.ts'
import type { InputIdentity } from './identity.ts'
import type { Manifests } from './manifestBook.ts'

/** Inputs that were packed together, once all of it is in the lake. */
export interface JobRecord {
  readonly job: string
  readonly inputs: readonly InputIdentity[]
  /** Whatever else decides what the lake gets. */
  readonly options: unknown
  readonly rows: number
  readonly packed: number
}

const RECORDS = 'meta/packed'
const LOCK = 'meta/packing.json'
const PART = /\/part-([0-9a-f]{12})-\d+\.parquet$/

export function readRecords(lake: string): JobRecord[] {
  const folder = join(lake, RECORDS)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as JobRecord)
}

export async function writeRecord(lake: string, record: JobRecord): Promise<void> {
  await writeTextAtomically(join(lake, RECORDS, `${record.job}.json`), `${JSON.stringify(record)}\n`)
}

export function removeRecord(lake: string, job: string): void {
  rmSync(join(lake, RECORDS, `${job}.json`), { force: true })
}

/** The job that wrote a file of the lake; undefined for files of others. */
export function jobOfFile(path: string): string | undefined {
  return PART.exec(path)?.[1]
}

/** What the process that packs into a lake says of itself; without `pid` it has ended, and `jobs` are not finished. */
interface Lock {
  readonly pid?: number
  readonly host?: string
  readonly jobs?: readonly Begun[]
}

/** A job that was begun; whole days of it may be in the lake. */
export interface Begun {
  readonly job: string
  /** Paths. */
  readonly inputs: readonly string[]
}

/**
 * Makes this process the only one that packs into the lake. Answers the jobs that others began and did not finish, of
 * which something may be left. Throws LAKE_BUSY.
 */
export async function lockLake(lake: string): Promise<readonly Begun[]> {
  const path = join(lake, LOCK)
  mkdirSync(join(lake, 'meta'), { recursive: true })
  const { pid, host, jobs = [] } = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8') || '{}') as Lock) : {}
  if (pid !== process.pid && host === hostname() && pid !== undefined && isAlive(pid))
    throw new TickloomError('LAKE_BUSY', `process ${pid} is packing into ${lake}`, { lake, pid })
  await noteJobs(lake, jobs)
  return jobs
}

/** The jobs that this process is going to begin, noted before it does, and those of others that are not finished. */
export async function noteJobs(lake: string, jobs: readonly Begun[]): Promise<void> {
  const lock: Lock = { pid: process.pid, host: hostname(), jobs }
  await writeTextAtomically(join(lake, LOCK), JSON.stringify(lock))
}

/** Gives the lake free; `unfinished` jobs are for the next who packs to know. */
export async function unlockLake(lake: string, unfinished: readonly Begun[]): Promise<void> {
  const lock: Lock = { jobs: unfinished }
  if (unfinished.length > 0) await writeTextAtomically(join(lake, LOCK), JSON.stringify(lock))
  else rmSync(join(lake, LOCK), { force: true })
}

/** Removes files of the jobs that the manifest does not name. */
export function removeUnnamed(lake: string, jobs: readonly string[], manifests: Manifests): void {
  if (jobs.length === 0) return
  const named = new Set(manifests.files().map(({ path }) => path))
  for (const tree of ['ticks', 'bars'].filter((name) => existsSync(join(lake, name))))
    for (const name of readdirSync(join(lake, tree), { recursive: true }) as string[]) {
      const path = `${tree}/${name}`
      if (jobs.includes(jobOfFile(path.replace(/\.tmp$/, '')) ?? '') && !named.has(path)) rmSync(join(lake, path), { force: true })
    }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM'
  }
}
