import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Instruments } from '../../core/instruments.ts'
import { ClosedTrade } from '../../core/trading.ts'
import { countedOutputs, follow, type Metrics, MetricsOfDay, metricsOf, rankedBy, ranking, totalsOf } from '../../runtime/sweepMetrics.ts'
import { walkForward } from '../../runtime/sweepWalk.ts'
import { type Row, rowsOf, toBatch } from '../kit/table.ts'

const outputs = { signals: { ts: 'time' }, trades: ClosedTrade } as const

function metricsOfTrades(rows: readonly Row[]): Metrics {
  const day = new MetricsOfDay(outputs, ['signals', 'trades'])
  day.add('trades', toBatch(ClosedTrade, rows, new Instruments()))
  return day.metrics
}

const trades = (...pnl: number[]): Row[] => {
  const [blank] = rowsOf(ClosedTrade, 'ts\n09:15:00')
  return pnl.map((p) => ({ ...blank, quantity: 10, entry: 2, exit: 3, gross: p + 1, fees: 1, pnl: p }))
}

describe('the metrics of a day', () => {
  it('add its trades up', () => {
    expect(metricsOfTrades(trades(10, -4, -3, 0, 5))).toEqual({
      ...{ signals: 0, trades: 5, wins: 2, losses: 2, gross: 13, fees: 5, pnl: 8, profit: 15, loss: 7 },
      ...{ peak: 10, trough: 0, drawdown: 7, turnover: 250 },
    })
  })

  it('of two days together are those of one day with the trades of both, wherever it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -20, max: 20 })), fc.nat(30), (pnl, cut) => {
        const [first, second] = [pnl.slice(0, cut), pnl.slice(cut)].map((part) => metricsOfTrades(trades(...part)))
        expect(follow(first, second)).toEqual(metricsOfTrades(trades(...pnl)))
      }),
    )
  })

  it('are those of signals and trades where a topology has them, else of all its outputs', () => {
    expect(countedOutputs({ ...outputs, late: {} })).toEqual(['signals', 'trades'])
    expect(countedOutputs({ seconds: {}, late: {} })).toEqual(['seconds', 'late'])
    expect(metricsOf({ signals: {}, trades: { ts: 'time' } }, ['signals', 'trades'])).toEqual(['signals', 'trades'])
  })
})

describe('totals', () => {
  it('divide what they can', () => {
    const total = totalsOf([metricsOfTrades(trades(6, -2)), metricsOfTrades([]), metricsOfTrades(trades(2))])
    expect(total).toMatchObject({ days: 3, trades: 3, pnl: 6, winRate: 2 / 3, expectancy: 2, profitFactor: 4, bestDay: 4, worstDay: 0 })
    expect(total['sharpe']).toBeCloseTo((2 / 2) * Math.sqrt(252), 12)
  })

  it('say NaN where there is nothing to divide by', () => {
    expect(totalsOf([metricsOfTrades([])])).toMatchObject({ winRate: NaN, expectancy: NaN, profitFactor: NaN, sharpe: NaN })
  })

  it('are ranked by pnl where there is one; a loss that is less is better, NaN comes last, equals keep their order', () => {
    expect(rankedBy(['signals', 'trades', 'pnl', 'peak'])).toEqual([
      'pnl',
      'signals',
      'trades',
      'sharpe',
      'profitFactor',
      'winRate',
      'expectancy',
      'bestDay',
      'worstDay',
    ])
    expect(rankedBy(['signals'])[0]).toBe('signals')
    const totals = [
      { pnl: 1, drawdown: 3 },
      { pnl: NaN, drawdown: 1 },
      { pnl: 5, drawdown: 2 },
      { pnl: 1, drawdown: Infinity },
    ]
    expect(ranking(totals, 'pnl')).toEqual([2, 0, 3, 1])
    expect(ranking(totals, 'drawdown')).toEqual([1, 2, 0, 3])
  })
})

describe('walking forward', () => {
  const of = (pnl: number): Metrics => metricsOfTrades(pnl === 0 ? [] : trades(pnl))
  const dates = ['d1', 'd2', 'd3', 'd4', 'd5', 'd6', 'd7']

  it('chooses by the training days alone and adds up the days after them', () => {
    // d1-d3 favour set 0, d3-d5 set 1, d5-d7 nobody is left to be judged by.
    const results = [
      [5, 5, 1, -9, 0, 2, 1],
      [1, 1, 2, 7, 3, -4, 6],
    ].map((pnl) => pnl.map(of))
    const walk = walkForward(dates, results, { train: 3, test: 2, by: 'pnl' })
    expect(walk.windows.map(({ train, test, set }) => [train.from, train.to, set, test.from, test.to, test.days, test.metrics['pnl']])).toEqual([
      ['d1', 'd3', 0, 'd4', 'd5', 2, -9],
      ['d3', 'd5', 1, 'd6', 'd7', 2, 2],
    ])
    expect(walk.equity.map(({ date, equity }) => [date, equity])).toEqual([
      ['d4', -9],
      ['d5', -9],
      ['d6', -13],
      ['d7', -7],
    ])
    expect(walk.metrics).toMatchObject({ days: 4, pnl: -7, drawdown: 13 })
  })

  it('tests every day after the first training days once, the last window shorter where days run out', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 9 }), (train, test) => {
        const walk = walkForward(dates, [dates.map(() => of(1))], { train, test, by: 'pnl' })
        expect(walk.equity.map(({ date }) => date)).toEqual(dates.slice(train))
        expect(walk.windows.reduce((sum, w) => sum + w.test.days, 0)).toBe(dates.length - train)
      }),
    )
  })

  it('says when there is no day left to test on', () => {
    expect(() => walkForward(dates, [dates.map(() => of(1))], { train: 7, test: 1, by: 'pnl' })).toThrow(/leaves no day to test on/)
  })
})
