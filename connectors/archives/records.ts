import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { TickloomError } from '../../core/errors.ts'
import { writeTextAtomically } from '../parquet/atomic.ts'
import { formatManifest, MANIFEST, type ManifestLine, readLines } from '../parquet/manifest.ts'
import type { InputIdentity } from './identity.ts'

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

/** Names the bars of a lake, as MANIFEST its ticks: whoever reads ticks never sees them. */
export const BARS_MANIFEST = 'meta/bars_manifest.csv'

/**
 * Names a day's files in the manifests, those of ticks all at once and those of bars, and no more those of the jobs that
 * these take the place of; then deletes these. Without lines: only the latter.
 */
export async function commitFiles(lake: string, lines: readonly ManifestLine[], gone: (line: ManifestLine) => boolean): Promise<void> {
  const isBar = ({ path }: ManifestLine): boolean => path.startsWith('bars/')
  await commitTo(
    lake,
    MANIFEST,
    lines.filter((line) => !isBar(line)),
    gone,
  )
  await commitTo(lake, BARS_MANIFEST, lines.filter(isBar), gone)
}

async function commitTo(lake: string, manifest: string, lines: readonly ManifestLine[], gone: (line: ManifestLine) => boolean): Promise<void> {
  const written = new Set(lines.map(({ path }) => path))
  const before = readLines(lake, manifest)
  const dropped = before.filter((line) => gone(line) && !written.has(line.path))
  if (dropped.length === 0 && lines.length === 0) return
  const kept = before.filter((line) => !gone(line) && !written.has(line.path))
  const all = [...kept, ...lines].sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0))
  await writeTextAtomically(join(lake, manifest), formatManifest(all))
  for (const path of new Set(dropped.map((line) => line.path))) rmSync(join(lake, path), { force: true })
}

/**
 * Makes this process the only one that packs into the lake. Answers true when the one before did not end in order, so
 * that something of it may be left. Throws LAKE_BUSY.
 */
export async function lockLake(lake: string): Promise<boolean> {
  const path = join(lake, LOCK)
  mkdirSync(join(lake, 'meta'), { recursive: true })
  let left = false
  if (existsSync(path)) {
    const { pid, host } = JSON.parse(readFileSync(path, 'utf8') || '{}') as { pid?: number; host?: string }
    if (pid !== process.pid && host === hostname() && pid !== undefined && isAlive(pid))
      throw new TickloomError('LAKE_BUSY', `process ${pid} is packing into ${lake}`, { lake, pid })
    left = true
  }
  await writeTextAtomically(path, JSON.stringify({ pid: process.pid, host: hostname() }))
  return left
}

export function unlockLake(lake: string): void {
  rmSync(join(lake, LOCK), { force: true })
}

/** Removes what jobs left behind that never came to their end. */
export async function removeLeftovers(lake: string, finished: ReadonlySet<string>): Promise<void> {
  const dead = (path: string): boolean => {
    const job = jobOfFile(path)
    return job !== undefined && !finished.has(job)
  }
  await commitFiles(lake, [], (line) => dead(line.path))
  for (const tree of ['ticks', 'bars'].map((name) => join(lake, name)).filter(existsSync))
    for (const name of readdirSync(tree, { recursive: true }) as string[])
      if (dead(`/${name}`.replace(/\.tmp$/, ''))) rmSync(join(tree, name), { force: true })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM'
  }
}
