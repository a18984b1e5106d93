import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BybitTicker, type TickerMessage, TickerReader } from '../../../connectors/feeds/bybit/ticker.ts'
import { RowBuffer } from '../../../core/rowBuffer.ts'
import { tickerOf } from '../../kit/bybitServer.ts'

const SYMBOL = 'BTC-27MAR26-70000-C-USDT'
const ids = new Map([[SYMBOL, 7]])

/** The row and the counts that a message gives, read one way or the other; undefined: not a row. */
function scanned(bytes: Buffer, reader = new TickerReader(ids)): { row: number[]; unreadable: number } | undefined {
  const rows = new RowBuffer(BybitTicker)
  return reader.scan(bytes, 5, rows) ? { row: rowOf(rows), unreadable: reader.unreadable } : undefined
}
function parsed(bytes: Buffer): { row: number[]; unreadable: number } | undefined {
  const [rows, reader] = [new RowBuffer(BybitTicker), new TickerReader(ids)]
  try {
    const message = JSON.parse(bytes.toString()) as TickerMessage
    if (!String(message.topic).startsWith('tickers.')) return undefined
    return reader.append(message, 5, rows) === undefined ? { row: rowOf(rows), unreadable: reader.unreadable } : undefined
  } catch {
    // No JSON.
    return undefined
  }
}
const rowOf = (rows: RowBuffer<BybitTicker>): number[] => {
  expect(rows.n).toBe(1)
  return Object.values(rows.col).map((column) => column[0])
}
const bytesOf = (over: Readonly<Record<string, unknown>>): Buffer => Buffer.from(tickerOf(SYMBOL, 1_700_000_000_100, over))

const decimal = fc
  .tuple(fc.constantFrom('', '-'), fc.maxSafeNat(), fc.option(fc.maxSafeNat(), { nil: undefined }), fc.nat(5))
  .map(([sign, whole, rest, zeros]) => `${sign}${whole}${rest === undefined ? '' : `.${'0'.repeat(zeros)}${rest}`}`)
const odd = fc.constantFrom<unknown>('', '0', '-0', '00.5', '.5', '5.', '1e5', '0x10', ' 1', 'NaN', '--1', '1.2.3', '\u00e9', 'a"b', null, 5, {}, [])
const over = fc.dictionary(
  fc.constantFrom('bidPrice', 'askSize', 'gamma', 'lastPrice', 'totalVolume', 'extra', 'delta'),
  fc.oneof(decimal, decimal, odd),
)

describe('a ticker read out of its bytes', () => {
  it('is what JSON.parse and Number make of it, whatever its values are', () => {
    fc.assert(
      fc.property(over, (values) => {
        const bytes = bytesOf(values)
        const quick = scanned(bytes)
        if (quick !== undefined) expect(quick).toEqual(parsed(bytes))
      }),
      { numRuns: 2000 },
    )
  })

  it('is never a row where JSON.parse finds none, or another, with any byte changed or the end cut off', () => {
    const whole = bytesOf({})
    const reader = new TickerReader(ids)
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), fc.boolean(), (at, byte, cut) => {
        const bytes = cut ? whole.subarray(0, at) : Buffer.from(whole)
        if (!cut) bytes[at] = byte
        const quick = scanned(bytes, reader)
        if (quick !== undefined) expect(quick).toEqual(parsed(bytes))
      }),
      { numRuns: 5000 },
    )
  })

  it('is read this way when it is as tickers are, in any order of its fields, and when the order changes', () => {
    const reader = new TickerReader(ids)
    const message = JSON.parse(bytesOf({}).toString())
    const turned = { data: Object.fromEntries(Object.entries(message.data).reverse()), ts: message.ts, topic: message.topic }
    for (const one of [message, message, turned, turned, message]) {
      const bytes = Buffer.from(JSON.stringify(one))
      expect(scanned(bytes, reader)).toEqual(parsed(bytes))
      expect(parsed(bytes)).toBeDefined()
    }
  })

  it('leaves to the ordinary way what it does not know', () => {
    const text = bytesOf({}).toString()
    const others = [
      bytesOf({ bidPrice: null }),
      bytesOf({ bidPrice: '1e-5' }),
      Buffer.from(text.replace(':', ': ')),
      Buffer.from(text.replaceAll(SYMBOL, 'BTC-1JAN27-1-C')),
    ]
    for (const bytes of [...others, Buffer.from('{"op":"pong"}'), Buffer.from('{}'), Buffer.alloc(0)]) expect(scanned(bytes)).toBeUndefined()
  })
})
