import type { Session } from 'chdb'
import type { Column } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import type { Instruments } from '../../core/instruments.ts'
import { closeReader, embeddedReader } from '../clickhouse/engine.ts'
import { type Chunk, CODE, Constants, codesToIds } from './chunk.ts'
import { corrupt } from './inspect.ts'
import { paddedName, readBlock } from './nativeBlock.ts'
import type { FilePlan } from './plan.ts'

/** Reads a file with the embedded ClickHouse engine. Throws FILE_CORRUPT. */
export async function* openNative(file: FilePlan, instruments: Instruments, rows: number): AsyncGenerator<Chunk, void, undefined> {
  const session: Session = embeddedReader()
  try {
    yield* chunksOf(session, file, instruments, rows)
  } catch (cause) {
    throw cause instanceof TickloomError ? cause : corrupt(file.path, cause)
  } finally {
    closeReader(session)
  }
}

async function* chunksOf(session: Session, file: FilePlan, instruments: Instruments, rows: number): AsyncGenerator<Chunk, void, undefined> {
  const present = file.columns.filter((column) => column.column !== undefined)
  const missing = file.columns.filter((column) => column.column === undefined)
  const constants = new Constants(file, instruments)
  const coded = file.instrument.kind !== 'constant'
  const toIds = codesToIds(file, instruments)
  const stream = session.queryStream(nativeQuery(file, rows), { format: 'Native' })
  try {
    for await (const piece of stream) {
      const bytes = piece.raw()
      for (let at = 0; at < bytes.byteLength; ) {
        const block = readBlock(bytes, at)
        at = block.end
        if (block.n === 0) continue
        const col: Record<string, Column> = {}
        for (let i = 0; i < present.length; i++) col[present[i].name] = block.columns[i]
        for (const { name } of missing) col[name] = constants.missing(block.n)
        const codes = block.columns[present.length] as Int32Array
        if (coded) toIds(codes, block.n)
        col['instrument'] = coded ? codes : constants.ids(block.n)
        yield { n: block.n, col, free: at < bytes.byteLength ? undefined : () => void (bytes.buffer as ArrayBuffer).transfer(0) }
      }
    }
  } finally {
    stream.cancel()
  }
}

/** The query of a file in ClickHouse's SQL: the columns that it has, in order, then the instrument's code. */
export function nativeQuery(file: FilePlan, rows: number): string {
  const structure = new Map<string, string>()
  const select = file.columns.flatMap(({ name, kind, column, nullable }, i) => {
    if (column === undefined) return []
    structure.set(column, nullable ? `Nullable(${typeOf(kind)})` : typeOf(kind))
    return [`${expressionOf(kind, ident(column), nullable)} AS ${ident(paddedName(name, 'Float64', i === 0 ? 4 : 0))}`]
  })
  const code = codeOf(file, structure)
  if (code !== undefined) select.push(`${code} AS ${ident(paddedName(CODE, 'Int32', 0))}`)
  const where = conditionsOf(file, structure)
  const columns = [...structure].map(([name, type]) => `${ident(name)} ${type}`).join(', ')
  // Order of the file: one stream out of the storage, and the decoder told to keep it.
  return `SELECT ${select.join(', ')} FROM file(${text(file.path)}, 'Parquet', ${text(columns)})${where === '' ? '' : ` WHERE ${where}`}
    SETTINGS max_threads = 1, max_parsing_threads = 1, max_block_size = ${rows}, input_format_parquet_preserve_order = 1,
      parallelize_output_from_storages = 0, input_format_parquet_enable_row_group_prefetch = 0,
      input_format_null_as_default = 0, input_format_parquet_allow_missing_columns = 0`
}

function typeOf(kind: 'time' | 'f64'): string {
  return kind === 'time' ? "DateTime64(6, 'UTC')" : 'Float64'
}

function expressionOf(kind: 'time' | 'f64', column: string, nullable: boolean): string {
  const value = kind === 'time' ? `toFloat64(toUnixTimestamp64Micro(${column}))` : column
  return nullable ? `ifNull(${value}, nan)` : value
}

function codeOf({ instrument: plan }: FilePlan, structure: Map<string, string>): string | undefined {
  if (plan.kind === 'constant') return undefined
  if (plan.kind === 'names') {
    structure.set('instrument', 'String')
    return `transform(instrument, [${plan.names.map(text).join(', ')}], CAST(range(${plan.names.length}), 'Array(Int32)'), toInt32(-1))`
  }
  structure.set('strike', 'Int32').set('opt_type', 'String')
  const inExpiry = `(strike - ${plan.minStrike}) * 2 + (opt_type = 'PE')`
  if (plan.size === plan.stride) return `toInt32(${inExpiry})`
  structure.set('expiry', 'Date32')
  return `toInt32((toInt32(expiry) - ${plan.minExpiry}) * ${plan.stride} + ${inExpiry})`
}

function conditionsOf({ where, instrument }: FilePlan, structure: Map<string, string>): string {
  const all: string[] = []
  if (where.from !== -Infinity) all.push(`ts >= fromUnixTimestamp64Micro(${where.from}, 'UTC')`)
  if (where.to !== Infinity) all.push(`ts < fromUnixTimestamp64Micro(${where.to}, 'UTC')`)
  if (where.names !== undefined && instrument.kind === 'names') all.push(`instrument IN (${where.names.map(text).join(', ')})`)
  for (const { column, in: values, between } of where.columns) {
    if (!structure.has(column)) structure.set(column, 'Date32')
    const literal = (v: string | number): string => (typeof v === 'number' ? String(v) : column === 'expiry' ? `toDate32(${text(v)})` : text(v))
    if (between !== undefined) all.push(`${column} BETWEEN ${between[0]} AND ${between[1]}`)
    else all.push(values === undefined || values.length === 0 ? '1 = 0' : `(${values.map((v) => `${column} = ${literal(v)}`).join(' OR ')})`)
  }
  return all.join(' AND ')
}

function text(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

function ident(value: string): string {
  return `\`${value.replaceAll('`', '\\`')}\``
}
