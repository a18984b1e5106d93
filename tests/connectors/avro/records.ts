import avsc from 'avsc'
import fc from 'fast-check'
import { NEEDS_SCHEMA, REJECTED, RecordDecoder, ROWS, reasonOf } from '../../../connectors/avro/decoder.ts'
import { embeddedId, embeddedSchemas } from '../../../connectors/avro/embedded.ts'
import { RecordEncoder } from '../../../connectors/avro/encoder.ts'
import { type RecordKind, recordSchemas } from '../../../connectors/avro/schemas.ts'
import type { Schema } from '../../../core/batch.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Quote } from '../../../core/market.ts'
import { RowBuffer } from '../../../core/rowBuffer.ts'

/** A tick as a row of a test: the instrument by name, what is missing as NaN. */
export type QuoteRow = { instrument: string } & Record<Exclude<keyof Quote, 'instrument'>, number>

/** 2025-01-06 09:15 in India, as an event time and as the stamp of a record. */
export const T0 = Date.UTC(2025, 0, 6, 3, 45) * 1000
export const STAMP = T0 / 1000

const nothing = Object.fromEntries(Object.keys(Quote).map((column) => [column, NaN])) as Record<keyof Quote, number>

export const row = (over: Partial<QuoteRow> = {}): QuoteRow => ({
  ...nothing,
  instrument: 'NIFTY:2025-01-09:24000:CE',
  ts: T0,
  price: 101.5,
  ...over,
})

export const ids = Object.fromEntries(Object.entries(recordSchemas).map(([kind, { json }]) => [kind, embeddedId(json)])) as Record<RecordKind, number>
export const avscTypes = Object.fromEntries(
  Object.entries(recordSchemas).map(([kind, { json }]) => [kind, avsc.Type.forSchema(JSON.parse(json))]),
) as Record<RecordKind, avsc.Type>

/** A row as avsc has it: null for NaN, but for the price. */
export function asAvsc(quote: QuoteRow): Record<string, unknown> {
  return Object.fromEntries(Object.entries(quote).map(([field, value]) => [field, field !== 'price' && Number.isNaN(value) ? null : value]))
}

export function wire(id: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head.writeInt32BE(id, 1)
  return Buffer.concat([head, body])
}

/** Rows of tests as a batch, with a dictionary of its own. */
export function quotes(rows: readonly QuoteRow[]): { batch: RowBuffer<Quote>; encoder: RecordEncoder } {
  const instruments = new Instruments()
  const batch = new RowBuffer(Quote, rows.length)
  for (const [i, quote] of rows.entries()) {
    for (const column of Object.keys(Quote) as (keyof Quote)[]) {
      batch.col[column][i] = column === 'instrument' ? instruments.id(quote.instrument) : quote[column]
    }
  }
  batch.n = rows.length
  return { batch, encoder: new RecordEncoder(ids, instruments) }
}

export const encodeTick = (quote: QuoteRow): Buffer => {
  const { batch, encoder } = quotes([quote])
  return encoder.encodeTick(batch.view(0), 0)
}
export const encodeBlock = (rows: readonly QuoteRow[]): Buffer => {
  const { batch, encoder } = quotes(rows)
  return encoder.encodeBlock('NIFTY', batch.view(0), 0, rows.length)
}

/** A decoder, and what it read so far as rows of tests. */
export function reading<S extends Schema>(columns: S, options: { others?: readonly string[]; maxAhead?: number; maxInstruments?: number } = {}) {
  const instruments = new Instruments()
  const schemas = embeddedSchemas(options.others)
  const decoder = new RecordDecoder({ columns, instruments, schemas, limits: options })
  const into = new RowBuffer(columns)
  return {
    decoder,
    into,
    /** Resolves what must be resolved; the name of the outcome. */
    async decode(value: Buffer | null, stamp = STAMP): Promise<string> {
      let code = decoder.decode(value, stamp, into)
      if (code === NEEDS_SCHEMA) {
        await decoder.resolve(decoder.schemaId)
        code = decoder.decode(value, stamp, into)
      }
      return code >= REJECTED ? reasonOf(code) : code === ROWS ? 'rows' : 'heartbeat'
    },
    rows(): Record<string, number | string>[] {
      return Array.from({ length: into.n }, (_, i) =>
        Object.fromEntries(Object.keys(columns).map((c) => [c, columns[c] === 'instrument' ? instruments.name(into.col[c][i]) : into.col[c][i]])),
      )
    },
  }
}

const name = fc.oneof(
  fc.constantFrom('NIFTY', 'É', 'A', 'BANKNIFTY:2025-01-30:FUT'),
  fc.tuple(fc.integer({ min: 1, max: 99_999 }), fc.constantFrom('CE', 'PE')).map(([strike, type]) => `NIFTY:2025-01-09:${strike}:${type}`),
)
const number = fc.oneof(fc.constant(NaN), fc.double({ noNaN: true }), fc.integer())
// avsc, which these are compared with, is exact up to 2^52 only.
const time = fc.oneof(fc.constant(NaN), fc.integer({ min: -(2 ** 52), max: 2 ** 52 }))

/** Ticks that can be used, with anything in the columns that are not judged. */
export const quoteArbitrary: fc.Arbitrary<QuoteRow> = fc.record({
  instrument: name,
  ts: fc.integer({ min: Date.UTC(2000) * 1000, max: T0 }),
  price: fc.double({ min: 0, max: Number.MAX_VALUE, noNaN: true }),
  volume: number,
  oi: number,
  bid: number,
  ask: number,
  bidSize: number,
  askSize: number,
  received: time,
  lastTrade: time,
})
