import { type Batch, type Column, type Schema, wordsOf } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import { Quote } from '../../core/market.ts'
import type { SchemaSource } from './schemaSource.ts'
import { type RecordKind, recordSchemas } from './schemas.ts'
import { Writer } from './writer.ts'

export type RecordIds = Readonly<Record<RecordKind, number>>

/** The ids of the log's records, registered where they are new. Throws as `SchemaSource.idOf`. */
export async function recordIds(schemas: SchemaSource): Promise<RecordIds> {
  const idOf = (kind: RecordKind): Promise<number> => schemas.idOf(recordSchemas[kind].name, recordSchemas[kind].json)
  return { tick: await idOf('tick'), heartbeat: await idOf('heartbeat'), block: await idOf('block') }
}

/** The fields of tick.avsc after instrument and ts, in its order. */
const fields = (['received', 'price', 'volume', 'oi', 'bid', 'ask', 'bidSize', 'askSize', 'lastTrade'] as const).map((name) => ({
  name,
  kind: Quote[name],
  required: name === 'price',
}))

/** Rows as records of the log. Columns that a batch lacks, and NaN in those it has, become null. Every record is memory of its own. */
export class RecordEncoder {
  readonly #ids: RecordIds
  readonly #names: NameBytes
  readonly #writer = new Writer()

  constructor(ids: RecordIds, instruments: Instruments) {
    this.#ids = ids
    this.#names = new NameBytes(instruments)
  }

  /** Needs the columns ts, instrument and price; of `Quote`, what else there is. */
  encodeTick<S extends Schema>(batch: Batch<S>, row: number): Buffer {
    this.#writer.begin(this.#ids.tick)
    this.#tick(batch.col as Readonly<Record<string, Column>>, row)
    return this.#writer.end()
  }

  /** `ts`: the exchange's time, in microseconds. */
  encodeHeartbeat(ts: number): Buffer {
    this.#writer.begin(this.#ids.heartbeat)
    this.#writer.long(ts)
    return this.#writer.end()
  }

  /** Rows from..to-1, all of one underlying, in one record. */
  encodeBlock<S extends Schema>(underlying: string, batch: Batch<S>, from: number, to: number): Buffer {
    const writer = this.#writer
    writer.begin(this.#ids.block)
    writer.text(Buffer.from(underlying))
    if (to > from) writer.long(to - from)
    for (let row = from; row < to; row++) this.#tick(batch.col as Readonly<Record<string, Column>>, row)
    writer.long(0)
    return writer.end()
  }

  #tick(col: Readonly<Record<string, Column | undefined>>, row: number): void {
    const writer = this.#writer
    writer.text(this.#names.of((col['instrument'] as Column)[row]))
    writer.long((col['ts'] as Column)[row])
    for (const { name, kind, required } of fields) {
      const value = col[name]?.[row] ?? NaN
      if (required) writer.double(value)
      else if (writer.present(value)) kind === 'time' ? writer.long(value) : writer.double(value)
    }
  }
}

/** Rows of a topology's output as records of `outputSchema` (schemas.ts). */
export class OutputEncoder<S extends Schema> {
  readonly #id: number
  readonly #schema: S
  readonly #names: NameBytes
  readonly #writer = new Writer()
  readonly #words: Readonly<Record<string, readonly Uint8Array[]>>

  constructor(id: number, schema: S, instruments: Instruments) {
    this.#id = id
    this.#schema = schema
    this.#words = Object.fromEntries(Object.entries(schema).map(([name, kind]) => [name, wordsOf(kind).map((word) => Buffer.from(word))]))
    this.#names = new NameBytes(instruments)
  }

  encodeRow(batch: Batch<S>, row: number): Buffer {
    const writer = this.#writer
    writer.begin(this.#id)
    for (const column in this.#schema) {
      const kind = this.#schema[column]
      const value = (batch.col[column] as Column)[row]
      if (kind === 'f64') writer.double(value)
      else if (kind === 'i32') writer.long(value)
      else if (kind === 'bool') writer.boolean(value)
      else if (kind === 'instrument') writer.text(this.#names.of(value))
      else if (kind === 'time') {
        if (writer.present(value)) writer.long(value)
      } else writer.text(this.#words[column][value])
    }
    return writer.end()
  }
}

/** Names of instruments in UTF-8, made once each. */
class NameBytes {
  readonly #instruments: Instruments
  readonly #bytes: Uint8Array[] = []

  constructor(instruments: Instruments) {
    this.#instruments = instruments
  }

  of(id: number): Uint8Array {
    return (this.#bytes[id] ??= Buffer.from(this.#instruments.name(id)))
  }
}
