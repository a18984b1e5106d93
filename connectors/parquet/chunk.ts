import type { Column } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import { type Instruments, nameOf } from '../../core/instruments.ts'
import { contractOfCode, type InstrumentPlan } from './columns.ts'
import type { FilePlan } from './plan.ts'

/** Rows of one file in its order; columns by the projection's names, always with `ts`. Its memory is its receiver's until it asks for the next. */
export interface Chunk {
  readonly n: number
  readonly col: Readonly<Record<string, Column>>
  /** Gives the memory back at once: megabytes that the garbage collector would see late, and look for often. */
  free?(): void
}

/** Opens a file; both readers give the same rows in the same order. Chunks hold about `rows` rows. */
export type OpenFile = (file: FilePlan, instruments: Instruments, rows: number) => AsyncGenerator<Chunk, void, undefined>

/** What engines call the column of instrument codes. */
export const CODE = 'instrument'

/** The engine's codes to the process's ids, written over them. Throws LAKE_MANIFEST for a name that the manifest leaves out. */
export function codesToIds(file: FilePlan, instruments: Instruments): (codes: Int32Array, n: number) => void {
  const table = tableOf(file.instrument, instruments)
  const plan = file.instrument
  return (codes, n) => {
    for (let i = 0; i < n; i++) {
      const code = codes[i]
      let id = code >= 0 && code < table.length ? table[code] : -1
      if (id < 0) id = table[code] = resolve(file, plan, code, instruments)
      codes[i] = id
    }
  }
}

/** The codes of several files as one range: what is added to those of each. */
export function offsetsOf(files: readonly FilePlan[]): number[] {
  let sum = 0
  return files.map(({ instrument }) => {
    const offset = sum
    sum += instrument.kind === 'constant' ? 1 : instrument.kind === 'names' ? instrument.names.length : instrument.size
    return offset
  })
}

/** `codesToIds` for files whose codes are set off by `offsetsOf`. */
export function codesOfDay(files: readonly FilePlan[], instruments: Instruments): (codes: Int32Array, n: number) => void {
  const offsets = offsetsOf(files)
  const tables = files.map(({ instrument }) => tableOf(instrument, instruments))
  const table = new Int32Array(tables.reduce((sum, { length }) => sum + length, 0))
  for (const [i, part] of tables.entries()) table.set(part, offsets[i])
  return (codes, n) => {
    for (let i = 0; i < n; i++) {
      const code = codes[i]
      let id = table[code]
      // Not true either of what lies outside of the table.
      if (!(id >= 0)) {
        const file = Math.max(
          0,
          offsets.findLastIndex((offset) => offset <= code),
        )
        id = table[code] = resolve(files[file], files[file].instrument, code - offsets[file], instruments)
      }
      codes[i] = id
    }
  }
}

function tableOf(plan: InstrumentPlan, instruments: Instruments): Int32Array {
  if (plan.kind === 'constant') return Int32Array.of(instruments.id(plan.name))
  if (plan.kind === 'names') return Int32Array.from(plan.names, (name) => instruments.id(name))
  return new Int32Array(plan.size).fill(-1)
}

function resolve(file: FilePlan, plan: InstrumentPlan, code: number, instruments: Instruments): number {
  if (plan.kind === 'code' && code >= 0 && code < plan.size) return instruments.id(nameOf(contractOfCode(plan, code)))
  throw new TickloomError('LAKE_MANIFEST', `${file.path} holds an instrument that the manifest does not name`, {
    file: file.path,
    column: 'instrument',
  })
}

/** Constant columns of a file: its only instrument, and NaN for what it does not have. Shared by its chunks, never written. */
export class Constants {
  readonly #id: number | undefined
  #ids = new Int32Array(0)
  #missing = new Float64Array(0)

  constructor(file: FilePlan, instruments: Instruments) {
    this.#id = file.instrument.kind === 'constant' ? instruments.id(file.instrument.name) : undefined
  }

  ids(n: number): Int32Array {
    if (this.#ids.length < n) this.#ids = new Int32Array(n).fill(this.#id ?? -1)
    return this.#ids
  }

  missing(n: number): Float64Array {
    if (this.#missing.length < n) this.#missing = new Float64Array(n).fill(NaN)
    return this.#missing
  }
}

/** Checks that time never falls and is never missing across the chunks of a file. */
export class TimeCheck {
  readonly #file: FilePlan
  #last = -Infinity
  #rows = 0

  constructor(file: FilePlan) {
    this.#file = file
  }

  /** Throws FILE_UNSORTED, or FILE_SCHEMA for a missing time, naming the row (counted from 1 among the rows read). */
  pass(ts: Float64Array, n: number): void {
    let last = this.#last
    for (let i = 0; i < n; i++) {
      // The comparison is false for NaN too.
      if (!(ts[i] >= last)) this.#fail(ts[i], last, this.#rows + i + 1)
      last = ts[i]
    }
    this.#last = last
    this.#rows += n
  }

  #fail(ts: number, before: number, row: number): void {
    const { path, sorted } = this.#file
    if (Number.isNaN(ts)) throw new TickloomError('FILE_SCHEMA', `${path}, row ${row}: ts is missing`, { file: path, column: 'ts', row })
    if (sorted)
      throw new TickloomError('FILE_UNSORTED', `${path}, row ${row}: ts ${ts} is before ${before} of the row above it`, {
        file: path,
        column: 'ts',
        row,
      })
  }
}
