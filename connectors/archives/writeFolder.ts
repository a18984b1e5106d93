import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Columns, takeRows } from '../../core/batch.ts'
import { contractOf, Instruments } from '../../core/instruments.ts'
import { Tick } from '../../core/market.ts'
import { checksumOf } from '../parquet/checksum.ts'
import type { ManifestLine } from '../parquet/manifest.ts'
import { TimeSort } from '../parquet/sortRuns.ts'
import { writeParquet } from '../parquet/tableWriter.ts'
import type { Cleaner, Removed } from './cleaner.ts'
import { PART_ROWS, partsOf, rowsToWrite, type WriteTask } from './parts.ts'
import { type Packed, SpillReader } from './spill.ts'
import { load, type Readable, roomFor, rowsOf } from './spilledRows.ts'
import { partition, timeCuts } from './timeCuts.ts'

export type { WriteTask } from './parts.ts'

export interface WriteResult {
  readonly lines: readonly ManifestLine[]
  readonly bytes: number
  readonly rows: number
  readonly removed: readonly Removed[]
}

/** Makes sorted Parquet files of spilled rows: one, or several that follow each other in time. */
export async function writeFolder(task: WriteTask, cleaner?: Cleaner): Promise<WriteResult> {
  const instruments = new Instruments()
  const results: WriteResult[] = []
  for (const part of partsOf(task)) results.push(...(await writeParts(part, instruments, cleaner)))
  return {
    lines: results.flatMap(({ lines }) => lines),
    bytes: results.reduce((sum, { bytes }) => sum + bytes, 0),
    rows: results.reduce((sum, { rows }) => sum + rows, 0),
    removed: results.flatMap(({ removed }) => removed),
  }
}

/** A task that is one part, or one span that is too large for one. */
async function writeParts(task: WriteTask, instruments: Instruments, cleaner: Cleaner | undefined): Promise<WriteResult[]> {
  const reader = new SpillReader(task.clean)
  try {
    const spilled = task.spilled.map(({ names, segments, reader: from }) => ({
      from,
      ids: Int32Array.from(names, (name) => instruments.id(name)),
      segments,
    }))
    const total = rowsToWrite(task)
    const most = task.partRows ?? PART_ROWS
    if (total > most) return await writeCut(task, reader, spilled, total, most, instruments, cleaner)
    return [await writePart(task, task.part, load(reader, spilled, total, task.clean), total, instruments, cleaner)]
  } finally {
    reader.close()
  }
}

/** Too many rows to sort at once: dealt out by time once more, so that each part can be. */
async function writeCut(
  task: WriteTask,
  reader: SpillReader,
  spilled: readonly Readable[],
  total: number,
  most: number,
  instruments: Instruments,
  cleaner: Cleaner | undefined,
): Promise<WriteResult[]> {
  const path = join(task.staging, `parts-${process.pid}-${task.job}-${task.part}-${task.folder.replaceAll('/', ' ')}`)
  const again = new SpillReader(task.clean)
  try {
    const cuts = timeCuts(reader, spilled, total, most)
    const results: WriteResult[] = []
    for (const [at, segments] of partition(reader, spilled, cuts, path, task.clean).entries()) {
      const n = rowsOf(segments)
      if (n === 0) continue
      const rows = roomFor('read', n)
      let filled = 0
      for (const segment of segments) {
        again.read(segment, rows, filled)
        filled += segment.rows
      }
      results.push(await writePart(task, task.part + at, rows, n, instruments, cleaner))
    }
    return results
  } finally {
    again.close()
    rmSync(path, { force: true })
  }
}

const sort = new TimeSort()

async function writePart(
  { lake, date, folder, job, clean }: WriteTask,
  part: number,
  col: Columns<Packed>,
  n: number,
  instruments: Instruments,
  cleaner: Cleaner | undefined,
): Promise<WriteResult> {
  const order = sort.inTime(col.ts, n)
  let sorted = col
  if (order !== undefined) {
    sorted = roomFor('sorted', n)
    takeRows({ n, watermark: -Infinity, col }, order, n, clean ? sorted : (ticksOf(sorted) as Columns<Packed>))
  }
  const { kept, removed } =
    clean && cleaner !== undefined ? cleaner.clean({ n, watermark: Infinity, col: sorted }, instruments) : { kept: { n, col: sorted }, removed: [] }
  if (kept.n === 0) return { lines: [], bytes: 0, rows: 0, removed }
  const path = `ticks/${folder}/part-${job}-${String(part).padStart(4, '0')}.parquet`
  const bytes = await writeParquet(join(lake, path), { schema: Tick, n: kept.n, col: kept.col }, instruments)
  const checksum = checksumOf(join(lake, path))
  return { lines: manifestLines(kept.col, kept.n, path, date, instruments).map((line) => ({ ...line, checksum })), bytes, rows: kept.n, removed }
}

function ticksOf({ ts, instrument, price, volume, oi, bid, ask }: Columns<Packed>): Columns<Tick> {
  return { ts, instrument, price, volume, oi, bid, ask }
}

/** A line an instrument; rows are in time order. */
export function manifestLines(
  { ts, instrument }: Pick<Columns<Tick>, 'ts' | 'instrument'>,
  n: number,
  path: string,
  date: string,
  instruments: Instruments,
): ManifestLine[] {
  const rows = new Int32Array(instruments.size)
  const min = new Float64Array(instruments.size)
  const max = new Float64Array(instruments.size)
  for (let i = 0; i < n; i++) {
    const id = instrument[i]
    if (rows[id]++ === 0) min[id] = ts[i]
    max[id] = ts[i]
  }
  return Array.from(rows.keys())
    .filter((id) => rows[id] > 0)
    .map((id) => ({ name: instruments.name(id), id }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, id }) => ({ contract: contractOf(name), date, rows: rows[id], min: min[id], max: max[id], path, order: 'time' }))
}

/** Deletes files of the lake, those that are not there any more included. */
export function removeFiles(lake: string, paths: Iterable<string>): void {
  for (const path of paths) if (existsSync(join(lake, path))) rmSync(join(lake, path))
}
