import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CachedPlan } from '../../../connectors/parquet/cachePlan.ts'
import { planCached } from '../../../connectors/parquet/cachePlan.ts'
import type { ReplayFilter } from '../../../connectors/parquet/plan.ts'
import { parquetSource } from '../../../connectors/parquet/source.ts'
import type { Schema } from '../../../core/batch.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Trade } from '../../../core/market.ts'
import type { Position } from '../../../core/ports.ts'
import { type Row, toRows } from '../../kit/table.ts'

export const PLENTY = 1e9

export interface Reading {
  readonly lake: string
  readonly filter?: ReplayFilter
  readonly columns?: Schema
  /** Folder of the cache; undefined: none. */
  readonly cache?: string
  readonly bytes?: number
  /** Days are begun after so many of their rows. */
  readonly after?: number
  readonly reader?: 'native' | 'duckdb'
}

export interface WhatWasRead {
  /** Rows by day. */
  readonly rows: Record<string, Row[]>
  /** Where each day ended: position and watermark. */
  readonly ends: Record<string, { position: Position; watermark: number }>
  readonly warnings: string[]
  readonly names: readonly string[]
}

/** Everything that a fresh source gives. */
export async function readDays({ lake, filter = {}, columns = Trade, cache, bytes = PLENTY, after = 0, reader }: Reading): Promise<WhatWasRead> {
  const instruments = new Instruments()
  const warnings: string[] = []
  const source = parquetSource({
    lake,
    ...filter,
    columns,
    instruments,
    reader,
    cache: cache === undefined ? undefined : { dir: cache, bytes },
    warn: (message) => warnings.push(message),
  })
  const rows: WhatWasRead['rows'] = {}
  const ends: WhatWasRead['ends'] = {}
  for (const { name } of await source.partitions()) {
    rows[name] = []
    for await (const { batch, after: at } of source.open(name, after === 0 ? undefined : { rows: after }, new AbortController().signal)) {
      rows[name].push(...toRows(batch, columns, instruments))
      ends[name] = { position: at(batch.n), watermark: batch.watermark }
    }
  }
  await source.close()
  return { rows, ends, warnings, names: Array.from({ length: instruments.size }, (_, id) => instruments.name(id)) }
}

/** The days that the cache has. */
export async function heldDays({ lake, filter = {}, columns = Trade, cache = '' }: Reading): Promise<string[]> {
  const plan: CachedPlan = await planCached(lake, { ...filter, columns }, { dir: cache, bytes: PLENTY }, () => undefined)
  return plan.cache.days.filter(({ held }) => held).map(({ date }) => date)
}

/** Every file below the folder of the cache. */
export function filesOf(cache: string): string[] {
  return readdirSync(cache, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/** Turns one bit over; a negative `at` counts from the end. */
export function flipBit(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at < 0 ? bytes.length + at : at] ^= 1
  writeFileSync(path, bytes)
}
