import { describe, expect, test } from 'vitest'
import { NEEDS_SCHEMA, RecordDecoder, ROWS } from '../../../connectors/avro/decoder.ts'
import { embeddedSchemas } from '../../../connectors/avro/embedded.ts'
import { recordSchemas } from '../../../connectors/avro/schemas.ts'
import { TickloomError } from '../../../core/errors.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Quote, Tick, Trade } from '../../../core/market.ts'
import { RowBuffer } from '../../../core/rowBuffer.ts'
import { HOUR } from '../../../core/time.ts'
import { asAvsc, avscTypes, encodeBlock, encodeTick, ids, type QuoteRow, quotes, reading, row, STAMP, T0, wire } from './records.ts'

const viaAvsc = (quote: QuoteRow): Buffer => wire(ids.tick, avscTypes.tick.toBuffer(asAvsc(quote)))
const beat = (ts: number): Buffer => quotes([]).encoder.encodeHeartbeat(ts)

describe('a record that cannot be used is rejected with its reason, and the rows stay as they were', () => {
  const otherTick = (fields: unknown[]): string => JSON.stringify({ type: 'record', namespace: 'tickloom', name: 'Tick', fields })
  const fill = JSON.stringify({ type: 'record', name: 'Fill', fields: [{ name: 'price', type: 'double' }] })
  const priceless = otherTick([
    { name: 'instrument', type: 'string' },
    { name: 'ts', type: 'long' },
  ])
  const textPrice = otherTick([
    { name: 'instrument', type: 'string' },
    { name: 'ts', type: 'long' },
    { name: 'price', type: 'string' },
  ])
  const inMillis = otherTick([
    { name: 'instrument', type: 'string' },
    { name: 'ts', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'price', type: 'double' },
  ])
  const others = [fill, priceless, textPrice, inMillis]
  const good = encodeTick(row())
  const of = (schema: string): Promise<number> => embeddedSchemas(others).idOf('', schema)
  const cases: [string, string, Buffer | null | Promise<Buffer>][] = [
    ['no value', 'truncated', null],
    ['an empty value', 'truncated', Buffer.alloc(0)],
    ['four bytes of head', 'truncated', good.subarray(0, 4)],
    ['a head alone', 'truncated', good.subarray(0, 5)],
    ['a byte too many', 'truncated', Buffer.concat([good, Buffer.of(0)])],
    ['a claim of 2^40 ticks', 'truncated', wire(ids.block, Buffer.of(0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01))],
    ['a branch that the union lacks', 'truncated', wire(ids.tick, Buffer.concat([good.subarray(5, 39), Buffer.of(4)]))],
    ['another magic byte', 'bad_magic', Buffer.concat([Buffer.of(1), good.subarray(1)])],
    ['JSON', 'bad_magic', Buffer.from('{"price":1}')],
    ['an id nobody knows', 'unknown_schema', wire(4711, good.subarray(5))],
    ['another kind of record', 'wrong_schema', of(fill).then((id) => wire(id, Buffer.alloc(8)))],
    ['a schema without price', 'wrong_schema', of(priceless).then((id) => wire(id, good.subarray(5)))],
    ['a schema with a price of text', 'wrong_schema', of(textPrice).then((id) => wire(id, good.subarray(5)))],
    ['price NaN', 'bad_price', encodeTick(row({ price: NaN }))],
    ['a negative price', 'bad_price', encodeTick(row({ price: -0.05 }))],
    ['an infinite price', 'bad_price', encodeTick(row({ price: Infinity }))],
    ['a time before 2000', 'bad_time', encodeTick(row({ ts: Date.UTC(2000) * 1000 - 1 }))],
    ['a time more than an hour ahead', 'bad_time', encodeTick(row({ ts: T0 + HOUR + 1 }))],
    ['a heartbeat from before 2000', 'bad_time', beat(1)],
    ['a heartbeat more than an hour ahead', 'bad_time', beat(T0 + HOUR + 1)],
    ['a strike that is no number', 'unknown_instrument', viaAvsc(row({ instrument: 'NIFTY:2025-01-09:24k:CE' }))],
    ['no name', 'unknown_instrument', viaAvsc(row({ instrument: '' }))],
    ['the name of heartbeats', 'unknown_instrument', viaAvsc(row({ instrument: '*' }))],
    ['a name longer than any', 'unknown_instrument', viaAvsc(row({ instrument: 'N'.repeat(129) }))],
    ['a name that is not UTF-8', 'unknown_instrument', Buffer.from(good.toString('latin1').replace('NIFTY', 'NIF\xffY'), 'latin1')],
  ]
  test.each(cases)('%s: %s', async (_, reason, value) => {
    const { decode, rows } = reading(Quote, { others })
    expect(await decode(good)).toBe('rows')
    expect(await decode(await value)).toBe(reason)
    expect(rows()).toEqual([row()])
    expect(await decode(good), 'and the stream goes on').toBe('rows')
  })

  test('times in milliseconds are no times of ours, though both are longs', async () => {
    expect(await reading(Quote, { others }).decode(wire(await of(inMillis), good.subarray(5)))).toBe('wrong_schema')
  })

  test('one bad tick rejects its block', async () => {
    const { decode, rows } = reading(Quote)
    expect(await decode(encodeBlock([row(), row({ price: -1 }), row()]))).toBe('bad_price')
    expect(rows()).toEqual([])
  })
})

describe('what is taken', () => {
  test('a tick, with everything it says', async () => {
    const { decode, rows } = reading(Quote)
    const tick = row({ volume: 5e9, oi: 0, bid: 101.45, ask: 101.55, bidSize: 75, askSize: 150, received: T0 + 1500, lastTrade: T0 - 2_000_001 })
    expect(await decode(encodeTick(tick))).toBe('rows')
    expect(rows()).toEqual([tick])
  })

  test('a block, in its order, however many; also none', async () => {
    const ticks = Array.from({ length: 3000 }, (_, i) => row({ ts: T0 + i, price: i }))
    const { decode, decoder, rows } = reading(Quote)
    expect(await decode(encodeBlock(ticks))).toBe('rows')
    expect(decoder.rows).toBe(3000)
    expect(rows()).toEqual(ticks)
    expect(await decode(encodeBlock([]))).toBe('rows')
    expect(decoder.rows).toBe(0)
  })

  test('a block whose array is written in several pieces, with and without their sizes', async () => {
    const one = encodeTick(row()).subarray(5)
    const two = encodeTick(row({ price: 102 })).subarray(5)
    const sized = Buffer.concat([Buffer.of(1, one.length * 2), one])
    const body = Buffer.concat([Buffer.of(0), Buffer.of(2), one, sized, Buffer.of(4), two, one, Buffer.of(0)])
    const { decode, rows } = reading(Quote)
    expect(await decode(wire(ids.block, body))).toBe('rows')
    expect(rows().map((r) => r['price'])).toEqual([101.5, 101.5, 102, 101.5])
  })

  test('a heartbeat, which is no row', async () => {
    const { decode, decoder, rows } = reading(Quote)
    expect(await decode(beat(T0 + 1_000_000))).toBe('heartbeat')
    expect(decoder.heartbeat).toBe(T0 + 1_000_000)
    expect(rows()).toEqual([])
  })

  test('only the columns wanted, though the others are judged', async () => {
    const trade = reading(Trade)
    await trade.decode(encodeTick(row({ volume: 7, oi: 8 })))
    expect(trade.rows()).toEqual([{ ts: T0, instrument: row().instrument, price: 101.5, volume: 7 }])
    const volumes = reading({ volume: 'f64' } as const)
    expect(await volumes.decode(encodeTick(row({ volume: 7 })))).toBe('rows')
    expect(await volumes.decode(encodeTick(row({ volume: 8, price: -1 })))).toBe('bad_price')
    expect(volumes.rows()).toEqual([{ volume: 7 }])
  })

  test('a time within what the record may be ahead; any time when it has no timestamp', async () => {
    expect(await reading(Tick).decode(encodeTick(row({ ts: T0 + HOUR })))).toBe('rows')
    expect(await reading(Tick, { maxAhead: 0 }).decode(encodeTick(row({ ts: T0 + 1 })))).toBe('bad_time')
    expect(await reading(Tick).decode(encodeTick(row({ ts: T0 + 1000 * HOUR })), -1)).toBe('rows')
  })

  test('rows of several buffers in turn', () => {
    const decoder = new RecordDecoder({ columns: Tick, instruments: new Instruments(), schemas: embeddedSchemas() })
    const [a, b] = [new RowBuffer(Tick), new RowBuffer(Tick)]
    expect(decoder.decode(encodeTick(row()), STAMP, a)).toBe(NEEDS_SCHEMA)
    return decoder.resolve(ids.tick).then(() => {
      for (let i = 0; i < 3000; i++) expect(decoder.decode(encodeTick(row({ price: i })), STAMP, i % 3 === 0 ? a : b)).toBe(ROWS)
      expect([...a.col.price.subarray(0, a.n)]).toEqual(Array.from({ length: 1000 }, (_, i) => i * 3))
      expect(b.n).toBe(2000)
    })
  })
})

describe('names and schemas that are kept', () => {
  test('more names than the table began with keep their ids', async () => {
    const names = Array.from({ length: 5000 }, (_, i) => row({ instrument: `NIFTY:2025-01-09:${i + 1}:CE` }))
    const { decode, rows } = reading(Trade)
    await decode(encodeBlock(names))
    await decode(encodeBlock(names))
    expect(rows().map((r) => r['instrument'])).toEqual([...names, ...names].map((r) => r.instrument))
  })

  test('names beyond the limit are unknown, those before it stay known', async () => {
    const { decode } = reading(Trade, { maxInstruments: 2 })
    const seen = []
    for (const instrument of ['A', 'B', 'C', 'A']) seen.push(await decode(encodeTick(row({ instrument }))))
    expect(seen).toEqual(['rows', 'rows', 'unknown_instrument', 'rows'])
  })

  test('an id is asked for once, also when nobody knows it', async () => {
    const asked: number[] = []
    const schemaOf = async (id: number): Promise<string | undefined> => {
      asked.push(id)
      return id === 7 ? recordSchemas.tick.json : undefined
    }
    const schemas = { ...embeddedSchemas(), schemaOf }
    const decoder = new RecordDecoder({ columns: Tick, instruments: new Instruments(), schemas })
    for (const id of [7, 8, 7, 8]) await decoder.resolve(id)
    expect(asked).toEqual([7, 8])
  })

  test('nobody to ask is a failure, not a verdict: the record is asked about again', async () => {
    let up = false
    const schemaOf = async (): Promise<string> => {
      if (!up) throw new TickloomError('REGISTRY_UNREACHABLE', 'down')
      return recordSchemas.tick.json
    }
    const decoder = new RecordDecoder({ columns: Tick, instruments: new Instruments(), schemas: { ...embeddedSchemas(), schemaOf } })
    const into = new RowBuffer(Tick)
    await expect(decoder.resolve(ids.tick)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
    expect(decoder.decode(encodeTick(row()), STAMP, into)).toBe(NEEDS_SCHEMA)
    up = true
    await decoder.resolve(ids.tick)
    expect(decoder.decode(encodeTick(row()), STAMP, into)).toBe(ROWS)
  })
})
