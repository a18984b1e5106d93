import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Bar } from '../../core/bar.ts'
import { ensureOhlc } from '../../operators/ensureOhlc.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { type Row, rowsOf, run } from '../kit/table.ts'

const kinds = { input: Bar, output: Bar }
const mended = (rows: readonly Row[]): number[][] => run(ensureOhlc, kinds, rows, ['open', 'high', 'low', 'close']) as number[][]

const bars = rowsOf(
  Bar,
  `
  ts        instrument  open  high  low  close  volume  oi
  09:15:59  NIFTY        100   103   99    102      10   5
  09:16:59  NIFTY          0   103   99    102      10   5
  09:17:59  NIFTY        100     0   99    102      10   5
  09:18:59  NIFTY        100   103    0    102      10   5
  09:19:59  NIFTY        100   101  101    102      10   5
  09:20:59  NIFTY         -1     0    0    102      10   5
  09:21:59  NIFTY        100   103   99      0      10   5
  09:22:59  NIFTY        NaN   NaN  NaN    102      10   5`,
)

describe('ensureOhlc', () => {
  it('mends what is 0, missing or beyond: the open from the close, the high and the low from both', () => {
    expect(mended(bars)).toEqual([
      [100, 103, 99, 102],
      [102, 103, 99, 102],
      [100, 102, 99, 102],
      [100, 103, 100, 102],
      [100, 102, 100, 102],
      [102, 102, 102, 102],
      [100, 103, 99, 0],
      [102, 102, 102, 102],
    ])
  })

  const price = fc.oneof(fc.constantFrom(0, -0, -1, NaN, 100, Infinity), fc.double({ min: 0.05, max: 1e5 }))
  const bar = fc.record({ open: price, high: price, low: price, close: price }).map((prices): Row => ({ ...bars[0], ...prices }) as Row)

  it('low <= open, close <= high, and low is above 0, wherever the close is', () => {
    fc.assert(
      fc.property(fc.array(bar), (rows) => {
        for (const [open, high, low, close] of mended(rows).filter((row) => row[3] > 0)) {
          expect(low).toBeGreaterThan(0)
          expect(low).toBeLessThanOrEqual(Math.min(open, close))
          expect(high).toBeGreaterThanOrEqual(Math.max(open, close))
        }
      }),
    )
  })

  it('mends nothing twice, and leaves the close and whole bars alone', () => {
    fc.assert(
      fc.property(fc.array(bar), (rows) => {
        const once = mended(rows)
        const again = rows.map((row, i) => ({ ...row, open: once[i][0], high: once[i][1], low: once[i][2] }) as Row)
        expect(mended(again)).toEqual(once)
        for (const [i, row] of rows.entries()) {
          const { open, high, low, close } = row as unknown as Record<'open' | 'high' | 'low' | 'close', number>
          expect(once[i][3]).toBe(close)
          if (low > 0 && low <= Math.min(open, close) && Math.max(open, close) <= high) expect(once[i]).toEqual([open, high, low, close])
        }
      }),
    )
  })
})

operatorContract(ensureOhlc, kinds, bars, ['open', 'high', 'low', 'close', 'volume', 'oi'])
