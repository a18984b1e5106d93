import { describe, expect, it } from 'vitest'
import { abreast } from '../../core/abreast.ts'
import { Instruments } from '../../core/instruments.ts'
import { Second } from '../../core/market.ts'
import { f64, Table } from '../../core/table.ts'
import { rowsOf, toBatch } from '../kit/table.ts'

/** How many rows from `from` on are abreast of a table whose slots are NIFTY, BANKNIFTY, FINNIFTY. */
function rowsAbreast(from: number, text: string): number {
  const instruments = new Instruments()
  const table = new Table({ sum: f64(0) }, instruments)
  for (const name of ['NIFTY', 'BANKNIFTY', 'FINNIFTY']) table.slot(instruments.id(name))
  return abreast(toBatch(Second, rowsOf(Second, text), instruments), from, table)
}

const seconds = `
  ts        instrument  second
  09:15:00  NIFTY            0
  09:15:00  BANKNIFTY        0
  09:15:01  NIFTY            1
  09:15:01  BANKNIFTY        1
  09:15:01  FINNIFTY         1`

describe('abreast', () => {
  it('counts the rows of one second that stand in the order of the slots', () => {
    expect([0, 2].map((from) => rowsAbreast(from, seconds))).toEqual([2, 3])
  })

  it('is 0 inside a second, whose first row is not of the first slot', () => {
    expect([1, 3, 4].map((from) => rowsAbreast(from, seconds))).toEqual([0, 0, 0])
  })

  it('ends at an instrument out of place, at one of another second of its session, and at another time', () => {
    const ends = [
      '09:15:01 FINNIFTY 1', // the slot of BANKNIFTY
      '09:15:01 BANKNIFTY 301', // a session that opened earlier
      '09:15:02 BANKNIFTY 1',
    ]
    for (const row of ends) expect(rowsAbreast(0, `ts instrument second\n09:15:01 NIFTY 1\n${row}`), row).toBe(1)
  })

  it('knows no more slots than there are', () => {
    expect(rowsAbreast(2, `${seconds}\n09:15:01 MIDCPNIFTY 1`)).toBe(3)
  })
})
