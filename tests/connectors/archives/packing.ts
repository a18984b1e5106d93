import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll } from 'vitest'
import { operatorCleaner } from '../../../cli/packClean.ts'
import { packMarkets } from '../../../cli/packMarket.ts'
import { pack } from '../../../connectors/archives/pack.ts'
import type { PackOptions, PackSummary } from '../../../connectors/archives/packing.ts'
import { inlinePool } from '../../../connectors/archives/pool.ts'
import { duckRows } from '../../../connectors/parquet/duck.ts'
import { readLines } from '../../../connectors/parquet/manifest.ts'
import { nseCalendar } from '../../../markets/nse/calendar.ts'

const folders: string[] = []

/** A folder that is gone after the file's tests. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pack-'))
  folders.push(folder)
  return folder
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Writes an input and answers its path. */
export function input(folder: string, name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
  return path
}

/** Packs in this process, as the command line does in several. */
export function packHere(lake: string, inputs: readonly string[], options: Partial<PackOptions> = {}): Promise<PackSummary> {
  return pack(
    { clean: false, ...options, inputs, lake },
    inlinePool(packMarkets, () => operatorCleaner(nseCalendar)),
  )
}

/** A row of the lake, its time as the wall clock in IST. */
export interface PackedRow {
  readonly time: string
  readonly instrument: string
  readonly price: number
  readonly volume: number | null
  readonly oi: number | null
  readonly bid: number | null
  readonly ask: number | null
}

/** What the manifest names, file after file, each in its order. */
export async function packedRows(lake: string): Promise<PackedRow[]> {
  const files = [...new Set(readLines(lake).map(({ path }) => join(lake, path)))].sort()
  if (files.length === 0) return []
  return duckRows<PackedRow>(`
    SELECT strftime(make_timestamp(epoch_us(ts) + 19800000000), '%Y-%m-%d %H:%M:%S.%f') AS time, instrument::VARCHAR AS instrument, price, volume, oi, bid, ask
    FROM read_parquet([${files.map((file) => `'${file}'`).join(', ')}], hive_partitioning = false, filename = true, file_row_number = true)
    ORDER BY filename, file_row_number`)
}

/** The ledger's rows: member, reason, rows and the first sample. */
export function ledgerRows(
  lake: string,
): Promise<{ member: string; date: string | null; reason: string; rows: number; line: number | null; text: string | null }[]> {
  return duckRows(`
    SELECT member, strftime(date, '%Y-%m-%d') AS date, reason, rows::INTEGER AS rows, samples[1].line::INTEGER AS line, samples[1]."text" AS text
    FROM read_parquet('${lake}/meta/ledger.parquet') ORDER BY input, member, date NULLS FIRST, reason`)
}
