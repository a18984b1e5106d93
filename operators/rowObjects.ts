import { type Batch, type Column, type Kind, type Schema, type Words, wordsOf } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import type { Instruments } from '../core/instruments.ts'
import type { RowBuffer } from '../core/rowBuffer.ts'
import type { Step } from '../core/step.ts'

type WordIn<K extends string> = K extends `${infer W}|${infer Rest}` ? W | WordIn<Rest> : K
export type ValueOf<K extends Kind> = K extends 'instrument' ? string : K extends Words ? WordIn<K> : K extends 'bool' ? boolean : number

/** A row as an object: instruments by name, times in microseconds, bool as boolean, one of several words as that word. */
export type RowObject<S extends Schema> = { readonly [C in keyof S]: ValueOf<S[C]> }

/** A row for the output. Without `ts` it is of the time it leaves at. */
export type OutRowObject<S extends Schema> = Omit<RowObject<S>, 'ts'> & { readonly ts?: number }

export function readRow<S extends Schema>(batch: Batch<S>, i: number, schema: S, instruments: Instruments): RowObject<S> {
  const row: Record<string, string | boolean | number> = {}
  for (const name in schema) {
    const value = (batch.col[name] as Column)[i]
    const kind = schema[name]
    row[name] = kind === 'instrument' ? instruments.name(value) : kind === 'bool' ? value === 1 : kind.includes('|') ? wordsOf(kind)[value] : value
  }
  return row as RowObject<S>
}

/** Appends a row object that left at `now`. Throws STEP_FAILED, naming step and column, where it does not fit the schema. */
export function writeRow<S extends Schema>(out: RowBuffer<S>, row: unknown, now: number, step: Step): void {
  if (typeof row !== 'object' || row === null) throw misfit(step, undefined, 'an object', row)
  const values = row as Record<string, unknown>
  out.reserve(out.n + 1)
  for (const name in out.schema) {
    const value = name === 'ts' && values['ts'] === undefined ? now : values[name]
    ;(out.col[name] as Column)[out.n] = numberOf(value, out.schema[name], name, step)
  }
  out.n++
}

function numberOf(value: unknown, kind: Kind, column: string, step: Step): number {
  if (kind === 'f64' && typeof value === 'number') return value
  if (kind === 'time' && Number.isInteger(value)) return value as number
  if (kind === 'i32' && Number.isInteger(value) && (value as number) === ((value as number) | 0)) return value as number
  if (kind === 'bool' && typeof value === 'boolean') return value ? 1 : 0
  if (kind === 'instrument' && typeof value === 'string') return idOf(value, column, step)
  if (kind.includes('|') && wordsOf(kind).includes(value as string)) return wordsOf(kind).indexOf(value as string)
  throw misfit(step, column, kind in wanted ? wanted[kind as Exclude<Kind, Words>] : `one of ${wordsOf(kind).join(', ')}`, value)
}

function idOf(name: string, column: string, step: Step): number {
  try {
    return step.instruments.id(name)
  } catch (cause) {
    throw misfit(step, column, wanted.instrument, name, cause)
  }
}

const wanted: Readonly<Record<Exclude<Kind, Words>, string>> = {
  time: 'a whole number of microseconds',
  instrument: 'the name of an instrument',
  f64: 'a number',
  i32: 'a whole number of 32 bits',
  bool: 'true or false',
}

function misfit(step: Step, column: string | undefined, belongs: string, value: unknown, cause?: unknown): TickloomError {
  const where = column === undefined ? 'a row it emits' : `column "${column}" of a row it emits`
  const shown = typeof value === 'string' ? `"${value}"` : value === undefined ? 'nothing' : String(value)
  return new TickloomError('STEP_FAILED', `step "${step.id}" failed: ${where} must be ${belongs}, not ${shown}`, { step: step.id, column }, cause)
}
