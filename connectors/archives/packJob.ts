import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { TickloomError } from '../../core/errors.ts'
import type { Claims } from './claims.ts'
import { kindOf } from './container.ts'
import type { InputIdentity } from './identity.ts'
import type { Job } from './jobs.ts'
import { writeLedgerPart } from './ledgerFile.ts'
import type { Manifests } from './manifestBook.ts'
import type { InputFile } from './members.ts'
import { type JobOptions, type JobSummary, PACKING } from './packing.ts'
import { partsOf, rowsToWrite } from './parts.ts'
import type { PackPool } from './pool.ts'
import { barsFile, type ReadResult, type ReadTask } from './readInput.ts'
import { inLake, type LedgerEntry, type Reason } from './reasons.ts'
import { jobOfFile, writeRecord } from './records.ts'
import { MEMBERS } from './spilledRows.ts'
import type { WriteResult, WriteTask } from './writeFolder.ts'
import { bytesOfFile } from './zip.ts'

/** Bytes of inputs that one reader takes. */
const SHARE = 32 << 20

export interface JobWatch {
  progress(bytes: number, rows: number): void
  readonly manifests: Manifests
  /** Where rows are cleaned. */
  readonly claims: Claims | undefined
  stopped(): boolean
}

/** Reads the inputs of a job, writes its days one by one, then its ledger and its record; undefined when it was stopped. */
export async function packJob(
  job: Job,
  superseded: readonly string[],
  options: JobOptions,
  pool: PackPool,
  watch: JobWatch,
): Promise<JobSummary | undefined> {
  const tasks = readTasks(job, options, pool.width)
  try {
    const read = await Promise.all(tasks.map((task) => pool.read(task, watch.progress)))
    if (watch.stopped()) return undefined
    for (const { spilled } of read) watch.claims?.take(job.id, spilled)
    const written = await writeDays(job, superseded, read, options, pool, watch)
    if (written === undefined) return undefined
    const entries = afterCleaning(
      read.flatMap((result) => result.entries),
      read,
      written,
    )
    const summary = await summarised(job, read, entries, written, watch.manifests)
    await writeLedgerPart(options.lake, job.id, entries, options.staging)
    const { format, mapping, volume, clean } = options
    const packed = inLake(summary.reasons)
    await writeRecord(options.lake, {
      job: job.id,
      inputs: job.inputs,
      options: { packing: PACKING, format, mapping, volume, clean },
      rows: summary.rows,
      packed,
    })
    return summary
  } finally {
    for (const { spill } of tasks) for (const path of [spill, barsFile(spill)]) rmSync(path, { force: true })
  }
}

/** Small inputs together, a large zip in several shares; always in the order given. */
function readTasks({ id, inputs }: Job, { staging, format, mapping, volume, clean }: JobOptions, width: number): ReadTask[] {
  const groups: InputFile[][] = []
  let bytes = Infinity
  for (const { path, size } of inputs) {
    const parts = width > 1 && size > SHARE && isZip(path, size) ? Math.ceil(size / SHARE) : 1
    if (parts > 1 || bytes + size > SHARE) {
      bytes = parts > 1 ? Infinity : 0
      for (let part = 0; part < parts; part++) groups.push([{ path, size, part, parts, staging }])
    } else groups[groups.length - 1].push({ path, size, part: 0, parts, staging })
    bytes += size
  }
  return groups.map((group, i) => ({ inputs: group, format, mapping, volume, spill: join(staging, `${id}-${i}.rows`), withOrigin: clean }))
}

function isZip(path: string, size: number): boolean {
  const file = bytesOfFile(path, size)
  try {
    const head = new Uint8Array(4)
    file.read(head, 0)
    return kindOf(head) === 'zip'
  } finally {
    file.close()
  }
}

interface Day {
  readonly date: string
  readonly results: readonly WriteResult[]
}

/** Every day's files, and the day into the manifest as soon as it is whole. */
async function writeDays(
  job: Job,
  superseded: readonly string[],
  read: readonly ReadResult[],
  options: JobOptions,
  pool: PackPool,
  watch: JobWatch,
): Promise<Day[] | undefined> {
  const days = new Map<string, Map<string, WriteTask>>()
  for (const [reader, { spilled }] of read.entries())
    for (const part of spilled) {
      const folders = days.get(part.date) ?? new Map<string, WriteTask>()
      days.set(part.date, folders)
      const { lake, staging, clean, partRows } = options
      const of = { lake, staging, clean, partRows, date: part.date, folder: part.folder, job: job.id, part: 0 }
      const task = folders.get(part.folder) ?? { ...of, spilled: [] }
      folders.set(part.folder, { ...task, spilled: [...task.spilled, { ...part, reader }] })
    }
  const inOrder = [...days].sort(([a], [b]) => (a < b ? -1 : 1))
  const written = await Promise.all(
    inOrder.map(async ([date, folders]) => {
      // Cleaning needs the rows of a folder one after the other. The largest first, so that none is left over for one worker at the end.
      const tasks = [...folders.values()]
        .flatMap((task) => (options.clean || task.folder.startsWith('bars/') ? task : partsOf(task)))
        .sort((a, b) => rowsToWrite(b) - rowsToWrite(a))
      const results = await Promise.all(tasks.map((task) => (watch.stopped() ? undefined : pool.write(task))))
      const whole = results.filter((result) => result !== undefined)
      if (whole.length < results.length) return undefined
      const lines = whole.flatMap((result) => result.lines)
      const replaced = (path: string): boolean => superseded.includes(jobOfFile(path) ?? '') || jobOfFile(path) === job.id
      await watch.manifests.commit(lines, (file) => file.date === date && replaced(file.path))
      return { date, results: whole }
    }),
  )
  const whole = written.filter((day) => day !== undefined)
  return whole.length < written.length ? undefined : whole
}

/** The entries with what the cleaning took out moved from `packed` to its reasons. */
function afterCleaning(entries: readonly LedgerEntry[], read: readonly ReadResult[], days: readonly Day[]): LedgerEntry[] {
  const key = (input: string, member: string, date: string): string => `${input}\n${member}\n${date}`
  const removed = new Map<string, number>()
  const added: LedgerEntry[] = []
  for (const { date, results } of days)
    for (const { source, reason, rows, lines } of results.flatMap((result) => result.removed)) {
      const { input, member } = read[Math.floor(source / MEMBERS)].members[source % MEMBERS]
      const at = key(input, member, date)
      removed.set(at, (removed.get(at) ?? 0) + rows)
      added.push({ input, member, date, reason, rows, samples: lines.map((line) => ({ line, text: '' })) })
    }
  const left = entries.flatMap((entry) => {
    const gone = entry.reason === 'packed' ? (removed.get(key(entry.input, entry.member, entry.date)) ?? 0) : 0
    return gone === 0 ? [entry] : gone === entry.rows ? [] : [{ ...entry, rows: entry.rows - gone }]
  })
  return [...left, ...added]
}

/** The sums of a job; what does not add up is taken out of the lake again. */
async function summarised(
  job: Job,
  read: readonly ReadResult[],
  entries: readonly LedgerEntry[],
  days: readonly Day[],
  manifests: Manifests,
): Promise<JobSummary> {
  try {
    return summarise(job, read, entries, days)
  } catch (thrown) {
    await manifests.commit([], ({ path }) => jobOfFile(path) === job.id)
    throw thrown
  }
}

/** Adds up, and makes sure that it does add up. */
function summarise(job: Job, read: readonly ReadResult[], entries: readonly LedgerEntry[], days: readonly Day[]): JobSummary {
  const reasons: Partial<Record<Reason, number>> = {}
  const damaged: Partial<Record<Reason, number>> = {}
  for (const { reason, rows } of entries) {
    if (rows > 0) reasons[reason] = (reasons[reason] ?? 0) + rows
    if (/_file|_format|_container/.test(reason)) damaged[reason] = (damaged[reason] ?? 0) + 1
  }
  const results = days.flatMap((day) => day.results)
  const rows = read.reduce((sum, result) => sum + result.rows, 0)
  const told = entries.reduce((sum, entry) => sum + entry.rows, 0)
  const inFiles = results.reduce((sum, result) => sum + result.rows, 0)
  if (rows !== told || inFiles !== inLake(reasons))
    throw new TickloomError(
      'STEP_FAILED',
      `rows do not add up: ${rows} read, ${told} in the ledger, ${inLake(reasons)} of them packed, ${inFiles} in files`,
      { job: job.id },
    )
  return {
    days: days.map(({ date }) => date),
    files: new Set(results.flatMap(({ lines }) => lines.map(({ path }) => path))).size,
    rows,
    reasons,
    damaged,
    bytesRead: job.inputs.reduce((sum: number, { size }: InputIdentity) => sum + size, 0),
    bytesWritten: results.reduce((sum, { bytes }) => sum + bytes, 0),
    warnings: read.flatMap((result) => result.warnings),
  }
}
