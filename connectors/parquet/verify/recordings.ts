import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TickloomError } from '../../../core/errors.ts'
import { HEARTBEAT, Quote } from '../../../core/market.ts'
import { dayOf, formatDate, formatTime, UTC, type Zone } from '../../../core/time.ts'
import { columnsOf } from '../columns.ts'
import { duckRows, quoted } from '../duck.ts'
import { corrupt, inspect } from '../inspect.ts'
import type { OutputFile } from '../outputManifest.ts'
import { RECORDED, type Recording } from '../recording.ts'
import type { Fault, Verified, What } from './fault.ts'
import { unreadable } from './unreadable.ts'

interface Found {
  readonly rows: number
  readonly heartbeats: number
  readonly min: number | null
  readonly max: number | null
  readonly nameless: number
}

/**
 * Reads the epochs of one partition of a log on one date against its journal. `reached` is the highest time before it;
 * answers the highest after it, too. Prices are as they came, so whatever they are is right.
 */
export async function verifyRecording(
  lake: string,
  { date, files }: Recording,
  zone: Zone,
  reached: number,
  onFile: (bytes: number, rows: number) => void,
): Promise<Verified & { readonly reached: number }> {
  const faults: Fault[] = []
  let rows = 0
  let highest = reached
  for (const file of files) {
    const found = await verifyEpoch(lake, file, faults)
    onFile(file.bytes, found?.rows ?? 0)
    if (found === undefined) continue
    rows += found.rows
    if (found.max !== null) highest = Math.max(highest, found.max)
    const arrived = highest === -Infinity ? date : formatDate(dayOf(highest, zone))
    if (arrived !== date)
      faults.push({ file: file.path, what: 'date', expected: `arrivals of ${date} ${zone.name}`, found: `time had come to ${arrived}` })
  }
  return { rows, faults, reached: highest }
}

async function verifyEpoch(lake: string, file: OutputFile, faults: Fault[]): Promise<Found | undefined> {
  const path = join(lake, file.path)
  const fault = (what: What, expected: string, found: string): void => void faults.push({ file: file.path, what, expected, found })
  const size = statSync(path, { throwIfNoEntry: false })?.size
  if (size === undefined) {
    fault('missing file', `${file.rows} rows`, 'no such file')
    return undefined
  }
  if (size !== file.bytes) fault('size', `${file.bytes} bytes`, `${size} bytes`)
  try {
    const [footer] = await inspect([path])
    columnsOf(footer, Quote, true)
    const found = await read(path)
    if (found.nameless > 0) fault('instrument', 'an instrument in every row', `${found.nameless} rows without`)
    if (found.rows !== file.rows) fault('rows', `${file.rows}`, `${found.rows}`)
    if (found.heartbeats !== (file.heartbeats ?? 0)) fault('rows', `${file.heartbeats ?? 0} of ${HEARTBEAT}`, `${found.heartbeats}`)
    if (found.min !== file.min) fault('first time', utc(file.min), utc(found.min))
    if (found.max !== file.max) fault('last time', utc(file.max), utc(found.max))
    return found
  } catch (cause) {
    if (!(cause instanceof TickloomError)) throw cause
    if (cause.code === 'FILE_SCHEMA') fault('schema', `${cause.at['column']} ${cause.at['wanted']}`, `${cause.at['found']}`)
    else if (cause.code === 'FILE_CORRUPT') faults.push(await unreadable(path, file.path, cause))
    else throw cause
    return undefined
  }
}

async function read(path: string): Promise<Found> {
  try {
    const [found] = await duckRows<Found>(`
      SELECT count(*)::DOUBLE AS rows, count(*) FILTER (instrument = ${quoted(HEARTBEAT)})::DOUBLE AS heartbeats, count(*) FILTER (instrument IS NULL)::DOUBLE AS nameless,
        min(epoch_us(ts))::DOUBLE AS min, max(epoch_us(ts))::DOUBLE AS max, bit_xor(hash(t))::VARCHAR AS content
      FROM read_parquet(${quoted(path)}, hive_partitioning = false) t`)
    return found
  } catch (cause) {
    throw corrupt(path, cause)
  }
}

/** Files of recordings that no journal names. */
export function strayEpochs(lake: string, recordings: readonly Recording[]): Fault[] {
  const named = new Set(recordings.flatMap(({ files }) => files.map(({ path }) => path)))
  const folder = join(lake, RECORDED)
  if (!existsSync(folder)) return []
  return (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => /\.parquet(?:\..*tmp|\.tmp)?$/.test(name) && !named.has(join(RECORDED, name)))
    .sort()
    .map((name) => ({ file: join(RECORDED, name), what: 'file not in the manifest', expected: 'a journal that names it', found: 'none does' }))
}

function utc(ts: number | null): string {
  return ts === null ? 'none' : `${formatTime(ts, UTC)} UTC`
}
