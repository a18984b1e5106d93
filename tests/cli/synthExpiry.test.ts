import { expect, test } from 'vitest'
import { nseExpiryOf } from '../../cli/synthExpiry.ts'
import { formatDate, parseDate } from '../../core/time.ts'

test.each([
  ['NIFTY', '2025-01-06', '2025-01-09'],
  ['NIFTY', '2025-09-03', '2025-09-09'],
  ['BANKNIFTY', '2025-01-06', '2025-01-30'],
  ['NIFTY', '2023-06-26', '2023-06-29'],
  ['NIFTY', '2023-06-28', '2023-06-28'],
])('made-up contracts of %s on %s expire on %s, as was known that day', (symbol, day, expiry) => {
  expect(formatDate(nseExpiryOf(symbol, parseDate(day)) ?? 0)).toBe(expiry)
})

test('nothing is said of a symbol that the NSE does not have', () => {
  expect(nseExpiryOf('MADEUP', parseDate('2025-01-06'))).toBeUndefined()
})
