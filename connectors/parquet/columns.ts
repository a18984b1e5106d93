import type { Schema } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import { type Contract, nameOf } from '../../core/instruments.ts'
import { formatDate, parseDate } from '../../core/time.ts'
import type { Footer, FooterColumn } from './inspect.ts'
import type { LakeFile } from './lakeFile.ts'

/** One column of the projection and the column of the file it is read from; undefined when missing, which reads as NaN. */
export interface ColumnPlan {
  readonly name: string
  readonly kind: 'time' | 'f64'
  readonly column: string | undefined
  readonly type: string | undefined
  readonly nullable: boolean
}

/**
 * How a row's instrument is told.
 *
 * `constant`: the whole file is one. `names`: a text column that holds one of these names. `code`: the integer
 * (expiry - minExpiry) * strides.expiry + (strike - minStrike) * 2 + (1 for PE), computed by the engine.
 */
export type InstrumentPlan =
  | { readonly kind: 'constant'; readonly name: string }
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | {
      readonly kind: 'code'
      readonly symbol: string
      readonly minExpiry: number
      readonly minStrike: number
      readonly stride: number
      readonly size: number
    }

/** Which rows of a file are wanted: from <= ts < to, and what else holds; every part must. */
export interface Conditions {
  readonly from: number
  readonly to: number
  /** Only these of a `names` file. */
  readonly names?: readonly string[]
  /** Only rows whose column is one of the values, or between two numbers. */
  readonly columns: readonly {
    readonly column: 'expiry' | 'strike' | 'opt_type'
    readonly in?: readonly (string | number)[]
    readonly between?: readonly [number, number]
  }[]
}

const NUMBERS = new Set(['DOUBLE', 'FLOAT', 'BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT', 'UBIGINT', 'UINTEGER', 'USMALLINT', 'UTINYINT'])
const OTHER_NAMES: Readonly<Record<string, string>> = { price: 'ltp' }
const LARGEST_CODE = 1 << 23

/** The projection on one file; `recorded`: what a feed sent, with times missing. Throws FILE_SCHEMA naming the file, the column, the type found and the one wanted. */
export function columnsOf(footer: Footer, schema: Schema, recorded = false): ColumnPlan[] {
  const plans: ColumnPlan[] = []
  for (const [name, kind] of Object.entries({ ts: 'time', ...schema })) {
    if (kind === 'instrument') continue
    if (kind !== 'f64' && kind !== 'time')
      throw new TickloomError('TOPOLOGY_INVALID', `the input column "${name}" is ${kind}; a lake has times and numbers`, { column: name })
    const column = footer.columns.has(name) ? name : OTHER_NAMES[name]
    const found = column === undefined ? undefined : footer.columns.get(column)
    if (found === undefined && (name === 'ts' || name === 'price'))
      throw wrong(footer, name, 'no such column', name === 'ts' ? 'TIMESTAMP WITH TIME ZONE' : 'DOUBLE')
    if (found !== undefined) check(footer, column as string, found, kind, name === 'ts' && !recorded)
    plans.push({ name, kind, column: found && column, type: found?.type, nullable: found?.nullable ?? false })
  }
  return plans
}

function check(footer: Footer, name: string, { type, nulls }: FooterColumn, kind: 'time' | 'f64', whole: boolean): void {
  const time = kind === 'time'
  if (time && type !== 'TIMESTAMP WITH TIME ZONE') throw wrong(footer, name, type, 'TIMESTAMP WITH TIME ZONE')
  if (!time && !NUMBERS.has(type)) throw wrong(footer, name, type, 'DOUBLE')
  if (whole && nulls > 0) throw wrong(footer, name, `${nulls} missing values`, 'none')
}

function wrong({ path }: Footer, column: string, found: string, wanted: string): TickloomError {
  return new TickloomError('FILE_SCHEMA', `${path}: column ${column} is ${found}, wanted ${wanted}`, { file: path, column, found, wanted })
}

/** How the instruments of a file are told. Throws FILE_SCHEMA when nothing tells them. */
export function instrumentOf(file: LakeFile, footer: Footer): InstrumentPlan {
  const column = footer.columns.get('instrument')
  if (column !== undefined) {
    if (column.type !== 'VARCHAR') throw wrong(footer, 'instrument', column.type, 'VARCHAR')
    return { kind: 'names', names: [...new Set(file.shares.map(({ contract }) => nameOf(contract)))] }
  }
  if (file.shares.length === 1) return { kind: 'constant', name: nameOf(file.shares[0].contract) }
  return codeOf(footer)
}

function codeOf(footer: Footer): InstrumentPlan {
  const get = (name: string, type: string): { min: string; max: string } => {
    const column = footer.columns.get(name)
    if (column === undefined) throw wrong(footer, name, 'no such column', `${type}, or a column instrument`)
    if (type !== 'INTEGER' ? column.type !== type : !NUMBERS.has(column.type) || column.type === 'DOUBLE' || column.type === 'FLOAT')
      throw wrong(footer, name, column.type, type)
    if (column.nullable || column.min === undefined || column.max === undefined)
      throw wrong(footer, name, 'with missing values or without statistics', 'whole')
    return { min: column.min, max: column.max }
  }
  const [symbol, expiry, strike] = [get('symbol', 'VARCHAR'), get('expiry', 'DATE'), get('strike', 'INTEGER')]
  get('opt_type', 'VARCHAR')
  if (symbol.min !== symbol.max) throw wrong(footer, 'symbol', `${symbol.min} to ${symbol.max}`, 'one symbol a file, or a column instrument')
  const stride = (Number(strike.max) - Number(strike.min) + 1) * 2
  const minExpiry = parseDate(expiry.min)
  const size = (parseDate(expiry.max) - minExpiry + 1) * stride
  if (!(size <= LARGEST_CODE))
    throw wrong(footer, 'expiry', `too wide a range with strike (${size} codes)`, `${LARGEST_CODE}; or a column instrument`)
  return { kind: 'code', symbol: symbol.min, minExpiry, minStrike: Number(strike.min), stride, size }
}

/** The contract a code stands for. */
export function contractOfCode(plan: Extract<InstrumentPlan, { kind: 'code' }>, code: number): Contract {
  const inExpiry = code % plan.stride
  const expiry = formatDate(plan.minExpiry + Math.floor(code / plan.stride))
  return { kind: 'option', underlying: plan.symbol, expiry, strike: plan.minStrike + (inExpiry >> 1), type: inExpiry & 1 ? 'PE' : 'CE' }
}
