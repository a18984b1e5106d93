import {
  Schema as ArrowSchema,
  type Data,
  type DataType,
  Dictionary,
  Field,
  Float64,
  Int8,
  Int32,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Struct,
  TimestampMicrosecond,
  Uint8,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow'
import { type Batch, type Schema, wordsOf } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'

type Part = { readonly field: Field; readonly data: Data }

const HIGH = 4_294_967_296

/**
 * Rows as one Arrow IPC stream of one record batch, which is what makes an insert of them atomic.
 *
 * Numbers are handed over as they lie in memory; time becomes Timestamp(µs, UTC) and an instrument a dictionary of
 * the names that occur. `run` is prepended as the column `run_id`. The answer's memory is its own.
 */
export function encodeArrow(batch: Batch<Schema>, schema: Schema, instruments: Instruments, run: string): Uint8Array {
  const parts: Part[] = [constant('run_id', run, batch.n)]
  for (const [name, kind] of Object.entries(schema)) {
    const values = batch.col[name].subarray(0, batch.n)
    if (kind === 'time') parts.push(plain(name, new TimestampMicrosecond('UTC'), microseconds(values as Float64Array)))
    else if (kind === 'instrument') parts.push(names(name, values as Int32Array, instruments))
    else if (kind === 'f64') parts.push(plain(name, new Float64(), values))
    else if (kind === 'i32') parts.push(plain(name, new Int32(), values))
    else if (kind === 'bool') parts.push(plain(name, new Uint8(), values))
    else parts.push(dictionary(name, wordsOf(kind), new Int32(), values as Int32Array))
  }
  const arrowSchema = new ArrowSchema(parts.map((p) => p.field))
  const struct = makeData({ type: new Struct(arrowSchema.fields), length: batch.n, nullCount: 0, children: parts.map((p) => p.data) })
  const writer = new RecordBatchStreamWriter()
  writer.write(new RecordBatch(arrowSchema, struct))
  writer.finish()
  return writer.toUint8Array(true)
}

function plain(name: string, type: DataType, data: Float64Array | Int32Array | Uint8Array | BigInt64Array): Part {
  const length = data.length
  return { field: new Field(name, type, false), data: makeData({ type, length, nullCount: 0, data } as never) }
}

function constant(name: string, value: string, n: number): Part {
  return dictionary(name, [value], new Int8(), new Int8Array(n))
}

/** Ids are dense over the whole process; the file gets a dictionary of those that occur, in order of appearance. */
function names(name: string, ids: Int32Array, instruments: Instruments): Part {
  const local = new Int32Array(instruments.size).fill(-1)
  const index = new Int32Array(ids.length)
  const used: string[] = []
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]
    if (local[id] < 0) local[id] = used.push(instruments.name(id)) - 1
    index[i] = local[id]
  }
  return dictionary(name, used, new Int32(), index)
}

function dictionary(name: string, values: readonly string[], indices: Int8 | Int32, data: Int8Array | Int32Array): Part {
  const type = new Dictionary(new Utf8(), indices)
  const words = vectorFromArray(values, new Utf8()) as Vector<Utf8>
  return { field: new Field(name, type, false), data: makeData({ type, length: data.length, nullCount: 0, data, dictionary: words } as never) }
}

/** The same integers as int64, by halves: V8 makes an object of every BigInt. */
function microseconds(ts: Float64Array): BigInt64Array {
  const words = new Int32Array(ts.length * 2)
  for (let i = 0; i < ts.length; i++) {
    const high = Math.floor(ts[i] / HIGH)
    words[2 * i] = ts[i] - high * HIGH
    words[2 * i + 1] = high
  }
  return new BigInt64Array(words.buffer)
}
