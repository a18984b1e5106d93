import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inTableOrder } from '../../../connectors/clickhouse/tableOrder.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Trade } from '../../../core/market.ts'
import { rowsOf, toBatch, toRows } from '../../kit/table.ts'

describe('inTableOrder', () => {
  it('puts instruments in the order of their names, and leaves each one in its own', () => {
    const instruments = new Instruments()
    const ticks = rowsOf(
      Trade,
      `
      ts        instrument                 price
      09:15:00  NIFTY                         1
      09:15:00  NIFTY:2025-01-09:24000:CE     2
      09:15:01  BANKNIFTY                     3
      09:15:01  NIFTY                         4
      09:15:02  BANKNIFTY                     5`,
    )
    const ordered = toRows(inTableOrder(toBatch(Trade, ticks, instruments), Trade, instruments), Trade, instruments)
    expect(ordered.map((row) => row['price'])).toEqual([3, 5, 1, 4, 2])
  })

  it('is the stable sort by name', () => {
    const names = ['B', 'A:2025-01-09:24000:CE', 'A', 'C:2025-01-30:FUT', 'A:2025-01-09:9000:PE']
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...names)), (picked) => {
        const instruments = new Instruments()
        const rows = picked.map((instrument, i) => ({ ts: i, instrument, price: i, volume: 0 }))
        const sorted = [...rows].sort((a, b) => (a.instrument < b.instrument ? -1 : a.instrument > b.instrument ? 1 : 0))
        expect(toRows(inTableOrder(toBatch(Trade, rows, instruments), Trade, instruments), Trade, instruments)).toEqual(sorted)
      }),
    )
  })
})
