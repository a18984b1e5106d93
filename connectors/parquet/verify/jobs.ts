import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Fault } from './fault.ts'
import type { TickFile } from './file.ts'

const RECORDS = 'meta/packed'

/**
 * What each pack says it brought into the lake against what the manifests have of it: a file that is gone together with
 * its lines shows nowhere else.
 */
export function verifyJobs(lake: string, files: readonly TickFile[]): Fault[] {
  const folder = join(lake, RECORDS)
  if (!existsSync(folder)) return []
  const listed = new Map<string, number>()
  for (const { name, shares } of files) {
    const job = /\/part-([0-9a-f]+)-\d+\.parquet$/.exec(name)?.[1]
    if (job !== undefined) listed.set(job, (listed.get(job) ?? 0) + shares.reduce((sum, { rows }) => sum + (rows ?? 0), 0))
  }
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) => {
      const packed = packedOf(join(folder, name))
      const found = listed.get(name.slice(0, -'.json'.length)) ?? 0
      if (packed === found) return []
      const expected = packed === undefined ? 'the record of a pack' : `${packed} rows packed`
      return [
        {
          file: `${RECORDS}/${name}`,
          what: packed === undefined ? 'unreadable' : 'rows',
          expected,
          found: packed === undefined ? 'none' : `${found} in the manifest`,
        },
      ]
    })
}

/** Rows that a pack put into the lake; undefined where the file does not tell. */
function packedOf(path: string): number | undefined {
  try {
    const { packed } = JSON.parse(readFileSync(path, 'utf8')) as { packed?: unknown }
    return typeof packed === 'number' ? packed : undefined
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined
    throw cause
  }
}
