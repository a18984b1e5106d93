import { resolve } from 'node:path'
import { InvalidArgumentError } from 'commander'
import type { CacheOptions } from '../connectors/parquet/cachePlan.ts'

const units: Readonly<Record<string, number>> = { MB: 1e6, GB: 1e9, TB: 1e12 }

/** `500MB`, `20GB`, `1TB` as bytes. */
export function byteSize(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)(MB|GB|TB)$/.exec(text)
  const bytes = parts ? Math.round(Number(parts[1]) * units[parts[2]]) : 0
  if (bytes <= 0) throw new InvalidArgumentError('It is a size such as 500MB or 20GB.')
  return bytes
}

/** Where replays keep decoded days: what the flag says, else TICKLOOM_CACHE; `off`, or neither, is nowhere. */
export function cacheOf(flag: string | undefined, bytes: number, environment: NodeJS.ProcessEnv = process.env): CacheOptions | undefined {
  const dir = flag ?? environment['TICKLOOM_CACHE']
  return dir === undefined || dir === '' || dir === 'off' ? undefined : { dir: resolve(dir), bytes }
}

/** A cache that cannot be used costs time, no row: it is said, and the replay goes on. */
export function warnOfCache(message: string): void {
  process.stderr.write(`tickloom: ${message}\n`)
}
