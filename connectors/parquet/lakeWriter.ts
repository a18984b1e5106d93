import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { allocateColumns, type Batch, takeRows } from '../../core/batch.ts'
import { type Contract, contractOf, type Instruments } from '../../core/instruments.ts'
import { Tick } from '../../core/market.ts'
import { formatManifest, MANIFEST, type ManifestLine, readLines } from './manifest.ts'
import { sync, writeFailure, writeParquet } from './writeFile.ts'

const Stored = { ...Tick, arrival: 'i32' } as const

export interface LakeDay {
  readonly lake: string
  /** Local trading date, YYYY-MM-DD. */
  readonly date: string
  /** One underlying's ticks in the order in which they arrived. */
  readonly ticks: Batch<Tick>
  readonly instruments: Instruments
  /**
   * `time`: a file an expiry (and one for spot), sorted by (ts, arrival). `arrival`: one file as it came, so that a
   * replay meets the same late rows.
   */
  readonly order: 'time' | 'arrival'
}

/**
 * Writes a day of one underlying into the lake, in place of what the lake had of that day.
 *
 * Files first, each whole or not at all, then the manifest: until the manifest names them they are not there.
 * Throws DISK_FULL or OUTPUT_UNWRITABLE. Returns the manifest's lines.
 */
export async function writeLakeDay(day: LakeDay): Promise<ManifestLine[]> {
  const { lake, date, instruments } = day
  const lines: ManifestLine[] = []
  for (const [folder, rows] of filesOf(day)) {
    const batch = pick(day.ticks, rows)
    await writeParquet(join(lake, folder), Stored, batch, instruments)
    lines.push(...shares(batch, instruments, date, folder, day.order))
  }
  const symbols = new Set(lines.map((line) => line.contract.underlying))
  const others = readLines(lake).filter((line) => line.date !== date || !symbols.has(line.contract.underlying))
  writeManifest(lake, [...others, ...lines])
  return lines
}

/** Row numbers of each file, by its path in the lake, in the order in which they are written. */
function filesOf({ date, ticks, instruments, order }: LakeDay): Map<string, Int32Array> {
  const rows = new Map<string, number[]>()
  const { ts, instrument } = ticks.col
  for (let i = 0; i < ticks.n; i++) {
    const path = pathOf(instruments.contract(instrument[i]), date, order)
    const known = rows.get(path)
    if (known) known.push(i)
    else rows.set(path, [i])
  }
  return new Map(
    [...rows].map(([path, list]) => {
      const index = Int32Array.from(list)
      return [path, order === 'time' ? index.sort((a, b) => ts[a] - ts[b] || a - b) : index]
    }),
  )
}

function pathOf(contract: Contract, date: string, order: 'time' | 'arrival'): string {
  const day = `ticks/symbol=${contract.underlying}/date=${date}`
  if (order === 'arrival') return `${day}/recorded-0.parquet`
  return contract.kind === 'spot' ? `${day}/part-0.parquet` : `${day}/expiry=${contract.expiry}/part-0.parquet`
}

function pick(ticks: Batch<Tick>, rows: Int32Array): Batch<typeof Stored> {
  const picked = takeRows(ticks, rows, rows.length, allocateColumns(Tick, rows.length))
  return { n: rows.length, watermark: ticks.watermark, col: { ...picked.col, arrival: rows } }
}

function shares(batch: Batch<typeof Stored>, instruments: Instruments, date: string, path: string, order: 'time' | 'arrival'): ManifestLine[] {
  const found = new Map<number, { rows: number; min: number; max: number }>()
  const { ts, instrument } = batch.col
  for (let i = 0; i < batch.n; i++) {
    const share = found.get(instrument[i])
    if (share === undefined) found.set(instrument[i], { rows: 1, min: ts[i], max: ts[i] })
    else {
      share.rows++
      share.min = Math.min(share.min, ts[i])
      share.max = Math.max(share.max, ts[i])
    }
  }
  return [...found].map(([id, share]) => ({ contract: contractOf(instruments.name(id)), date, path, order, ...share }))
}

function writeManifest(lake: string, lines: readonly ManifestLine[]): void {
  const path = join(lake, MANIFEST)
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(`${path}.tmp`, formatManifest([...lines].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))))
    sync(`${path}.tmp`)
    renameSync(`${path}.tmp`, path)
    sync(dirname(path))
  } catch (cause) {
    rmSync(`${path}.tmp`, { force: true })
    throw writeFailure(path, cause)
  }
}
