import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { endianness } from 'node:os'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Schema } from '../../core/batch.ts'
import { IST, type Zone } from '../../core/time.ts'
import type { LakeFile } from './lakeFile.ts'
import type { ReplayFilter } from './prune.ts'

/** Raise it when other rows, or the same in another order, come out of the same files, or when a FilePlan changes its shape. */
const READING = 1

/** Milliseconds within which a file may be written twice and keep its time: two ticks of the slowest kernel clock. */
const CLOCK_TICK = 20

/** One state of a file: size, times of content and inode to the nanosecond, inode. */
export interface FileState {
  readonly path: string
  readonly state: string
}

/** What the rows of a day follow from; days with one key have the same rows in the same order. */
export interface DayKey {
  readonly date: string
  readonly key: string
  readonly files: readonly FileState[]
}

/**
 * The keys of the days that the files belong to, in order of date, from names, manifest and the file system alone.
 *
 * A file written within the last clock tick is waited for, so that whatever is written to it from now on shows.
 */
export async function dayKeys(
  files: readonly LakeFile[],
  filter: ReplayFilter & { readonly columns: Schema; readonly zone?: Zone },
): Promise<DayKey[]> {
  const days = new Map<string, LakeFile[]>()
  // Of rows of one time the order is that of the paths as they are spelled.
  for (const file of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) days.set(file.date, [...(days.get(file.date) ?? []), file])
  if (files.some(({ path }) => Date.now() - changed(path) < CLOCK_TICK)) await sleep(CLOCK_TICK)
  const wanted = wantedOf(filter)
  return [...days]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([date, files]) => {
      const states = files.map(({ path }) => stateOf(resolve(path)))
      const all = files.map(({ order, symbol, shares }, i) => [states[i], order, symbol, shares])
      const key = createHash('sha256')
        .update(JSON.stringify([READING, endianness(), date, wanted, all]))
        .digest('hex')
      return { date, key, files: states }
    })
}

/** Whether every file is still in the state that the key was made of. */
export function isUnchanged({ files }: DayKey): boolean {
  return files.every((file) => stateOf(file.path).state === file.state)
}

function wantedOf({ columns, zone = IST, timeFrom, timeTo, symbols, strikes, expiries, types }: Parameters<typeof dayKeys>[1]): unknown {
  const list = (values: readonly (string | number)[] | undefined): unknown => values && [...new Set(values)].sort()
  const ofStrikes = strikes !== undefined && 'min' in strikes ? strikes : list(strikes)
  return [Object.entries(columns), zone.offset, timeFrom, timeTo, list(symbols), ofStrikes, list(expiries), list(types)].map((part) => part ?? null)
}

function stateOf(path: string): FileState {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return { path, state: stat === undefined ? 'missing' : `${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}` }
}

function changed(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? -Infinity : Math.max(stat.mtimeMs, stat.ctimeMs)
}
