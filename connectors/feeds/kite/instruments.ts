import { existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { TickloomError } from '../../../core/errors.ts'
import { dayOf, HOUR, IST, MINUTE } from '../../../core/time.ts'
import { ownTemporary, writeAtomically } from '../../parquet/atomic.ts'
import { getBytes } from '../get.ts'
import type { KiteCredentials } from './credentials.ts'

/** A row of Kite's dump of instruments; texts as they stand there. */
export interface KiteListed {
  readonly token: number
  /** As Kite writes it, `NIFTY 50` or `NIFTY24JAN21500CE`. */
  readonly symbol: string
  /** What a contract is written on; of a share or an index a longer name of it. */
  readonly name: string
  /** YYYY-MM-DD; empty: it has none. */
  readonly expiry: string
  readonly strike: number
  /** EQ, FUT, CE or PE. */
  readonly type: string
  /** Such as NFO-OPT or INDICES. */
  readonly segment: string
  readonly exchange: string
}

export interface KiteInstrumentsOptions {
  /** The dump, plain or gzipped, where somebody else fetches it. */
  readonly file?: string
  /** Such as https://api.kite.trade. */
  readonly rest: string
  /** Where the day's dump is kept once it was fetched. */
  readonly keep?: string
  readonly credentials: KiteCredentials
  /** Microseconds. */
  readonly now: number
  readonly signal: AbortSignal
  /** For the whole answer, milliseconds. */
  readonly timeout: number
  /** A dump of before was used because there was no newer one. */
  onStale?(thrown: unknown): void
}

const columns = ['instrument_token', 'tradingsymbol', 'name', 'expiry', 'strike', 'instrument_type', 'segment', 'exchange'] as const
const LARGEST = 100_000_000

/**
 * Calls for each instrument of the day's dump, of which there are a hundred thousand. Throws FEED_UNREACHABLE,
 * FEED_REFUSED, and INPUT_UNREADABLE for a file that is not there or is no dump.
 */
export async function eachListed(options: KiteInstrumentsOptions, call: (listed: KiteListed) => void): Promise<void> {
  const { file, keep, rest, now } = options
  if (file !== undefined) return readDump(read(file), file, call)
  if (keep !== undefined && existsSync(keep) && dumpOf(statSync(keep).mtimeMs * 1000) === dumpOf(now)) return readDump(read(keep), keep, call)
  let bytes: Buffer
  try {
    bytes = await fetched(options)
  } catch (thrown) {
    const passes = thrown instanceof TickloomError && thrown.code === 'FEED_UNREACHABLE'
    if (!passes || keep === undefined || !existsSync(keep)) throw thrown
    options.onStale?.(thrown)
    return readDump(read(keep), keep, call)
  }
  readDump(bytes, rest, call)
  if (keep !== undefined) await keepDump(keep, bytes, now)
}

/** Kite makes one dump a day, about half past eight in the morning: the number of the newest at an instant. */
function dumpOf(ts: number): number {
  return dayOf(ts - 8 * HOUR - 30 * MINUTE, IST)
}

async function fetched({ rest, credentials, signal, timeout }: KiteInstrumentsOptions): Promise<Buffer> {
  const headers = { 'x-kite-version': '3', authorization: credentials.authorization }
  return getBytes(`${rest}/instruments`, { signal, timeout, largest: LARGEST, headers, authorized: true })
}

/** Its time is when it was fetched, by the clock that looks at it again. */
async function keepDump(keep: string, bytes: Buffer, now: number): Promise<void> {
  await writeAtomically(keep, async (temporary) => writeFileSync(temporary, bytes), ownTemporary(keep))
  utimesSync(keep, now / 1_000_000, now / 1_000_000)
}

function read(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new TickloomError('INPUT_UNREADABLE', `the instruments cannot be read: ${(cause as Error).message}`, { file }, cause)
  }
}

/** Throws INPUT_UNREADABLE for what is no dump: a column is missing, or a row has no token. */
function readDump(bytes: Buffer, from: string, call: (listed: KiteListed) => void): void {
  const text = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes
  let places: number[] | undefined
  for (let start = 0, line = 1; start < text.length; line++) {
    const newline = text.indexOf(10, start)
    const end = newline === -1 ? text.length : newline
    const cells = cellsOf(text.toString('utf8', start, end).trimEnd())
    start = end + 1
    if (places === undefined) places = placesOf(cells, from)
    else if (cells.length > 1) call(listedOf(cells, places, from, line))
  }
}

function placesOf(heading: readonly string[], from: string): number[] {
  return columns.map((column) => {
    const place = heading.indexOf(column)
    if (place === -1) throw new TickloomError('INPUT_UNREADABLE', `${from} is no dump of instruments: it has no column ${column}`, { from, column })
    return place
  })
}

function listedOf(cells: readonly string[], places: readonly number[], from: string, line: number): KiteListed {
  const [token, symbol, name, expiry, strike, type, segment, exchange] = places.map((place) => cells[place] ?? '')
  if (!/^[1-9]\d{0,9}$/.test(token)) throw new TickloomError('INPUT_UNREADABLE', `line ${line} of ${from} has no instrument_token`, { from, line })
  return { token: Number(token), symbol, name, expiry, strike: Number(strike), type, segment, exchange }
}

/** Cells of a line; those in quotes may have commas, and a quote twice for one. */
function cellsOf(line: string): string[] {
  if (!line.includes('"')) return line.split(',')
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain)
}
