import { existsSync, readdirSync, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { TickloomError } from '../../../core/errors.ts'
import { fileOfPath } from '../layout.ts'
import { BARS_MANIFEST, MANIFEST, type ManifestLine, readLines } from '../manifest.ts'
import { isRecording, RECORDED, type Recording, recordingsOf } from '../recording.ts'
import type { Fault, Verified } from './fault.ts'
import { type TickFile, verifyTicks, type ZoneOf } from './file.ts'
import { verifyJobs } from './jobs.ts'
import { strayEpochs, verifyRecording } from './recordings.ts'

export interface VerifyOptions {
  /** Files that are read at once. */
  readonly workers: number
  readonly zoneOf: ZoneOf
  readonly signal?: AbortSignal
  onProgress?(progress: { readonly bytes: number; readonly bytesInAll: number; readonly rows: number }): void
}

export interface VerifyReport {
  readonly lake: string
  readonly files: number
  readonly rows: number
  readonly bytes: number
  /** Files of the manifest for which no checksum was recorded: of them only what they say can be checked. */
  readonly withoutChecksum: number
  /** In the order of the files. */
  readonly faults: readonly Fault[]
  readonly notes: readonly string[]
  readonly seconds: number
}

/** Folders of a lake that hold neither ticks nor bars. */
const OTHERS = ['meta', RECORDED, 'seconds']

/**
 * Reads everything in a lake again and says what is not as it should be: files against the manifest, rows against both,
 * recordings against their journals. What is wrong with the lake is never thrown; LAKE_MISSING, LAKE_EMPTY and INTERRUPTED are.
 */
export async function verifyLake(lake: string, options: VerifyOptions): Promise<VerifyReport> {
  if (!existsSync(lake)) throw new TickloomError('LAKE_MISSING', `there is no lake at ${lake}`, { lake })
  const started = performance.now()
  const { files, faults, notes } = filesOf(lake)
  const recordings = recordedIn(lake, faults)
  const sizes = files.map(({ path }) => statSync(path, { throwIfNoEntry: false })?.size ?? 0)
  const recorded = recordings.reduce((sum, one) => sum + one.files.reduce((bytes, file) => bytes + file.bytes, 0), 0)
  const bytesInAll = sizes.reduce((sum, size) => sum + size, recorded)
  let [bytes, rows] = [0, 0]
  const progress = (moreBytes: number, moreRows: number): void => {
    bytes += moreBytes
    rows += moreRows
    options.onProgress?.({ bytes, bytesInAll, rows })
  }
  const tasks = files.map((file, i) => async (): Promise<Verified> => {
    const verified = await verifyTicks(file, options.zoneOf)
    progress(sizes[i], verified.rows)
    return verified
  })
  for (const partition of byPartition(recordings)) tasks.push(() => wholePartition(lake, partition, options, progress))
  for (const { faults: found } of await inLanes(tasks, options)) faults.push(...found)
  const withoutChecksum = files.filter(({ checksum }) => checksum === undefined).length
  // Said of the wrong folder, that nothing is wrong would be believed of the right one.
  if (files.length + recordings.length + faults.length === 0)
    throw new TickloomError('LAKE_EMPTY', `there is no file of a lake in ${lake}: nothing was verified`, { lake })
  const count = files.length + recordings.reduce((sum, one) => sum + one.files.length, 0)
  return { lake, files: count, rows, bytes, withoutChecksum, faults, notes, seconds: (performance.now() - started) / 1000 }
}

interface Found {
  readonly files: readonly TickFile[]
  readonly faults: Fault[]
  readonly notes: string[]
}

/** The files of ticks and of bars: those of their manifests, else those that are there. */
function filesOf(lake: string): Found {
  const faults: Fault[] = []
  const notes: string[] = []
  if (existsSync(join(lake, 'meta/packing.json')))
    notes.push('a pack is under way, or did not come to its end: what it has written is not in the manifest yet')
  const there = parquetIn(lake)
  const isBar = (name: string): boolean => name.split(/[/\\]/)[0] === 'bars'
  const ticks = treeOf(
    lake,
    'ticks',
    MANIFEST,
    there.filter((name) => !isBar(name)),
    faults,
    notes,
  )
  const bars = treeOf(lake, 'bars', BARS_MANIFEST, there.filter(isBar), faults, notes)
  const files = [...ticks, ...bars]
  // Without a manifest that can be read nobody knows how many rows there should be.
  const known = [MANIFEST, BARS_MANIFEST].some((name) => existsSync(join(lake, name))) && !faults.some(({ what }) => what === 'manifest')
  if (known) faults.push(...verifyJobs(lake, files))
  return { files, faults, notes }
}

function treeOf(
  lake: string,
  holds: TickFile['holds'],
  manifest: string,
  there: readonly string[],
  faults: Fault[],
  notes: string[],
): readonly TickFile[] {
  const listed = existsSync(join(lake, manifest)) ? manifestOf(lake, holds, manifest, faults) : undefined
  if (listed === undefined && (there.length === 0 || (holds === 'ticks' && isRecording(lake)))) return []
  if (listed === undefined) notes.push(`no manifest of ${holds} can be read: files are taken as their paths name them`)
  const named = new Set(listed?.map(({ name }) => name))
  for (const name of there) {
    if (name.endsWith('.tmp')) faults.push({ file: name, what: 'leftover', expected: 'no half-written file', found: 'one that a write left' })
    else if (listed !== undefined && !named.has(name))
      faults.push({ file: name, what: 'file not in the manifest', expected: `a line of ${manifest} that names it`, found: 'none does' })
  }
  return listed ?? byTheirPaths(lake, holds, there)
}

/** What a manifest names; undefined, and a fault, where a line of it cannot be read. */
function manifestOf(lake: string, holds: TickFile['holds'], manifest: string, faults: Fault[]): TickFile[] | undefined {
  const files = new Map<string, ManifestLine[]>()
  try {
    for (const line of readLines(lake, manifest)) {
      const lines = files.get(line.path)
      if (lines === undefined) files.set(line.path, [line])
      else lines.push(line)
    }
  } catch (cause) {
    if (!(cause instanceof TickloomError) || cause.code !== 'LAKE_MANIFEST') throw cause
    faults.push({ file: manifest, what: 'manifest', expected: 'lines of contracts and files', found: cause.message })
    return undefined
  }
  return [...files].map(([name, lines]) => {
    const [{ date, contract, order, checksum }] = lines
    const other = lines.find((line) => line.date !== date || line.order !== order || line.checksum !== checksum)
    if (other !== undefined)
      faults.push({
        file: name,
        what: 'manifest',
        expected: `one date, order and checksum: ${date}, ${order}, ${checksum ?? 'none'}`,
        found: `${other.date}, ${other.order}, ${other.checksum ?? 'none'}`,
      })
    const path = isAbsolute(name) ? name : join(lake, name)
    return { path, name, holds, date, symbol: contract.underlying, order, shares: lines, checksum }
  })
}

function byTheirPaths(lake: string, holds: TickFile['holds'], there: readonly string[]): TickFile[] {
  return there.flatMap((name) => {
    const file = name.endsWith('.parquet') ? fileOfPath(lake, name) : undefined
    return file === undefined ? [] : [{ ...file, name, holds, checksum: undefined }]
  })
}

/** Parquet files of ticks and bars, and what writes left of some, by name. */
function parquetIn(lake: string): string[] {
  return (readdirSync(lake, { recursive: true }) as string[])
    .filter((name) => /\.parquet(?:\.tmp)?$/.test(name) && !OTHERS.includes(name.split(/[/\\]/)[0]))
    .sort()
}

function recordedIn(lake: string, faults: Fault[]): Recording[] {
  if (!isRecording(lake)) return []
  try {
    const recordings = recordingsOf(lake)
    faults.push(...strayEpochs(lake, recordings))
    return recordings
  } catch (cause) {
    if (!(cause instanceof TickloomError) || cause.code !== 'CHECKPOINT_CORRUPT') throw cause
    faults.push({ file: join(RECORDED, 'meta'), what: 'manifest', expected: 'lines of epochs', found: cause.message })
    return []
  }
}

/** The dates of each partition in order: time goes on from one to the next. */
function byPartition(recordings: readonly Recording[]): Recording[][] {
  const found = new Map<string, Recording[]>()
  for (const one of recordings) found.set(one.partition, [...(found.get(one.partition) ?? []), one])
  return [...found.values()]
}

async function wholePartition(
  lake: string,
  recordings: readonly Recording[],
  { zoneOf, signal }: VerifyOptions,
  progress: (bytes: number, rows: number) => void,
): Promise<Verified> {
  const all: Fault[] = []
  let [reached, rows] = [-Infinity, 0]
  for (const recording of recordings) {
    stopIf(signal)
    const verified = await verifyRecording(lake, recording, zoneOf({ kind: 'spot', underlying: '' }), reached, progress)
    all.push(...verified.faults)
    rows += verified.rows
    reached = verified.reached
  }
  return { rows, faults: all }
}

/** The answers in the order of the tasks, so many of which run at once. */
async function inLanes<T>(tasks: readonly (() => Promise<T>)[], { workers, signal }: VerifyOptions): Promise<T[]> {
  const answers: T[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < tasks.length) {
      stopIf(signal)
      const mine = next++
      answers[mine] = await tasks[mine]()
    }
  }
  await Promise.all(Array.from({ length: Math.min(workers, tasks.length) }, lane))
  return answers
}

function stopIf(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new TickloomError('INTERRUPTED', 'stopped; nothing was written, so nothing is lost')
}
