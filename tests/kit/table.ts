import type { OperatorFunction } from 'rxjs'
import { Subject } from 'rxjs'
import { type Batch, type Kind, type Schema, wordsOf } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'
import type { Step } from '../../core/step.ts'
import { attach, IST, SECOND } from '../../core/time.ts'
import { Flow } from '../../runtime/flow.ts'

export type Cell = string | number | boolean
export type Row = Record<string, Cell>
/** An operator with its options given, as the contract and the tests drive it. */
export type Op<I extends Schema = Schema, O extends Schema = Schema> = (step: Step) => OperatorFunction<Batch<I>, Batch<O>>

/** The day that times without a date in a table are of; NSE trades on it from 09:15 to 15:30. */
export const DATE = '2025-01-06'

/** '09:15:03.5' (IST, on DATE) or '2025-01-07 09:15:03' as microseconds. */
export function at(clock: string): number {
  const text = /^\d{4}-/.test(clock) ? clock.replace('T', ' ') : `${DATE} ${clock}`
  const ts = attach(text, IST)
  if (Number.isNaN(ts)) throw new Error(`not a time: ${clock}`)
  return ts
}

/**
 * Rows as a table: a heading, then a row a line. `ts` is a clock time; `instrument` a name; a dash is NaN; the rest
 * are numbers. Columns of the schema that the heading leaves out are 0.
 */
export function rowsOf(schema: Schema, text: string): Row[] {
  const [head, ...lines] = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  return lines.map((cells) => {
    const row: Row = {}
    for (const [name, kind] of Object.entries(schema)) row[name] = cellOf(kind, cells[head.indexOf(name)])
    return row
  })
}

function cellOf(kind: Kind, text: string | undefined): Cell {
  if (text === undefined) return kind === 'instrument' ? 'NIFTY' : kind.includes('|') ? wordsOf(kind)[0] : 0
  if (kind === 'instrument' || kind.includes('|')) return text
  if (text === '-') return Number.NaN
  return kind === 'time' ? at(text) : Number(text)
}

export function toBatch<S extends Schema>(schema: S, rows: readonly Row[], instruments: Instruments, watermark = -Infinity): Batch<S> {
  const buffer = new RowBuffer(schema, rows.length)
  for (const [i, row] of rows.entries()) {
    for (const [name, kind] of Object.entries(schema)) {
      const cell = row[name]
      ;(buffer.col[name] as Float64Array)[i] = numberOf(kind, cell, instruments)
    }
  }
  buffer.n = rows.length
  return buffer.view(watermark)
}

function numberOf(kind: Kind, cell: Cell, instruments: Instruments): number {
  if (kind === 'instrument') return instruments.id(cell as string)
  return kind.includes('|') ? wordsOf(kind).indexOf(cell as string) : Number(cell)
}

export function toRows(batch: Batch<Schema>, schema: Schema, instruments: Instruments): Row[] {
  return Array.from({ length: batch.n }, (_, i) => {
    const row: Row = {}
    for (const [name, kind] of Object.entries(schema)) row[name] = cellAt(kind, batch.col[name][i], instruments)
    return row
  })
}

function cellAt(kind: Kind, value: number, instruments: Instruments): Cell {
  if (kind === 'instrument') return instruments.name(value)
  return kind.includes('|') ? wordsOf(kind)[value] : value
}

export interface Drive<I extends Schema, O extends Schema> {
  readonly input: I
  readonly output: O
  /** The watermark of the last batch; none by default. */
  readonly end?: number
}

/**
 * Rows of a run in which the input came in the chunks given, with everything saved and rebuilt after the chunk
 * `restart`. With `heartbeats`, every chunk is followed by an empty batch whose watermark is the highest ts so far.
 */
export function drive<I extends Schema, O extends Schema>(
  op: Op<I, O>,
  kinds: Drive<I, O>,
  chunks: readonly (readonly Row[])[],
  restart = -1,
  heartbeats = false,
): Row[] {
  const rows: Row[] = []
  const begin = () => {
    const running: Plugged<I> = plug(op, (batch) => {
      rows.push(...toRows(batch, kinds.output, running.flow.instruments))
    })
    return running
  }
  let running = begin()
  let highest = -Infinity
  chunks.forEach((chunk, i) => {
    running.next(toBatch(kinds.input, chunk, running.flow.instruments))
    for (const row of chunk) highest = Math.max(highest, Number(row['ts']))
    if (heartbeats) running.next(toBatch(kinds.input, [], running.flow.instruments, highest))
    if (i !== restart) return
    const saved = structuredClone(running.flow.snapshot())
    running = begin()
    running.flow.instruments.id('SEEN-FIRST-AFTER-THE-RESTART')
    running.flow.restore(saved)
  })
  running.next(toBatch(kinds.input, [], running.flow.instruments, kinds.end))
  return rows
}

/** An operator in a flow of its own. `next` throws what the step failed with. */
export interface Plugged<I extends Schema> {
  readonly flow: Flow
  next(batch: Batch<I>): void
}

export function plug<I extends Schema, O extends Schema>(op: Op<I, O>, take: (batch: Batch<O>) => void = () => {}): Plugged<I> {
  const flow = new Flow()
  const input = new Subject<Batch<I>>()
  let failure: { readonly thrown: unknown } | undefined
  // RxJS would report what an error handler throws later, to nobody; so it is kept until `next` can throw it.
  input.pipe(op(flow.at('it'))).subscribe({
    next: take,
    error: (thrown: unknown) => {
      failure = { thrown }
    },
  })
  return {
    flow,
    next(batch) {
      input.next(batch)
      if (failure) throw failure.thrown
    },
  }
}

/** The columns named of a run of the whole table in one batch; times as clock times of IST. */
export function run<I extends Schema, O extends Schema>(
  op: Op<I, O>,
  kinds: Drive<I, O>,
  rows: readonly Row[],
  columns: readonly (keyof O & string)[],
): Cell[][] {
  return drive(op, kinds, [rows]).map((row) => columns.map((c) => (kinds.output[c] === 'time' ? clock(row[c] as number) : row[c])))
}

/** '09:15:03' or '09:15:03.500000' of IST; a dash where there is no time. */
export function clock(ts: number): string {
  if (Number.isNaN(ts)) return '-'
  const local = ts + IST.offset
  const text = new Date(Math.floor(local / SECOND) * 1000).toISOString().slice(11, 19)
  const micros = local % SECOND
  return micros === 0 ? text : `${text}.${String(micros).padStart(6, '0')}`
}
