import avsc from 'avsc'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { embeddedId } from '../../../connectors/avro/embedded.ts'
import { OutputEncoder } from '../../../connectors/avro/encoder.ts'
import { outputSchema } from '../../../connectors/avro/schemas.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Quote, Tick } from '../../../core/market.ts'
import { RowBuffer } from '../../../core/rowBuffer.ts'
import { asAvsc, avscTypes, encodeBlock, encodeTick, ids, quoteArbitrary, quotes, reading, row, T0, wire } from './records.ts'

describe('what is written is what is read', () => {
  test('a tick, bit for bit', async () => {
    await fc.assert(
      fc.asyncProperty(quoteArbitrary, async (quote) => {
        const { decode, rows } = reading(Quote)
        expect(await decode(encodeTick(quote))).toBe('rows')
        expect(rows()).toEqual([quote])
      }),
    )
  })

  test('ticks and blocks one after another', async () => {
    const record = fc.oneof(quoteArbitrary, fc.array(quoteArbitrary, { maxLength: 20 }))
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 10 }), async (records) => {
        const { decode, rows } = reading(Quote)
        for (const of of records) expect(await decode(Array.isArray(of) ? encodeBlock(of) : encodeTick(of))).toBe('rows')
        expect(rows()).toEqual(records.flat())
      }),
    )
  })

  test('avsc reads our bytes, and writes the same ones', () => {
    fc.assert(
      fc.property(fc.array(quoteArbitrary, { minLength: 1, maxLength: 5 }), (rows) => {
        const { batch, encoder } = quotes(rows)
        const tick = encoder.encodeTick(batch.view(0), 0)
        expect(tick).toEqual(wire(ids.tick, avscTypes.tick.toBuffer(asAvsc(rows[0]))))
        const block = encoder.encodeBlock('NIFTY', batch.view(0), 0, rows.length)
        expect(block).toEqual(wire(ids.block, avscTypes.block.toBuffer({ underlying: 'NIFTY', ticks: rows.map(asAvsc) })))
        expect(encoder.encodeHeartbeat(rows[0].ts)).toEqual(wire(ids.heartbeat, avscTypes.heartbeat.toBuffer({ ts: rows[0].ts })))
      }),
    )
  })

  test('columns that a batch lacks are null', () => {
    const { batch, encoder } = quotes([row({ volume: 5, received: 7 })])
    const { ts, instrument, price } = batch.col
    const value = encoder.encodeTick({ n: 1, watermark: 0, col: { ts, instrument, price } }, 0)
    expect(avscTypes.tick.fromBuffer(value.subarray(5))).toEqual(expect.objectContaining({ ts: T0, price: 101.5, volume: null, received: null }))
  })

  test('times up to 2^53 are exact on either side of zero', async () => {
    const ends = [2 ** 53 - 1, 2 ** 53 - 2, 2 ** 52 + 1, -(2 ** 53) + 1, -1, 0, 63, 64, -64, -65, 2 ** 27, 2 ** 28 - 1, -(2 ** 28), 2 ** 55]
    const { decode, rows } = reading(Quote)
    await decode(encodeBlock(ends.map((received) => row({ received }))))
    expect(rows().map((r) => r['received'])).toEqual(ends)
  })
})

describe('bytes that are no record', () => {
  test('every truncation of a record is rejected as truncated and appends nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(quoteArbitrary, { minLength: 1, maxLength: 3 }), fc.boolean(), async (rows, block) => {
        const whole = block ? encodeBlock(rows) : encodeTick(rows[0])
        const read = reading(Tick)
        await read.decode(encodeTick(row()))
        const before = read.rows()
        for (let n = 0; n < whole.length; n++) {
          // At the end of its memory and in the middle of it: neither may let a read run over.
          expect(await read.decode(Buffer.from(whole.buffer.slice(whole.byteOffset, whole.byteOffset + n)))).toBe('truncated')
          expect(await read.decode(whole.subarray(0, n))).toBe('truncated')
        }
        expect(read.rows()).toEqual(before)
      }),
      { numRuns: 30 },
    )
  })

  test('any bytes after any head: an outcome, never a crash, and rows only with ROWS', async () => {
    const id = fc.constantFrom(...Object.values(ids))
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.array(fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xff), { maxLength: 60 }).map((bytes) => Uint8Array.from(bytes)),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(id, body)), fc.uint8Array({ maxLength: 20 }), async (records, loose) => {
        const read = reading(Quote)
        for (const value of [...records.map(([head, bytes]) => wire(head, bytes)), Buffer.from(loose)]) {
          const before = read.into.n
          const outcome = await read.decode(value)
          expect(read.into.n - before).toBe(outcome === 'rows' ? read.decoder.rows : 0)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('a byte changed anywhere: other rows or none, and the next record is read as ever', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(quoteArbitrary, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat({ max: 255 }), async (rows, at, byte) => {
        const broken = Buffer.from(encodeBlock(rows))
        broken[at % broken.length] = byte
        const read = reading(Quote)
        await read.decode(broken)
        const n = read.into.n
        expect(await read.decode(encodeTick(rows[0]))).toBe('rows')
        expect(read.rows().slice(n)).toEqual([rows[0]])
      }),
    )
  })
})

describe('rows of an output', () => {
  const Fill = { ts: 'time', instrument: 'instrument', price: 'f64', lots: 'i32', closing: 'bool' } as const

  test('are what avsc reads with the schema of the output; a time without value is null, a price without value NaN', () => {
    const number = fc.double()
    fc.assert(
      fc.property(
        fc.option(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), { nil: NaN }),
        number,
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        fc.boolean(),
        (...of) => {
          const [ts, price, lots, closing] = of
          const instruments = new Instruments()
          const rows = new RowBuffer(Fill, 1)
          rows.append({ n: 1, watermark: 0, col: { ...rows.col, ts: Float64Array.of(ts), price: Float64Array.of(price) } })
          rows.col.instrument[0] = instruments.id('NIFTY')
          rows.col.lots[0] = lots
          rows.col.closing[0] = Number(closing)
          const schema = outputSchema('fills', Fill)
          const value = new OutputEncoder(embeddedId(schema), Fill, instruments).encodeRow(rows.view(0), 0)
          expect(value.readInt32BE(1)).toBe(embeddedId(schema))
          const read = { ...avsc.Type.forSchema(JSON.parse(schema)).fromBuffer(value.subarray(5)) }
          expect(read).toEqual({ ts: Number.isNaN(ts) ? null : ts, instrument: 'NIFTY', price, lots, closing })
        },
      ),
    )
  })

  test('names that Avro does not allow are made so', () => {
    expect(JSON.parse(outputSchema('5-second bars', { 'close.adj': 'f64' }))).toMatchObject({
      name: '_5_second_bars',
      fields: [{ name: 'close_adj' }],
    })
  })
})
