import { existsSync, readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { TickloomError } from '../../core/errors.ts'
import type { Contract } from '../../core/instruments.ts'
import { formatTime, parseDate, startOfDay, UTC } from '../../core/time.ts'
import type { ContractShare, LakeFile } from './lakeFile.ts'

/** Where a lake keeps its manifest: one line a contract and file. */
export const MANIFEST = 'meta/packed_manifest.csv'
/** Where it keeps that of its bars, which lie below `bars/`: whoever reads ticks never sees them. */
export const BARS_MANIFEST = 'meta/bars_manifest.csv'

/** One line of a manifest; `path` is relative to the lake, times are microseconds. */
export interface ManifestLine {
  readonly contract: Contract
  readonly date: string
  readonly rows: number
  readonly min: number
  readonly max: number
  readonly path: string
  readonly order: 'time' | 'arrival'
  /** Of the file, as checksum.ts makes it; undefined where none was recorded. */
  readonly checksum?: string
}

const HEADING = 'symbol,date,expiry,strike,type,rows,min_ts,max_ts,path,order,checksum'

/** The files that the manifest of the lake names. Throws LAKE_MANIFEST naming the line or the file that is not there. */
export function readManifest(lake: string): LakeFile[] {
  const files = new Map<string, { line: ManifestLine; shares: ContractShare[] }>()
  for (const line of readLines(lake)) {
    const { contract, rows, min, max } = line
    const known = files.get(line.path)
    if (known === undefined) files.set(line.path, { line, shares: [{ contract, rows, min, max }] })
    else known.shares.push({ contract, rows, min, max })
  }
  return [...files.values()].map(({ line, shares }) => {
    const path = isAbsolute(line.path) ? line.path : join(lake, line.path)
    if (!existsSync(path)) throw new TickloomError('LAKE_MANIFEST', `${join(lake, MANIFEST)} names ${line.path}, which is not there`, { file: path })
    return { path, date: line.date, symbol: line.contract.underlying, order: line.order, shares }
  })
}

/** The lines of the manifest of the lake, none when it has no manifest. */
export function readLines(lake: string, manifest = MANIFEST): ManifestLine[] {
  const path = join(lake, manifest)
  if (!existsSync(path)) return []
  const [head = '', ...lines] = readFileSync(path, 'utf8').split(/\r?\n/)
  const names = head.split(',')
  return lines.flatMap((text, i) => {
    if (text.trim() === '') return []
    const cells = text.split(',')
    const line = lineOf((name) => cells[names.indexOf(name)])
    if (typeof line === 'string') throw new TickloomError('LAKE_MANIFEST', `${path}, line ${i + 2}: ${line}`, { file: path, row: i + 2 })
    return [line]
  })
}

/** The whole manifest as text. */
export function formatManifest(lines: readonly ManifestLine[]): string {
  const rows = lines.map(({ contract: c, date, rows, min, max, path, order, checksum = '' }) => {
    const strike = c.kind === 'option' ? c.strike : ''
    const type = c.kind === 'option' ? c.type : c.kind === 'future' ? 'FUT' : ''
    return [
      c.underlying,
      date,
      c.kind === 'spot' ? '' : c.expiry,
      strike,
      type,
      rows,
      instantText(min),
      instantText(max),
      path,
      order,
      checksum,
    ].join(',')
  })
  return [HEADING, ...rows, ''].join('\n')
}

function lineOf(cell: (name: string) => string | undefined): ManifestLine | string {
  const contract = contractOfCells(cell('symbol') ?? '', cell('expiry') ?? '', cell('strike') ?? '', cell('type') ?? cell('opt_type') ?? '')
  if (typeof contract === 'string') return contract
  const date = cell('date') ?? ''
  if (Number.isNaN(parseDate(date))) return `"${date}" is not a date`
  const rows = Number(cell('rows') || NaN)
  if (!Number.isInteger(rows) || rows < 0) return `"${cell('rows')}" is not a number of rows`
  const [min, max] = [parseInstant(cell('min_ts') ?? ''), parseInstant(cell('max_ts') ?? '')]
  if (Number.isNaN(min + max)) return `"${cell('min_ts')}" or "${cell('max_ts')}" is not a time with a zone`
  const path = cell('path') ?? ''
  if (path === '') return 'the path is missing'
  const order = cell('order') === 'arrival' ? 'arrival' : 'time'
  return { contract, date, rows, min, max, path, order, checksum: cell('checksum') || undefined }
}

function contractOfCells(underlying: string, expiry: string, strike: string, type: string): Contract | string {
  if (underlying === '') return 'the symbol is missing'
  if (expiry === '') return { kind: 'spot', underlying }
  if (Number.isNaN(parseDate(expiry))) return `"${expiry}" is not an expiry date`
  if (type === 'FUT') return { kind: 'future', underlying, expiry }
  if ((type !== 'CE' && type !== 'PE') || !(Number(strike) > 0)) return `"${strike}" "${type}" is not an option's strike and type`
  return { kind: 'option', underlying, expiry, strike: Number(strike), type }
}

/** '2025-01-06T09:00:02.564500123+05:30' as microseconds, floored; NaN for anything else. */
export function parseInstant(text: string): number {
  const m = /^(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|([+-])(\d\d):?(\d\d)?)$/.exec(text)
  if (!m) return NaN
  const micros = Number((m[5] ?? '').padEnd(6, '0').slice(0, 6))
  const offset = m[6] === 'Z' ? 0 : (m[7] === '-' ? -60 : 60) * (Number(m[8]) * 60 + Number(m[9] ?? 0))
  return startOfDay(parseDate(m[1]), UTC) + (Number(m[2]) * 3600 + Number(m[3]) * 60 + Number(m[4]) - offset) * 1e6 + micros
}

function instantText(ts: number): string {
  return `${formatTime(ts, UTC).replace(' ', 'T')}Z`
}
