import { existsSync, readdirSync, rmSync } from 'node:fs'
import { isAbsolute, join, normalize, resolve } from 'node:path'
import { type Batch, takeRows } from '../../core/batch.ts'
import type { Contract, Instruments } from '../../core/instruments.ts'
import { Tick } from '../../core/market.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'
import { writeTextAtomically } from './atomic.ts'
import { checksumOf } from './checksum.ts'
import { formatManifest, MANIFEST, type ManifestLine, readLines } from './manifest.ts'
import { writeParquet } from './tableWriter.ts'

export interface LakeDay {
  readonly lake: string
  /** YYYY-MM-DD, the market's date. */
  readonly date: string
  /** Ticks of this date in the order they arrived. */
  readonly ticks: Batch<Tick> | Iterable<Batch<Tick>> | AsyncIterable<Batch<Tick>>
  /** `time`: a file a symbol and expiry, sorted by (ts, arrival). `arrival`: a file a symbol, as it came. */
  readonly order: 'time' | 'arrival'
  readonly instruments: Instruments
}

export interface WrittenDay {
  readonly files: readonly string[]
  readonly rows: number
  readonly bytes: number
}

const OWN_FILE = /(?:^|[/\\])(?:part|recorded)-0\.parquet$/
const TickWithArrival = { ...Tick, arrival: 'f64' } as const
type TickWithArrival = typeof TickWithArrival

/**
 * Writes a day of ticks into a lake and names them in its manifest, instead of what it named for their symbols on
 * that date. Every file, then the manifest, appears whole; then the day's files that it named before are deleted, as a
 * reader without the manifest would read both. Two writers of one lake at once lose lines of the
 * manifest. Throws DISK_FULL, OUTPUT_UNWRITABLE, LAKE_MANIFEST.
 */
export async function writeLakeDay(day: LakeDay): Promise<WrittenDay> {
  const { lake, date, order, instruments } = day
  const rows = await gather(day.ticks)
  const lines: ManifestLine[] = []
  let bytes = 0
  for (const [folder, index] of groups(rows, day)) {
    const path = `ticks/${folder}/${order === 'arrival' ? 'recorded-0' : 'part-0'}.parquet`
    const part = new RowBuffer(TickWithArrival, index.length)
    takeRows(rows.view(-Infinity), index, index.length, part.col)
    part.n = index.length
    bytes += await writeParquet(join(lake, path), part, instruments, { whole: ['arrival'] })
    const checksum = checksumOf(join(lake, path))
    lines.push(...linesOf(part, path, date, order, instruments).map((line) => ({ ...line, checksum })))
  }
  const symbols = new Set(lines.map((line) => line.contract.underlying))
  const before = readLines(lake)
  const others = before.filter((line) => line.date !== date || !symbols.has(line.contract.underlying))
  const all = [...others, ...lines].sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0))
  await writeTextAtomically(join(lake, MANIFEST), formatManifest(all))
  removeOthers(lake, date, symbols, before, all)
  return { files: [...new Set(lines.map(({ path }) => path))], rows: rows.n, bytes }
}

/**
 * Deletes files of the day and its symbols that are named no more, of those inside the lake. Files with this writer's
 * names are deleted without ever being named: a crash before this line left them.
 */
function removeOthers(
  lake: string,
  date: string,
  symbols: ReadonlySet<string>,
  before: readonly ManifestLine[],
  named: readonly ManifestLine[],
): void {
  const inside = ({ path }: ManifestLine): boolean => !isAbsolute(path) && !normalize(path).startsWith('..')
  const old = before.filter(inside).map(({ path }) => path)
  for (const symbol of symbols) {
    const folder = `ticks/symbol=${symbol}/date=${date}`
    if (!existsSync(join(lake, folder))) continue
    const below = readdirSync(join(lake, folder), { recursive: true }) as string[]
    old.push(...below.filter((name) => OWN_FILE.test(name)).map((name) => join(folder, name)))
  }
  const kept = new Set(named.map(({ path }) => resolve(lake, path)))
  for (const path of old) if (!kept.has(resolve(lake, path))) rmSync(join(lake, path), { force: true })
}

async function gather(ticks: LakeDay['ticks']): Promise<RowBuffer<TickWithArrival>> {
  const rows = new RowBuffer(TickWithArrival)
  let arrival = new Float64Array(0)
  for await (const batch of 'col' in ticks ? [ticks] : ticks) {
    if (arrival.length < batch.n) arrival = new Float64Array(batch.n)
    for (let i = 0; i < batch.n; i++) arrival[i] = rows.n + i
    rows.append({ n: batch.n, watermark: batch.watermark, col: { ...batch.col, arrival } })
  }
  return rows
}

/** Rows of each file, in its order, by its folder. */
function groups(rows: RowBuffer<TickWithArrival>, { order, date, instruments }: LakeDay): Map<string, Int32Array> {
  const found = new Map<string, { folder: string; index: Int32Array; n: number }>()
  const all = order === 'time' ? inTime(rows.col.ts, rows.n) : Int32Array.from({ length: rows.n }, (_, i) => i)
  const folders: string[] = []
  for (let i = 0; i < rows.n; i++) {
    const id = rows.col.instrument[all[i]]
    const folder = (folders[id] ??= folderOf(instruments.contract(id), date, order))
    let group = found.get(folder)
    if (group === undefined) found.set(folder, (group = { folder, index: new Int32Array(rows.n), n: 0 }))
    group.index[group.n++] = all[i]
  }
  return new Map([...found.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1)).map(({ folder, index, n }) => [folder, index.subarray(0, n)]))
}

function folderOf(contract: Contract, date: string, order: 'time' | 'arrival'): string {
  const folder = `symbol=${contract.underlying}/date=${date}`
  return contract.kind === 'spot' || order === 'arrival' ? folder : `${folder}/expiry=${contract.expiry}`
}

function inTime(ts: Float64Array, n: number): Int32Array {
  const index = Int32Array.from({ length: n }, (_, i) => i)
  let sorted = true
  for (let i = 1; i < n && sorted; i++) sorted = ts[i] >= ts[i - 1]
  return sorted ? index : index.sort((a, b) => ts[a] - ts[b] || a - b)
}

function linesOf(
  { n, col }: RowBuffer<TickWithArrival>,
  path: string,
  date: string,
  order: 'time' | 'arrival',
  instruments: Instruments,
): ManifestLine[] {
  const found = new Map<number, { rows: number; min: number; max: number }>()
  for (let i = 0; i < n; i++) {
    const ts = col.ts[i]
    const share = found.get(col.instrument[i])
    if (share === undefined) found.set(col.instrument[i], { rows: 1, min: ts, max: ts })
    else {
      share.rows++
      if (ts < share.min) share.min = ts
      if (ts > share.max) share.max = ts
    }
  }
  return [...found]
    .map(([id, share]) => ({ name: instruments.name(id), line: { contract: instruments.contract(id), date, ...share, path, order } }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ line }) => line)
}
