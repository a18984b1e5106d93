import { closeSync, fstatSync, openSync } from 'node:fs'
import { messageOf, TickloomError } from '../../../core/errors.ts'
import { TimeCheck } from '../chunk.ts'
import type { ColumnPlan } from '../columns.ts'
import type { FilePlan } from '../dayPlan.ts'
import { CodeColumn, NumberColumn } from './column.ts'
import { CODEC, ENCODING, type Footer, readFooter } from './footer.ts'
import { type AddI32, numbersOf, type ReadF64, scaledOf, textsOf, timesOf } from './values.ts'

/** Why a file is left to the engines. */
export interface Undecodable {
  readonly path: string
  readonly reason: string
}

/** Rows of a file as they are lent or filled: doubles in the order of FilePlan.columns, and codes of instruments. */
export interface Rows {
  readonly numbers: readonly Float64Array[]
  readonly codes: Int32Array
}

const CODECS: ReadonlySet<number> = new Set(Object.values(CODEC))
const ENCODINGS: ReadonlySet<number> = new Set(Object.values(ENCODING))

/** A file of ticks being decoded, row after row. Throws FILE_CORRUPT, FILE_UNSORTED, FILE_SCHEMA and LAKE_MANIFEST. */
export class TickFile {
  readonly #plan: FilePlan
  readonly #fd: number
  /** A column that the file does not have is undefined: NaN. */
  readonly #numbers: readonly (NumberColumn | undefined)[]
  readonly #codes: readonly CodeColumn[]
  readonly #codeSize: number
  readonly #checked: boolean
  readonly #ts: number
  readonly #check: TimeCheck
  /** Its codes are not all 0. */
  readonly coded: boolean
  /** Decompressed bytes that reading holds at most, about. */
  readonly bytes: number
  /** Rows not read yet. */
  left: number

  private constructor(plan: FilePlan, fd: number, footer: Footer, columns: Columns, checked: boolean) {
    this.#plan = plan
    this.#fd = fd
    const groups = (name: string) => footer.leaves.get(name)?.groups ?? []
    const leaf = (name: string) => (footer.leaves.get(name) as { leaf: import('./footer.ts').Leaf }).leaf
    this.#numbers = columns.numbers.map((one) => one && new NumberColumn(fd, leaf(one.column), groups(one.column), one.read))
    this.#codes = columns.codes.map((one) => new CodeColumn(fd, leaf(one.column), groups(one.column), one.add))
    this.coded = columns.codes.length > 0
    this.#codeSize = plan.instrument.kind === 'names' ? plan.instrument.names.length : plan.instrument.kind === 'code' ? plan.instrument.size : 1
    this.#checked = checked
    this.#ts = plan.columns.findIndex(({ name }) => name === 'ts')
    this.#check = new TimeCheck(plan)
    this.bytes = heldBytes(footer, columns)
    this.left = footer.rows
  }

  /**
   * Opens a file that can be decoded here; one that cannot is told, and not open. Where codes are not `checked`, who
   * turns them into ids has to see those that stand for nothing. Throws FILE_CORRUPT.
   */
  static open(plan: FilePlan, checked = true): TickFile | Undecodable {
    let fd: number | undefined
    try {
      fd = openSync(plan.path, 'r')
      const footer = readFooter(fd, fstatSync(fd).size)
      const columns = columnsOf(plan, footer)
      if (typeof columns !== 'string') return new TickFile(plan, fd, footer, columns, checked)
      closeSync(fd)
      return { path: plan.path, reason: columns }
    } catch (cause) {
      if (fd !== undefined) closeSync(fd)
      throw corrupt(plan.path, cause)
    }
  }

  /** Reads up to n rows to `at` and behind; answers how many there were. */
  read({ numbers, codes }: Rows, at: number, n: number): number {
    const rows = Math.min(n, this.left)
    if (rows === 0) return 0
    try {
      for (let i = 0; i < this.#numbers.length; i++) {
        const column = this.#numbers[i]
        if (column === undefined) numbers[i].fill(NaN, at, at + rows)
        else column.read(numbers[i], at, rows)
      }
      // Kept at 0 where there are none, or by whoever made them.
      if (this.coded) codes.fill(0, at, at + rows)
      for (const column of this.#codes) column.add(codes, at, rows)
    } catch (cause) {
      throw corrupt(this.#plan.path, cause)
    }
    this.#check.pass(numbers[this.#ts].subarray(at, at + rows), rows)
    if (this.coded && this.#checked) this.#known(codes, at, at + rows)
    this.left -= rows
    return rows
  }

  close(): void {
    closeSync(this.#fd)
    for (const column of [...this.#numbers, ...this.#codes]) column?.close()
  }

  #known(codes: Int32Array, from: number, to: number): void {
    const size = this.#codeSize
    for (let i = from; i < to; i++) {
      if (codes[i] >= 0 && codes[i] < size) continue
      const { path } = this.#plan
      throw new TickloomError('LAKE_MANIFEST', `${path} holds an instrument that the manifest does not name`, { file: path, column: 'instrument' })
    }
  }
}

/** Whether a file can be decoded here, by its footer; of one that cannot be read at all, false. */
export function isDecodable(plan: FilePlan): boolean {
  try {
    const file = TickFile.open(plan)
    if (!(file instanceof TickFile)) return false
    file.close()
    return true
  } catch {
    // Whoever reads it says what is wrong with it.
    return false
  }
}

interface Columns {
  readonly numbers: readonly ({ readonly column: string; readonly read: ReadF64 } | undefined)[]
  readonly codes: readonly { readonly column: string; readonly add: AddI32 }[]
}

/** How the columns of a plan are read; a text says why they cannot be. */
function columnsOf(plan: FilePlan, footer: Footer): Columns | string {
  const { where } = plan
  if (where.from !== -Infinity || where.to !== Infinity || where.names !== undefined || where.columns.length > 0)
    return 'rows are left out by a condition'
  const numbers = plan.columns.map((column) => numberOf(column, footer))
  const codes = codesOf(plan, footer)
  for (const one of [...numbers, ...codes]) {
    if (typeof one === 'string') return one
    const reason = one && unreadable(one.column, footer)
    if (reason !== undefined) return reason
  }
  return { numbers, codes } as Columns
}

function numberOf({ column, kind }: ColumnPlan, footer: Footer): Columns['numbers'][number] | string {
  if (column === undefined) return undefined
  const found = footer.leaves.get(column)
  const read = found && (kind === 'time' ? timesOf(found.leaf) : numbersOf(found.leaf))
  return read === undefined ? `the type of ${column}` : { column, read }
}

function codesOf({ instrument: plan }: FilePlan, footer: Footer): (Columns['codes'][number] | string)[] {
  if (plan.kind === 'constant') return []
  const read = (column: string, of: (leaf: Parameters<typeof textsOf>[0]) => AddI32 | undefined) => {
    const found = footer.leaves.get(column)
    const add = found && of(found.leaf)
    return add === undefined ? `the type of ${column}` : { column, add }
  }
  if (plan.kind === 'names') {
    const places = new Map(plan.names.map((name, i) => [name, i]))
    return [read('instrument', (leaf) => textsOf(leaf, (text) => places.get(text) ?? -1))]
  }
  const parts = [
    read('strike', (leaf) => scaledOf(leaf, plan.minStrike, 2)),
    read('opt_type', (leaf) => textsOf(leaf, (text) => (text === 'PE' ? 1 : 0))),
  ]
  return plan.size === plan.stride
    ? parts
    : [read('expiry', (leaf) => (leaf.date ? scaledOf(leaf, plan.minExpiry, plan.stride) : undefined)), ...parts]
}

function unreadable(column: string, footer: Footer): string | undefined {
  for (const { codec, encodings, elsewhere } of footer.leaves.get(column)?.groups ?? []) {
    if (elsewhere) return `${column} lies in another file or is encrypted`
    if (!CODECS.has(codec)) return `the compression of ${column}`
    if (!encodings.every((encoding) => ENCODINGS.has(encoding))) return `the encoding of ${column}`
  }
  return undefined
}

/** A writer's page, and the dictionary beside it, are seldom above a megabyte. */
const PAGE = 2 ** 20

function heldBytes(footer: Footer, { numbers, codes }: Columns): number {
  let sum = 0
  for (const one of [...numbers, ...codes]) {
    let most = 0
    for (const { uncompressed } of (one && footer.leaves.get(one.column)?.groups) ?? []) most = Math.max(most, Math.min(uncompressed, 2 * PAGE))
    sum += most
  }
  return sum
}

function corrupt(path: string, cause: unknown): TickloomError {
  if (cause instanceof TickloomError) return cause
  return new TickloomError('FILE_CORRUPT', `${path} cannot be read: ${messageOf(cause)}`, { file: path }, cause)
}
