import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Contract, contractOf, nameOf } from '../../core/instruments.ts'
import { formatDate, parseDate } from '../../core/time.ts'
import { formatBybitSymbol, parseBybitSymbol } from '../../markets/bybit/symbols.ts'

test.each([
  ['BTC-27MAR26-70000-P-USDT', 'BTC-USDT:2026-03-27:70000:PE'],
  ['BTC-27MAR26-70000-P', 'BTC:2026-03-27:70000:PE'],
  ['ETH-3JAN25-3250-C', 'ETH:2025-01-03:3250:CE'],
  ['XRP-3JAN25-2.15-C-USDT', 'XRP-USDT:2025-01-03:2.15:CE'],
  ['DOGE-28FEB25-0.25-P', 'DOGE:2025-02-28:0.25:PE'],
])('%s is %s, and back', (symbol, name) => {
  expect(nameOf(parseBybitSymbol(symbol))).toBe(name)
  expect(formatBybitSymbol(contractOf(name))).toBe(symbol)
})

test.each([
  'BTC',
  'BTC-30FEB26-70000-P',
  'BTC-27MRZ26-70000-P',
  'BTC-27MAR26-0-P',
  'BTC-27MAR26-70000-X',
  'BTC-27MAR26-70000-P-EUR',
  'btc-27MAR26-70000-P',
  '',
])('"%s" is refused', (symbol) =>
  expect(() => parseBybitSymbol(symbol)).toThrow(expect.objectContaining({ code: 'INSTRUMENT_INVALID', at: { name: symbol } })),
)

test('what is no option has no symbol here', () => expect(() => formatBybitSymbol({ kind: 'spot', underlying: 'BTC' })).toThrow('BTC is no option'))

describe('parse(format(c)) = c', () => {
  test('for any coin, day, strike and settlement', () => {
    const contract: fc.Arbitrary<Contract> = fc.record({
      kind: fc.constant('option' as const),
      underlying: fc.constantFrom('BTC', 'ETH', 'SOL', 'BTC-USDT', 'ETH-USDT', 'XRP-USDT'),
      expiry: fc.integer({ min: parseDate('2022-01-01'), max: parseDate('2030-12-31') }).map(formatDate),
      strike: fc.integer({ min: 1, max: 50_000_000 }).map((cents) => cents / 100),
      type: fc.constantFrom('CE' as const, 'PE' as const),
    })
    fc.assert(
      fc.property(contract, (c) => {
        expect(parseBybitSymbol(formatBybitSymbol(c))).toEqual(c)
      }),
    )
  })
})
