import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { endianness } from 'node:os'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Schema } from '../../core/batch.ts'
import { IST, type Zone } from '../../core/time.ts'
import { readingCode } from './cacheCode.ts'
import type { LakeFile } from './lakeFile.ts'
import type { ReplayFilter } from './prune.ts'

/** Milliseconds within which a file may be written twice and keep its time: two ticks of the slowest kernel clock. */
const CLOCK_TICK = 20

/** What is kept of a day: the lake's rows as they are read, or the seconds made of them. */
export type CacheKind = 'ticks' | 'seconds'
export const KINDS: readonly CacheKind[] = ['ticks', 'seconds']

/** What is kept of every day that is asked for. */
export interface Kept {
  readonly kind: CacheKind
  /** The columns kept. */
  readonly columns: Schema
  /** Digest of the code that makes the rows (cacheCode.ts). */
  readonly code: string
  /** What the rows depend on beside lake, filter and code. */
  readonly settings: Readonly<Record<string, number>>
}

/** One state of a file: size, times of content and inode to the nanosecond, inode; and a digest of what the manifest tells of it. */
export interface FileState {
  readonly path: string
  readonly state: string
  readonly told: string
}

/** Everything that the rows of a day kept follow from: days of one origin have the same rows in the same order. Plain data. */
export interface Origin extends Kept {
  readonly lake: string
  readonly date: string
  readonly zone: Zone
  /** Which rows are wanted; the dates are left out, days being kept one by one. */
  readonly filter: ReplayFilter
  readonly byteOrder: string
  readonly files: readonly FileState[]
}

export interface DayKey {
  readonly date: string
  /** SHA-256 of the origin. */
  readonly key: string
  readonly origin: Origin
}

export type Wanted = ReplayFilter & { readonly zone?: Zone }

/** A lake's decoded columns, as they are kept. */
export function ticksKept(columns: Schema): Kept {
  return { kind: 'ticks', columns, code: readingCode(), settings: {} }
}

/**
 * The keys of the days that the files belong to, in order of date, from names, manifest and the file system alone.
 *
 * A file written within the last clock tick is waited for, so that whatever is written to it from now on shows.
 */
export async function dayKeys(lake: string, files: readonly LakeFile[], wanted: Wanted, kept: Kept): Promise<DayKey[]> {
  // Of rows of one time the order is that of the paths as they are spelled.
  const days = Map.groupBy([...files].sort(bySpelling), ({ date }) => date)
  if (files.some(({ path }) => Date.now() - changed(path) < CLOCK_TICK)) await sleep(CLOCK_TICK)
  return [...days].sort(([a], [b]) => (a < b ? -1 : 1)).map(([date, files]) => keyOf(originOf(lake, date, files, wanted, kept)))
}

/** Whether every file is still in the state that the key was made of. */
export function isUnchanged({ origin }: DayKey): boolean {
  return origin.files.every((file) => stateOf(file.path) === file.state)
}

function bySpelling(a: LakeFile, b: LakeFile): number {
  return a.path < b.path ? -1 : 1
}

function keyOf(origin: Origin): DayKey {
  return { date: origin.date, key: createHash('sha256').update(JSON.stringify(origin)).digest('hex'), origin }
}

function originOf(lake: string, date: string, files: readonly LakeFile[], wanted: Wanted, { kind, columns, code, settings }: Kept): Origin {
  const { name, offset } = wanted.zone ?? IST
  const states = files.map(({ path, order, symbol, shares }) => {
    const told = createHash('sha256')
      .update(JSON.stringify([order, symbol ?? null, shares]))
      .digest('hex')
    return { path: resolve(path), state: stateOf(path), told }
  })
  const zone = { name, offset }
  return { kind, columns, code, settings, lake: resolve(lake), date, zone, filter: plainFilter(wanted, date), byteOrder: endianness(), files: states }
}

/** The filter for one date without its dates, spelled in one way. */
function plainFilter({ timeFrom, timeTo, symbols, strikes, expiries, types, contracts }: ReplayFilter, date: string): ReplayFilter {
  const list = <T extends string | number>(values: readonly T[] | undefined): T[] | undefined => values && [...new Set(values)].sort()
  const range = strikes !== undefined && 'min' in strikes ? { min: strikes.min, max: strikes.max } : undefined
  const ofStrikes = range ?? list(strikes as readonly number[] | undefined)
  const picked = list(contracts?.[date])
  return {
    timeFrom,
    timeTo,
    symbols: list(symbols),
    strikes: ofStrikes,
    expiries: list(expiries),
    types: list(types),
    contracts: picked && { [date]: picked },
  }
}

function stateOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? 'missing' : `${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}`
}

function changed(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? -Infinity : Math.max(stat.mtimeMs, stat.ctimeMs)
}
