import { expect, it } from 'vitest'
import { nameOf } from '../../../core/instruments.ts'
import { kiteContract } from '../../../markets/nse/kiteContracts.ts'

it.each`
  symbol                 | name                     | expiry          | strike    | type     | segment      | is
  ${'NIFTY2410421500CE'} | ${'NIFTY'}               | ${'2024-01-04'} | ${21500}  | ${'CE'}  | ${'NFO-OPT'} | ${'NIFTY:2024-01-04:21500:CE'}
  ${'INFY24JAN1517.5PE'} | ${'INFY'}                | ${'2024-01-25'} | ${1517.5} | ${'PE'}  | ${'NFO-OPT'} | ${'INFY:2024-01-25:1517.5:PE'}
  ${'BANKNIFTY24JANFUT'} | ${'BANKNIFTY'}           | ${'2024-01-25'} | ${0}      | ${'FUT'} | ${'NFO-FUT'} | ${'BANKNIFTY:2024-01-25:FUT'}
  ${'NIFTY BANK'}        | ${'NIFTY BANK'}          | ${''}           | ${0}      | ${'EQ'}  | ${'INDICES'} | ${'BANKNIFTY'}
  ${'INDIA VIX'}         | ${'INDIA VIX'}           | ${''}           | ${0}      | ${'EQ'}  | ${'INDICES'} | ${'INDIA VIX'}
  ${'M&M'}               | ${'MAHINDRA & MAHINDRA'} | ${''}           | ${0}      | ${'EQ'}  | ${'NSE'}     | ${'M&M'}
`('$symbol of the dump is $is', ({ is, ...row }) => {
  expect(nameOf(kiteContract(row))).toBe(is)
})

it.each([
  { type: 'CE', expiry: '', strike: 100 },
  { type: 'PE', expiry: '2024-01-25', strike: 0 },
  { type: 'FUT', expiry: '25-01-2024', strike: 0 },
  { type: 'MF', expiry: '', strike: 0 },
])('refuses a row that is no contract: %o', (row) => {
  expect(() => kiteContract({ symbol: 'X', name: 'X', segment: 'NFO-OPT', ...row })).toThrow(expect.objectContaining({ code: 'INSTRUMENT_INVALID' }))
})
