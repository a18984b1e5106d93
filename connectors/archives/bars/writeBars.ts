import { join } from 'node:path'
import { Bar } from '../../../core/bar.ts'
import { allocateColumns, type Column, type Columns, takeRows } from '../../../core/batch.ts'
import { Instruments } from '../../../core/instruments.ts'
import { MINUTE } from '../../../core/time.ts'
import { checksumOf } from '../../parquet/checksum.ts'
import { TimeSort } from '../../parquet/sortRuns.ts'
import { writeParquet } from '../../parquet/tableWriter.ts'
import type { BarKeeper, Removed } from '../cleaner.ts'
import type { Segment } from '../spill.ts'
import { MEMBERS } from '../spilledRows.ts'
import { manifestLines, type WriteResult, type WriteTask } from '../writeFolder.ts'
import { PackedBar, readSegment } from './barSpill.ts'

/** Bars of one Parquet file, at most, as far as a minute has no more. */
const PART_BARS = 500_000

/** Minutes looked at: three days. */
const MINUTES = 3 * 24 * 60

const sort = new TimeSort()

interface Source {
  readonly reader: number
  readonly ids: Int32Array
  readonly segment: Segment
}

/** Makes sorted, mended Parquet files of the bars of one folder: one, or several that follow each other in time. */
export async function writeBars(task: WriteTask, keeper: BarKeeper): Promise<WriteResult> {
  const instruments = new Instruments()
  const sources = task.spilled.flatMap(({ reader, names, segments }) => {
    const ids = Int32Array.from(names, (name) => instruments.id(name))
    return segments.map((segment): Source => ({ reader, ids, segment }))
  })
  const total = sources.reduce((sum, { segment }) => sum + segment.rows, 0)
  const cuts = total <= (task.partRows ?? PART_BARS) ? [-Infinity] : cutsOf(sources, task.partRows ?? PART_BARS)
  const lines: WriteResult['lines'][number][] = []
  const removed: Removed[] = []
  let [bytes, rows] = [0, 0]
  for (const [part, from] of cuts.entries()) {
    const { n, col } = load(sources, from, cuts[part + 1] ?? Infinity)
    const answer = keeper.keepBars({ n, watermark: Infinity, col: sorted(n, col) }, instruments, task.clean)
    removed.push(...answer.removed)
    const { kept } = answer
    if (kept.n === 0) continue
    const path = `${task.folder}/part-${task.job}-${String(part).padStart(4, '0')}.parquet`
    bytes += await writeParquet(join(task.lake, path), { schema: Bar, n: kept.n, col: kept.col }, instruments)
    rows += kept.n
    const checksum = checksumOf(join(task.lake, path))
    lines.push(...manifestLines(kept.col, kept.n, path, task.date, instruments).map((line) => ({ ...line, checksum })))
  }
  return { lines, bytes, rows, removed }
}

/** The times at which parts begin. */
function cutsOf(sources: readonly Source[], most: number): number[] {
  const perMinute = new Int32Array(MINUTES)
  let base = NaN
  for (const { segment } of sources)
    for (const ts of readSegment(segment).ts) {
      if (Number.isNaN(base)) base = (Math.floor(ts / MINUTE) - MINUTES / 2) * MINUTE
      perMinute[Math.floor((ts - base) / MINUTE)]++
    }
  const cuts: number[] = []
  let rows = 0
  for (const [minute, n] of perMinute.entries()) {
    if (n > 0 && (cuts.length === 0 || rows + n > most)) {
      cuts.push(base + minute * MINUTE)
      rows = 0
    }
    rows += n
  }
  return cuts
}

/** The bars of from <= ts < to, in the order they came; `source` becomes one number for reader and member. */
function load(sources: readonly Source[], from: number, to: number): { n: number; col: Columns<PackedBar> } {
  const pieces: { n: number; col: Columns<PackedBar> }[] = []
  let n = 0
  for (const { reader, ids, segment } of sources) {
    const read = readSegment(segment)
    const index = new Int32Array(segment.rows)
    let count = 0
    for (let i = 0; i < segment.rows; i++) {
      if (!(read.ts[i] >= from && read.ts[i] < to)) continue
      read.instrument[i] = ids[read.instrument[i]]
      read.source[i] += reader * MEMBERS
      index[count++] = i
    }
    if (count === 0) continue
    const col = allocateColumns(PackedBar, count)
    pieces.push({ n: count, col: takeRows({ n: segment.rows, watermark: -Infinity, col: read }, index, count, col).col })
    n += count
  }
  const col = allocateColumns(PackedBar, n)
  let at = 0
  for (const piece of pieces) {
    for (const name of Object.keys(PackedBar) as (keyof PackedBar)[]) (col[name] as Column).set(piece.col[name] as never, at)
    at += piece.n
  }
  return { n, col }
}

function sorted(n: number, col: Columns<PackedBar>): Columns<PackedBar> {
  const order = sort.inTime(col.ts, n)
  return order === undefined ? col : takeRows({ n, watermark: -Infinity, col }, order, n, allocateColumns(PackedBar, n)).col
}
