import { statSync } from 'node:fs'
import { Bar, Ohlc } from '../../../core/bar.ts'
import { TickloomError } from '../../../core/errors.ts'
import { type Contract, contractOf, nameOf } from '../../../core/instruments.ts'
import { Tick } from '../../../core/market.ts'
import { DAY, formatTime, parseDate, startOfDay, type Zone } from '../../../core/time.ts'
import { checksumOf } from '../checksum.ts'
import { columnsOf, instrumentOf } from '../columns.ts'
import { duckRows, identifier, quoted } from '../duck.ts'
import { type Footer, inspect } from '../inspect.ts'
import type { ContractShare } from '../lakeFile.ts'
import type { Fault, Verified, What } from './fault.ts'
import { unreadable } from './unreadable.ts'

/** A file of ticks or bars, and what the manifest, or its path, says of it. */
export interface TickFile {
  readonly path: string
  /** From the lake's folder on. */
  readonly name: string
  readonly holds: 'ticks' | 'bars'
  readonly date: string
  readonly symbol: string | undefined
  readonly order: 'time' | 'arrival'
  /** Rows and times are only compared where the manifest gives them. */
  readonly shares: readonly ContractShare[]
  readonly checksum: string | undefined
}

/** Whose day a date is: the zone of the market that the contract is of. */
export type ZoneOf = (contract: Contract) => Zone

/** One instrument's rows; `<check>` counts those that fail it. */
interface Found extends Partial<Record<What, number>> {
  readonly name: string | null
  readonly rows: number
  readonly min: number | null
  readonly max: number | null
}

/**
 * Reads a file once, every column of it, and compares it with what is said of it: checksum, schema, contracts with their
 * rows and times, order, date, prices. Never throws for what is wrong with the file.
 */
export async function verifyTicks(file: TickFile, zoneOf: ZoneOf): Promise<Verified> {
  const faults: Fault[] = []
  const fault = (what: What, expected: string, found: string): void => void faults.push({ file: file.name, what, expected, found })
  if (statSync(file.path, { throwIfNoEntry: false }) === undefined) {
    fault('missing file', `${sum(file.shares)} rows`, 'no such file')
    return { rows: 0, faults }
  }
  if (file.checksum !== undefined) {
    const checksum = checksumOf(file.path)
    if (checksum !== file.checksum) fault('checksum', file.checksum, checksum)
  }
  try {
    const [footer] = await inspect([file.path])
    const rows = rowsOf(file, footer)
    const zone = zoneOf(file.shares[0]?.contract ?? { kind: 'spot', underlying: file.symbol ?? '' })
    const checks = checksOf(file, footer, zone)
    const found = await readWhole(file, footer, rows, checks)
    compare(file, found, fault)
    for (const [what, check] of checks) {
      const bad = found.reduce((n, one) => n + (one[what] ?? 0), 0)
      if (bad > 0) fault(what, check.expected, `${counted(bad)}, the first ${await firstRow(rows, check.where, zone)}`)
    }
    return { rows: found.reduce((n, one) => n + one.rows, 0), faults }
  } catch (cause) {
    if (!(cause instanceof TickloomError)) throw cause
    if (cause.code === 'FILE_SCHEMA') fault('schema', `${cause.at['column']} ${cause.at['wanted']}`, `${cause.at['found']}`)
    else if (cause.code === 'FILE_CORRUPT') faults.push(await unreadable(file.path, file.name, cause))
    else throw cause
    return { rows: 0, faults }
  }
}

/** The file as a table of DuckDB's with the row's number, its instrument and what stood in the row above. Throws FILE_SCHEMA. */
function rowsOf(file: TickFile, footer: Footer): string {
  const price = priceOf(file, footer)
  const plan = instrumentOf({ ...file, shares: file.shares }, footer)
  const told = {
    names: 'instrument::VARCHAR',
    code: "concat_ws(':', symbol, strftime(expiry, '%Y-%m-%d'), strike, opt_type)",
    constant: quoted(plan.kind === 'constant' ? plan.name : ''),
  }[plan.kind]
  const arrival = footer.columns.has('arrival') ? 'arrival' : 'file_row_number'
  const all = [...footer.columns.keys()].map(identifier).join(', ')
  return `(SELECT file_row_number + 1 AS pos, ${told} AS name, ts, ${identifier(price)} AS price, ${arrival} AS arrived, lag(ts) OVER () AS before,
    lag(${arrival}) OVER () AS arrived_before, ${file.holds === 'bars' ? 'open, high, low, close, ' : ''}hash(${all}) AS content
    FROM read_parquet(${quoted(file.path)}, hive_partitioning = false, file_row_number = true))`
}

/** The column that is the last price; of bars their close. Throws FILE_SCHEMA. */
function priceOf({ path, holds }: TickFile, footer: Footer): string {
  if (holds === 'ticks') return columnsOf(footer, Tick).find(({ name }) => name === 'price')?.column as string
  columnsOf(footer, Bar)
  for (const column of Object.keys(Ohlc))
    if (!footer.columns.has(column))
      throw new TickloomError('FILE_SCHEMA', `${path} has no ${column}`, { file: path, column, found: 'no such column', wanted: 'DOUBLE' })
  return 'close'
}

interface Check {
  readonly where: string
  readonly expected: string
}

function checksOf({ date, order, holds }: TickFile, footer: Footer, zone: Zone): Map<What, Check> {
  const from = startOfDay(parseDate(date), zone)
  const inTime = order === 'time'
  const checks = new Map<What, Check>([
    ['time missing', { where: 'ts IS NULL', expected: 'a time in every row' }],
    ['instrument', { where: 'name IS NULL', expected: 'an instrument in every row' }],
    ['date', { where: `epoch_us(ts) < ${from} OR epoch_us(ts) >= ${from + DAY}`, expected: `rows of ${date} ${zone.name}` }],
    ['price', { where: 'NOT coalesce(price > 0 AND isfinite(price), false)', expected: 'prices above 0, and finite' }],
  ])
  if (holds === 'bars')
    checks.set('bar', {
      where: 'NOT coalesce(low > 0 AND low <= least(open, close) AND high >= greatest(open, close) AND isfinite(high), false)',
      expected: 'low <= open, close <= high',
    })
  if (inTime) checks.set('time order', { where: 'ts < before', expected: 'no row earlier than the one above' })
  if (footer.columns.has('arrival'))
    checks.set('arrival order', { where: `${inTime ? 'ts = before AND ' : ''}arrived <= arrived_before`, expected: 'arrival rises from row to row' })
  return checks
}

/** Every row, by instrument. The hash is there so that every page of every column is decoded. Throws FILE_CORRUPT. */
async function readWhole(file: TickFile, footer: Footer, rows: string, checks: ReadonlyMap<What, Check>): Promise<Found[]> {
  const counts = [...checks].map(([what, { where }]) => `count(*) FILTER (${where})::DOUBLE AS ${identifier(what)}`)
  try {
    return await duckRows<Found>(`SELECT name, count(*)::DOUBLE AS rows, min(epoch_us(ts))::DOUBLE AS min, max(epoch_us(ts))::DOUBLE AS max,
      bit_xor(content)::VARCHAR AS content, ${counts.join(', ')} FROM ${rows} GROUP BY name ORDER BY name`)
  } catch (cause) {
    throw new TickloomError(
      'FILE_CORRUPT',
      `${file.path} cannot be read`,
      { file: file.path, groups: footer.groups.map((group) => group.rows) },
      cause,
    )
  }
}

/** The contracts found against those that are said to be there. */
function compare(file: TickFile, found: readonly Found[], fault: (what: What, expected: string, found: string) => void): void {
  const told = new Map(file.shares.map((share) => [nameOf(share.contract), share]))
  for (const { name, rows, min, max } of found) {
    if (name === null) continue
    const share = told.get(name)
    told.delete(name)
    if (share === undefined) {
      if (!isInstrument(name)) fault('instrument', 'names of instruments', `"${name}" in ${counted(rows)}`)
      else if (file.shares.length > 0) fault('contract not in the manifest', 'none but those in the manifest', `${name}, ${counted(rows)}`)
      continue
    }
    if (share.rows === undefined) continue
    if (share.rows !== rows) fault('rows', `${share.rows} of ${name}`, `${rows}`)
    if (share.min !== min) fault('first time', `${utc(share.min)} of ${name}`, utc(min))
    if (share.max !== max) fault('last time', `${utc(share.max)} of ${name}`, utc(max))
  }
  for (const [name, { rows }] of told) if (rows !== 0 && found.length > 0) fault('contract without rows', `${rows ?? 'some'} rows of ${name}`, 'none')
  if (found.length === 0 && sum(file.shares) > 0) fault('rows', `${sum(file.shares)}`, '0')
}

async function firstRow(rows: string, where: string, zone: Zone): Promise<string> {
  const [row] = await duckRows<{ pos: number; name: string | null; ts: number | null; before: number | null; price: number | null }>(
    `SELECT pos::DOUBLE AS pos, name, epoch_us(ts)::DOUBLE AS ts, epoch_us(before)::DOUBLE AS before, price::DOUBLE AS price FROM ${rows} WHERE ${where} ORDER BY pos LIMIT 1`,
  )
  const at = (ts: number | null): string => (ts === null ? 'no time' : formatTime(ts, zone))
  return `row ${row.pos}: ${row.name ?? 'no instrument'} at ${at(row.ts)}, price ${row.price ?? 'missing'}${row.before === null ? '' : `, after ${at(row.before)}`}`
}

function isInstrument(name: string): boolean {
  try {
    contractOf(name)
    return true
  } catch (cause) {
    if (cause instanceof TickloomError) return false
    throw cause
  }
}

function sum(shares: readonly ContractShare[]): number {
  return shares.reduce((n, { rows }) => n + (rows ?? 0), 0)
}

function counted(rows: number): string {
  return `${rows} row${rows === 1 ? '' : 's'}`
}

function utc(ts: number | null): string {
  return ts === null ? 'none' : `${formatTime(ts, { name: 'UTC', offset: 0 })} UTC`
}
