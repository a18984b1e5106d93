import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { TickloomError } from '../../core/errors.ts'
import type { Contract } from '../../core/instruments.ts'
import { parseDate } from '../../core/time.ts'
import type { LakeFile } from './lakeFile.ts'
import { MANIFEST, readManifest } from './manifest.ts'
import { isRecording } from './recording.ts'

/**
 * The files of a lake: what its manifest names, else every dated Parquet file below it; none of a lake of recordings,
 * which recording.ts lists. Throws LAKE_MISSING, LAKE_MANIFEST.
 */
export function discover(lake: string): LakeFile[] {
  if (!existsSync(lake)) throw new TickloomError('LAKE_MISSING', `there is no lake at ${lake}`, { lake })
  if (isRecording(lake)) return []
  if (existsSync(join(lake, MANIFEST))) return readManifest(lake)
  const files: LakeFile[] = []
  for (const name of (readdirSync(lake, { recursive: true }) as string[]).sort()) {
    // Bars are no ticks.
    const file = name.endsWith('.parquet') && !name.startsWith('bars/') ? fileOfPath(lake, name) : undefined
    if (file !== undefined) files.push(file)
  }
  return files
}

/** What a path tells of a file; undefined when it has no date, so is no part of a lake. */
export function fileOfPath(lake: string, name: string): LakeFile | undefined {
  const folder = (key: string): string | undefined => new RegExp(`(?:^|/)${key}=([^/]+)/`).exec(name)?.[1]
  const leaf = name.slice(name.lastIndexOf('/') + 1, -'.parquet'.length)
  const date = folder('date') ?? leaf
  if (Number.isNaN(parseDate(date))) return undefined
  const symbol = folder('symbol')
  const contract = contractOfPath(symbol, folder('expiry'), folder('strike'), leaf)
  const shares = contract === undefined ? [] : [{ contract, rows: undefined, min: -Infinity, max: Infinity }]
  return { path: join(lake, name), date, symbol, order: leaf.startsWith('recorded-') ? 'arrival' : 'time', shares }
}

function contractOfPath(underlying: string | undefined, expiry: string | undefined, strike: string | undefined, leaf: string): Contract | undefined {
  if (underlying === undefined) return undefined
  if (leaf === 'spot') return { kind: 'spot', underlying }
  if (expiry !== undefined && strike !== undefined && (leaf === 'CE' || leaf === 'PE')) {
    return { kind: 'option', underlying, expiry, strike: Number(strike), type: leaf }
  }
  return undefined
}
