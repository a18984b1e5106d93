import { describe, expect, it, test } from 'vitest'
import { contractOf } from '../../core/instruments.ts'
import type { Leg, LegFees, OptionContract } from '../../core/optionMarket.ts'
import { parseDate } from '../../core/time.ts'
import { optionFees } from '../../markets/nse/fees.ts'
import { nseOptions } from '../../markets/nse/optionMarket.ts'

const call = (symbol: string, expiry: string) => contractOf(`${symbol}:${expiry}:20000:CE`) as OptionContract
const leg: Leg = { day: parseDate('2025-01-06'), side: 'buy', price: 2489.75, quantity: 30, orders: 1, brokerage: 0, settlement: false }
const total = (fees: LegFees) => Object.values(fees).reduce((sum, part) => sum + part)

describe('fees a leg', () => {
  it('of 30 BANKNIFTY bought at 2489.75 and sold at 2614.75 are 145.0122258', () => {
    const [buy, sell] = [nseOptions.fees(leg), nseOptions.fees({ ...leg, side: 'sell', price: 2614.75 })]
    expect(total(buy) + total(sell)).toBeCloseTo(145.0122258, 7)
    expect([buy.stt, sell.stamp]).toEqual([0, 0])
  })

  it("of a short: its entry is the sale, so it pays the tax of the entry's price", () => {
    const [entry, exit] = [nseOptions.fees({ ...leg, side: 'sell' }), nseOptions.fees({ ...leg, side: 'buy', price: 2614.75 })]
    expect(entry.stt).toBeCloseTo(0.001 * 2489.75 * 30, 9)
    expect(exit.stamp).toBeCloseTo(0.00003 * 2614.75 * 30, 9)
  })

  test.each(['2020-07-01', '2021-06-01', '2023-04-01', '2024-09-30', '2024-10-01', '2026-04-01'])(
    'of both legs on %s are those of optionFees',
    (date) => {
      const day = parseDate(date)
      const both =
        total(nseOptions.fees({ ...leg, day, brokerage: 20 })) + total(nseOptions.fees({ ...leg, day, side: 'sell', price: 99, brokerage: 20 }))
      expect(both).toBeCloseTo(optionFees({ date, buy: 2489.75, sell: 99, quantity: 30, brokeragePerOrder: 20 }).total, 9)
    },
  )

  it('include brokerage an order', () => expect(nseOptions.fees({ ...leg, orders: 3, brokerage: 20 }).brokerage).toBe(60))

  it('of a settlement are the tax of who holds an option on what it is worth', () => {
    const settled = (date: string, side: Leg['side']) =>
      nseOptions.fees({ ...leg, day: parseDate(date), side, price: 50, quantity: 75, settlement: true })
    expect(settled('2025-01-09', 'sell')).toEqual({ stt: 4.6875, exchange: 0, ipft: 0, sebi: 0, stamp: 0, gst: 0, brokerage: 0 })
    expect(settled('2026-04-07', 'sell').stt).toBe(5.625)
    expect(total(settled('2025-01-09', 'buy'))).toBe(0)
    expect(() => settled('2019-08-29', 'sell')).toThrow('no schedule of fees is known for 2019-08-29')
  })

  test.each([{ price: -1 }, { price: Number.NaN }, { quantity: Infinity }])('of %j there are none', (change) => {
    expect(() => nseOptions.fees({ ...leg, ...change })).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })
})

describe('a contract', () => {
  it('ends on the day it is named by, or on that to which the exchange moved it, once that is known', () => {
    const ends = (expiry: string, date: string) => nseOptions.expires(call('NIFTY', expiry), parseDate(date))
    expect(ends('2025-01-09', '2025-01-06')).toBe(parseDate('2025-01-09'))
    expect([ends('2025-09-04', '2025-06-22'), ends('2025-09-04', '2025-06-23')]).toEqual([parseDate('2025-09-04'), parseDate('2025-09-09')])
  })

  it('has the lot of its trade date', () => {
    const march = (date: string) => nseOptions.lot(call('NIFTY', '2025-03-27'), parseDate(date))
    expect([march('2024-12-26'), march('2024-12-27')]).toEqual([25, 75])
  })

  it('is chosen by what was known on the day', () => {
    const nearest = (date: string) => nseOptions.expiry('NIFTY', parseDate(date), 'nearest')
    expect([nearest('2025-01-06'), nearest('2025-01-09'), nearest('2025-01-10')]).toEqual(['2025-01-09', '2025-01-09', '2025-01-16'])
    expect([nearest('2023-06-26'), nearest('2023-06-27')]).toEqual(['2023-06-29', '2023-06-28'])
    expect(nseOptions.expiry('BANKNIFTY', parseDate('2025-01-06'), 'weekly')).toBeUndefined()
  })

  it('is of no more than the freeze quantity an order', () => {
    expect(['2025-08-29', '2025-09-01', '2025-11-03'].map((date) => nseOptions.freeze('BANKNIFTY', parseDate(date)))).toEqual([600, 900, 600])
  })
})
