import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Contract, contractOf, Instruments, nameOf } from '../../core/instruments.ts'
import { formatDate } from '../../core/time.ts'

const underlying = fc.stringMatching(/^[A-Z][A-Z0-9&-]{0,11}$/)
const expiry = fc.integer({ min: 10_000, max: 25_000 }).map(formatDate)
const strike = fc.oneof(
  fc.integer({ min: 1, max: 200_000 }),
  fc.integer({ min: 1, max: 400_000 }).map((n) => n / 4),
)
const contract: fc.Arbitrary<Contract> = fc.oneof(
  fc.record({ kind: fc.constant('spot' as const), underlying }),
  fc.record({ kind: fc.constant('future' as const), underlying, expiry }),
  fc.record({ kind: fc.constant('option' as const), underlying, expiry, strike, type: fc.constantFrom('CE' as const, 'PE' as const) }),
)

describe('names', () => {
  test('a contract is the contract of its name', () => {
    fc.assert(
      fc.property(contract, (c) => {
        expect(contractOf(nameOf(c))).toEqual(c)
      }),
    )
  })

  test('names are told apart where contracts are', () => {
    expect(nameOf({ kind: 'option', underlying: 'NIFTY', expiry: '2025-01-09', strike: 24000, type: 'CE' })).toBe('NIFTY:2025-01-09:24000:CE')
    expect(nameOf({ kind: 'future', underlying: 'NIFTY', expiry: '2025-01-30' })).toBe('NIFTY:2025-01-30:FUT')
  })

  test.each([
    '',
    ':',
    'NIFTY:2025-01-30',
    'NIFTY:30JAN:FUT',
    'NIFTY:2025-01-30:OPT',
    'NIFTY:2025-01-30:24000',
    'NIFTY:2025-01-30:024000:CE',
    'NIFTY:2025-01-30:0:CE',
    'NIFTY:2025-01-30:-1:CE',
    'NIFTY:2025-01-30:1e3:CE',
    'NIFTY:2025-01-30:24000:XX',
    'NIFTY:2025-02-30:24000:CE',
    'NIFTY:2025-13-45:FUT',
    ':2025-01-30:FUT',
    ':2025-01-30:24000:CE',
    'NIFTY:2025-01-30:Infinity:CE',
  ])('"%s" names none', (name) => {
    expect(() => contractOf(name)).toThrow(expect.objectContaining({ code: 'INSTRUMENT_INVALID', at: { name } }))
  })
})

test('ids are dense, in order of first appearance, and stay', () => {
  const instruments = new Instruments()
  expect(['B', 'A', 'B'].map((name) => instruments.id(name))).toEqual([0, 1, 0])
  expect([instruments.size, instruments.name(1), instruments.contract(0)]).toEqual([2, 'A', { kind: 'spot', underlying: 'B' }])
  expect(() => instruments.id('A:B')).toThrow()
  expect([instruments.size, instruments.id('C')]).toEqual([2, 2])
})
