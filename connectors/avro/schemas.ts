import { readFileSync } from 'node:fs'
import type { Kind, Schema, Words } from '../../core/batch.ts'

/** What the records of the log are. */
export type RecordKind = 'tick' | 'heartbeat' | 'block'

export interface RecordSchema {
  /** Full name, which is also the subject it is registered under: several kinds share one topic. */
  readonly name: string
  /** Avro schema, standing for itself. */
  readonly json: string
}

const tick = load('tick.avsc')
const heartbeat = load('heartbeat.avsc')
const block = load('tick-block.avsc')

/** The newest schema of every kind, as the .avsc files beside this one say. */
export const recordSchemas: Readonly<Record<RecordKind, RecordSchema>> = {
  tick: { name: 'tickloom.Tick', json: JSON.stringify(tick) },
  heartbeat: { name: 'tickloom.Heartbeat', json: JSON.stringify(heartbeat) },
  block: {
    name: 'tickloom.TickBlock',
    json: JSON.stringify(block, (_, value) => (value === 'tickloom.Tick' ? tick : value)),
  },
}

/**
 * What the files said before they were changed: logs written without a registry refer to schemas by fingerprint, and are
 * read as long as they are listed here (docs/concepts/schemas.md).
 */
export const formerSchemas: readonly string[] = []

const typeOf: Readonly<Record<Exclude<Kind, Words>, unknown>> = {
  time: ['null', { type: 'long', logicalType: 'timestamp-micros' }],
  instrument: 'string',
  f64: 'double',
  i32: 'int',
  bool: 'boolean',
}

/**
 * Avro schema of a topology's output, as JSON. A missing time is null; a missing f64 stays NaN, which is a double. What
 * Avro does not allow in a name becomes `_`.
 */
export function outputSchema(name: string, schema: Schema): string {
  const fields = Object.entries(schema).map(([column, kind]) => ({
    name: avroName(column),
    type: kind in typeOf ? typeOf[kind as Exclude<Kind, Words>] : 'string',
    ...(kind === 'time' ? { default: null } : {}),
  }))
  return JSON.stringify({ type: 'record', namespace: 'tickloom.output', name: avroName(name), fields })
}

function avroName(text: string): string {
  return text.replace(/^(?=\d)/, '_').replace(/\W/g, '_')
}

function load(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'))
}
