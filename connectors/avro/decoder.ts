import type { Column, Schema } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { RowBuffer } from '../../core/rowBuffer.ts'
import { HOUR } from '../../core/time.ts'
import { Cursor } from './cursor.ts'
import { NameTable } from './names.ts'
import {
  DOUBLE,
  type FieldPlan,
  FLOAT,
  LONG,
  NULL,
  OPT_DOUBLE,
  OPT_LONG,
  PASS_ANY,
  PASS_FIXED,
  PASS_LONG,
  PASS_OPT_LONG,
  PRICE,
  planOf,
  type RecordPlan,
  readable,
  TEXT,
  TS,
  UNION,
} from './plan.ts'
import type { SchemaSource } from './schemaSource.ts'
import { pass } from './skip.ts'

/** What `decode` says of a record. From REJECTED on it is the number of a reason. */
export const ROWS = 0
export const HEARTBEAT_RECORD = 1
export const NEEDS_SCHEMA = 2
export const REJECTED = 16

/**
 * Why a record cannot be used:
 *
 * | reason | the record |
 * | --- | --- |
 * | bad_magic | does not begin with byte 0 |
 * | unknown_schema | carries a schema id that nobody knows |
 * | truncated | is not the bytes of one value of its schema: too few, too many, or malformed; or has no value |
 * | bad_price | has a tick whose price is null, NaN, negative or infinite |
 * | bad_time | has a time before 2000, or further ahead of the record's own timestamp than allowed |
 * | unknown_instrument | has a tick whose instrument is no canonical name |
 * | wrong_schema | is of another kind, or of a schema that cannot be read as ours |
 */
export const rejectReasons = ['bad_magic', 'unknown_schema', 'truncated', 'bad_price', 'bad_time', 'unknown_instrument', 'wrong_schema'] as const
export type RejectReason = (typeof rejectReasons)[number]

export function reasonOf(code: number): RejectReason {
  return rejectReasons[code - REJECTED]
}

const BAD_MAGIC = REJECTED
const UNKNOWN_SCHEMA = REJECTED + 1
const TRUNCATED = REJECTED + 2
const BAD_PRICE = REJECTED + 3
const BAD_TIME = REJECTED + 4
const UNKNOWN_INSTRUMENT = REJECTED + 5
const WRONG_SCHEMA = REJECTED + 6

/** Byte 0, then the schema's id as int32, big-endian. */
export const HEAD_BYTES = 5
const YEAR_2000 = Date.UTC(2000) * 1000
/** Ids that nobody knows are remembered, so that a flood of one costs one question; of many, the memory is bounded. */
const REMEMBERED_IDS = 10_000

export interface DecoderLimits {
  /** Microseconds that a time may be ahead of the record's own timestamp; one hour. */
  readonly maxAhead?: number
  /** Names that are kept; further ones count as unknown. */
  readonly maxInstruments?: number
}

export interface DecoderOptions<S extends Schema> {
  /** Columns of `Quote` (core/market.ts), or some of them. */
  readonly columns: S
  readonly instruments: Instruments
  readonly schemas: SchemaSource
  readonly limits?: DecoderLimits
}

/**
 * Records of the log into columns: no object, string or closure a tick. What is read depends on the writer's schema,
 * what is judged on the bytes and the record's timestamp alone, so the same log is always judged the same.
 *
 * A record is taken whole or not at all: one bad tick rejects its block. The first thing wrong with a record, in the
 * order of its bytes, is its reason.
 */
export class RecordDecoder<S extends Schema> {
  /** Rows appended by the last `decode` that answered ROWS. */
  rows = 0
  /** Time of the last HEARTBEAT_RECORD. */
  heartbeat = NaN
  /** Schema id of the last record that had one. */
  schemaId = 0
  readonly #schemas: SchemaSource
  readonly #wanted: ReadonlySet<string>
  readonly #names: NameTable
  readonly #maxAhead: number
  /** null: nobody knows the id. undefined: it is no schema of ours. */
  readonly #plans = new Map<number, RecordPlan | null | undefined>()
  readonly #cursor = new Cursor()
  readonly #beat = [new Float64Array(1)]
  #lastId = NaN
  #lastPlan: RecordPlan | null | undefined
  /** The columns being written, by number of `readable`; `#bound` is what they were taken from. */
  #bound: unknown
  #out: Float64Array[] = []
  #ids: Int32Array | undefined
  #latest = Infinity

  constructor({ columns, instruments, schemas, limits = {} }: DecoderOptions<S>) {
    this.#schemas = schemas
    this.#wanted = new Set(Object.keys(columns))
    this.#names = new NameTable(instruments, limits.maxInstruments ?? 500_000)
    this.#maxAhead = limits.maxAhead ?? HOUR
  }

  /**
   * Appends the rows of one record. After NEEDS_SCHEMA await `resolve(schemaId)` and call again; after anything but ROWS
   * `into` holds the rows that it held.
   *
   * `timestamp`: the record's, in milliseconds; negative where it has none, then no time is too far ahead.
   */
  decode(value: Uint8Array | null, timestamp: number, into: RowBuffer<S>): number {
    if (value === null || value.length === 0) return TRUNCATED
    const cursor = this.#cursor
    cursor.set(value)
    const { bytes, pos } = cursor
    if (bytes[pos] !== 0) return BAD_MAGIC
    if (value.length < HEAD_BYTES) return TRUNCATED
    const id = (bytes[pos + 1] << 24) | (bytes[pos + 2] << 16) | (bytes[pos + 3] << 8) | bytes[pos + 4]
    this.schemaId = id
    if (id !== this.#lastId) {
      if (!this.#plans.has(id)) return NEEDS_SCHEMA
      this.#lastPlan = this.#plans.get(id)
      this.#lastId = id
    }
    const plan = this.#lastPlan
    if (plan === null) return UNKNOWN_SCHEMA
    if (plan === undefined) return WRONG_SCHEMA
    cursor.pos = pos + HEAD_BYTES
    this.#latest = timestamp >= 0 ? timestamp * 1000 + this.#maxAhead : Infinity
    if (plan.kind === 'heartbeat') return this.#decodeHeartbeat(plan.fields)
    const start = into.n
    const code = plan.kind === 'tick' ? this.#ticks(plan.tick, 1, into) : this.#block(plan, into)
    if (code === ROWS && cursor.pos === cursor.end) {
      this.rows = into.n - start
      return ROWS
    }
    into.n = start
    return code === ROWS ? TRUNCATED : code
  }

  /** Asks for the schema of an id, once. Throws REGISTRY_UNREACHABLE or REGISTRY_REFUSED: that is no reason to reject. */
  async resolve(id: number): Promise<void> {
    if (this.#plans.has(id)) return
    const schema = await this.#schemas.schemaOf(id)
    if (this.#plans.size >= REMEMBERED_IDS) {
      this.#plans.clear()
      this.#lastId = NaN
    }
    this.#plans.set(id, schema === undefined ? null : planOf(schema, this.#wanted))
  }

  #decodeHeartbeat(fields: FieldPlan): number {
    const code = this.#fields(fields, this.#beat, undefined, 0)
    if (code !== ROWS) return code
    if (this.#cursor.pos !== this.#cursor.end) return TRUNCATED
    const ts = this.#beat[0][0]
    if (!(ts >= YEAR_2000 && ts <= this.#latest)) return BAD_TIME
    this.heartbeat = ts
    return HEARTBEAT_RECORD
  }

  #block({ before, tick, after }: RecordPlan & { kind: 'block' }, into: RowBuffer<S>): number {
    const cursor = this.#cursor
    const code = this.#fields(before, this.#out, undefined, 0)
    if (code !== ROWS) return code
    for (;;) {
      let count = cursor.long()
      if (count === 0) return this.#fields(after, this.#out, undefined, 0)
      if (count < 0) {
        count = -count
        if (!(cursor.long() >= 0)) return TRUNCATED
      }
      // Before room is made: a claim of more ticks than the bytes can hold must not cost memory. Also true for NaN.
      if (!(count * tick.least <= cursor.end - cursor.pos)) return TRUNCATED
      const failed = this.#ticks(tick, count, into)
      if (failed !== ROWS) return failed
    }
  }

  /** Appends `count` ticks; on failure some of them, which the caller takes back. */
  #ticks(plan: FieldPlan, count: number, into: RowBuffer<S>): number {
    const first = into.n
    const last = first + count
    into.reserve(last)
    if (into.col !== this.#bound) this.#bind(into)
    const out = this.#out
    const ts = out[TS]
    const price = out[PRICE]
    for (let row = first; row < last; row++) {
      const code = this.#fields(plan, out, this.#ids, row)
      if (code !== ROWS) return code
      if (!(price[row] >= 0 && price[row] < Infinity)) return BAD_PRICE
      if (!(ts[row] >= YEAR_2000 && ts[row] <= this.#latest)) return BAD_TIME
    }
    for (let i = 0; i < plan.missing.length; i++) out[plan.missing[i]].fill(NaN, first, last)
    into.n = last
    return ROWS
  }

  /** One record of the writer: its numbers into row `row` of `out`, its instrument's id into `ids`. */
  #fields({ op, arg, branches, skips }: FieldPlan, out: readonly Float64Array[], ids: Int32Array | undefined, row: number): number {
    const cursor = this.#cursor
    const { bytes, view, end } = cursor
    // In a local while it can be: `cursor.pos` is memory, and most fields need no call.
    let pos = cursor.pos
    for (let i = 0; i < op.length; i++) {
      let what = op[i]
      if (what >= OPT_DOUBLE && what <= PASS_OPT_LONG) {
        if (pos >= end) return TRUNCATED
        const branch = bytes[pos++]
        if (branch === 0) {
          if (what <= OPT_LONG) out[arg[i]][row] = NaN
          continue
        }
        if (branch !== 2) return TRUNCATED
        what -= OPT_DOUBLE - DOUBLE
      } else if (what === UNION) {
        cursor.pos = pos
        const branch = cursor.long()
        const among = branches[i] as Uint8Array
        if (!(branch >= 0 && branch < among.length)) return TRUNCATED
        what = among[branch]
        pos = cursor.pos
      }
      if (what === DOUBLE) {
        if (end - pos < 8) return TRUNCATED
        out[arg[i]][row] = view.getFloat64(pos, true)
        pos += 8
      } else if (what === PASS_FIXED) {
        if (end - pos < arg[i]) return TRUNCATED
        pos += arg[i]
      } else if (what === FLOAT) {
        if (end - pos < 4) return TRUNCATED
        out[arg[i]][row] = view.getFloat32(pos, true)
        pos += 4
      } else if (what === NULL) {
        out[arg[i]][row] = NaN
      } else {
        cursor.pos = pos
        if (what === LONG) {
          const value = cursor.long()
          if (Number.isNaN(value)) return TRUNCATED
          out[arg[i]][row] = value
        } else if (what === PASS_LONG) {
          if (Number.isNaN(cursor.long())) return TRUNCATED
        } else if (what === PASS_ANY) {
          if (!pass(cursor, skips[arg[i]])) return TRUNCATED
        } else {
          const length = cursor.long()
          if (!(length >= 0 && length <= end - cursor.pos)) return TRUNCATED
          if (what === TEXT) {
            const id = this.#names.find(cursor, length)
            if (id < 0) return UNKNOWN_INSTRUMENT
            if (ids !== undefined) ids[row] = id
          }
          cursor.pos += length
        }
        pos = cursor.pos
      }
    }
    cursor.pos = pos
    return ROWS
  }

  /** Takes the columns of a buffer. Time and price are judged even where nobody wants them: they get columns of their own. */
  #bind(into: RowBuffer<S>): void {
    const col = into.col as Readonly<Record<string, Column>>
    this.#out = readable.map((field, i) => {
      if (field in col) return col[field] as Float64Array
      return new Float64Array(i === TS || i === PRICE ? into.capacity : 0)
    })
    this.#ids = col['instrument'] as Int32Array | undefined
    this.#bound = col
  }
}
