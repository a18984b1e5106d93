import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closedCurve, drawdownOf, markedCurve, thinned, underwater } from '../../cli/reportCurve.ts'
import { feeParts, reportOf } from '../../cli/reportData.ts'
import { groupsOf } from '../../cli/reportGroups.ts'
import { exposureOf, sumOf, type Trade, totalsOfDays, totalsOfTrades } from '../../cli/reportMetrics.ts'
import { attach, HOUR, IST, MINUTE, SECOND } from '../../core/time.ts'

const at = (text: string): number => attach(text, IST)

/** A trade of 10 units unless said otherwise; pnl = gross - fees. */
function trade(from: string, to: string, given: Partial<Trade>): Trade {
  const [entered, ts] = [at(from), at(to)]
  const quantity = given.quantity ?? 10
  const direction = given.direction ?? 'short'
  const [entry, exit] = [given.entry ?? 100, given.exit ?? 100]
  const points = direction === 'long' ? exit - entry : entry - exit
  const fees = given.fees ?? 0
  const gross = points * quantity
  const instrument = given.instrument ?? 'NIFTY:2025-01-09:24000:CE'
  const rest = { position: 1, anchor: NaN, lots: 1, best: NaN, worst: NaN, reason: 'target', distance: 0 }
  return { ...rest, ts, entered, instrument, direction, entry, exit, quantity, points, gross, fees, pnl: gross - fees, ...given }
}

const CE = 'NIFTY:2025-01-09:24000:CE'
const PE = 'NIFTY:2025-01-09:23950:PE'
/*
 *      #   entered      exit         side    entry  exit  units  gross  fees   pnl   sum   reason   distance
 */
const six: Trade[] = [
  /*  1   10:00        10:10        short     100    85     10    150    10   140   140  */
  trade('2025-01-06 10:00', '2025-01-06 10:10', { instrument: CE, entry: 100, exit: 85, fees: 10, reason: 'target', distance: 0 }),
  /*  2   11:00        11:30        short     100   115     10   -150    10  -160   -20  */
  trade('2025-01-06 11:00', '2025-01-06 11:30', { instrument: PE, entry: 100, exit: 115, fees: 10, reason: 'stop', distance: -1 }),
  /*  3   11:15        11:45        long       50    56     20    120    20   100    80  */
  trade('2025-01-06 11:15', '2025-01-06 11:45', { instrument: CE, direction: 'long', entry: 50, exit: 56, quantity: 20, fees: 20, distance: 1 }),
  /*  4   10:30        10:40        short      80    92     10   -120    10  -130   -50  */
  trade('2025-01-07 10:30', '2025-01-07 10:40', { instrument: PE, entry: 80, exit: 92, fees: 10, reason: 'stop', distance: -1 }),
  /*  5   14:00        15:15        short      60    61     10    -10    10   -20   -70  */
  trade('2025-01-07 14:00', '2025-01-07 15:15', { instrument: CE, entry: 60, exit: 61, fees: 10, reason: 'session_end', distance: 0 }),
  /*  6   10:05        10:25        short     200   170     10    300    20   280   210   two days on: the 8th has no trade */
  trade('2025-01-09 10:05', '2025-01-09 10:25', { instrument: PE, entry: 200, exit: 170, fees: 20, distance: NaN }),
]
const days = ['2025-01-06', '2025-01-07', '2025-01-08', '2025-01-09']

describe('figures of six trades, by hand', () => {
  it('trades: 3 of 6 won, profit 520, loss 310', () => {
    expect(totalsOfTrades(six)).toEqual({
      trades: 6,
      wins: 3,
      losses: 3,
      gross: 290,
      fees: 80,
      pnl: 210,
      profit: 520,
      loss: 310,
      winRate: 0.5,
      profitFactor: 520 / 310,
      expectancy: 35,
      averageWin: 520 / 3,
      averageLoss: 310 / 3,
      payoff: 520 / 3 / (310 / 3),
      bestTrade: 280,
      worstTrade: -160,
      losingStreak: 2,
      turnover: 1850 + 2150 + 2120 + 1720 + 1210 + 3700,
      averageHold: ((10 + 30 + 30 + 10 + 75 + 20) / 6) * 60,
      medianHold: 25 * 60,
    })
  })

  it('days: 80, -150, 0, 280; the one without a trade counts', () => {
    const pnl = groupsOf(six, days, IST).day.map((day) => day.pnl)
    expect(pnl).toEqual([80, -150, 0, 280])
    // mean 52.5; squares of what is left: 756.25 + 41006.25 + 2756.25 + 51756.25 = 96275, over 3 = 32091.67
    const found = totalsOfDays(pnl)
    expect(found).toMatchObject({ days: 4, won: 2, lost: 1, mean: 52.5, best: 280, worst: -150 })
    expect(found.deviation).toBeCloseTo(179.1415, 4)
    expect(found.sharpe).toBeCloseTo(4.652258, 5) // 52.5 / 179.1415 * 15.874508
    expect(found.sortino).toBeCloseTo(11.112156, 5) // 52.5 / sqrt(150^2 / 4) * 15.874508 = 0.7 * 15.874508
    expect(found.sharpeError).toBeCloseTo(8.105889, 5) // sqrt((1 + 0.293064^2 / 2) / 4) * 15.874508
  })

  it('groups: each way they add up to 210', () => {
    const groups = groupsOf(six, days, IST)
    const told = (by: keyof typeof groups) => Object.fromEntries(groups[by].map(({ key, trades, pnl }) => [key, [trades, pnl]]))
    expect(told('hour')).toEqual({ '10:00': [3, 290], '11:00': [2, -60], '14:00': [1, -20] })
    expect(told('distance')).toEqual({ '-1': [2, -290], '0': [2, 120], '+1': [1, 100], unknown: [1, 280] })
    expect(groups.distance.map(({ key }) => key)).toEqual(['-1', '0', '+1', 'unknown'])
    expect(told('reason')).toEqual({ session_end: [1, -20], stop: [2, -290], target: [3, 520] })
    expect(told('kind')).toEqual({ 'CE long': [1, 100], 'CE short': [2, 120], 'PE short': [3, -10] })
  })

  it('drawdown of closed trades: 210 from the first exit to the fifth, made good by the sixth', () => {
    const curve = closedCurve(six)
    expect(curve.value).toEqual([140, -20, 80, -50, -70, 210])
    expect(underwater(curve)).toEqual([0, -160, -60, -190, -210, 0])
    expect(drawdownOf(curve)).toEqual({ depth: 210, peak: at('2025-01-06 10:10'), trough: at('2025-01-07 15:15'), recovered: at('2025-01-09 10:25') })
  })

  it('exposure: 160 minutes of four sessions, two positions at once for a quarter of an hour', () => {
    // 10 + 45 (11:00-11:45) + 10 + 75 + 20 minutes; open at once: 100 * 10 + 50 * 20, and 200 * 10
    expect(exposureOf(six, 4 * 6.25 * 3600)).toEqual({ open: 160 * 60, part: (160 * 60) / (25 * 3600), mostAtOnce: 2, largest: 2000 })
  })

  it('is all in the report, whose sums agree', () => {
    const report = reportOf(
      { trades: six, account: undefined, fills: { fills: 12, fees: 80, kinds: { stt: 30, brokerage: 45 }, sources: {} }, missing: [] },
      days,
    )
    expect(report).toMatchObject({ days, currency: '₹', marked: false, totals: { pnl: 210 }, daily: { mean: 52.5 }, drawdown: { depth: 210 } })
    expect(report.exposure.part).toBe((160 * 60) / (25 * 3600))
    expect(report.checks.filter(({ holds }) => !holds).map(({ what }) => what)).toEqual(['fees by kind add up to all fees'])
    expect(feeParts({ fills: 12, fees: 80, kinds: { stt: 30, brokerage: 45 }, sources: {} })).toEqual([
      { kind: 'stt', fees: 30 },
      { kind: 'brokerage', fees: 45 },
      { kind: 'other', fees: 5 },
    ])
  })
})

describe('the account', () => {
  const row = (time: string, realised: number, unrealised: number, instrument = 'NIFTY') => ({ ts: at(time), instrument, realised, unrealised })

  it('goes on over days although it starts anew on each, and sees what open positions lost', () => {
    const trades = [six[0], six[3]] // +140 on the 6th, -130 on the 7th
    const rows = [
      row('2025-01-06 10:00', 0, -5),
      row('2025-01-06 10:05', 0, -60),
      row('2025-01-06 10:10', 140, 0),
      row('2025-01-07 10:30', 0, -5),
      row('2025-01-07 10:35', 0, -200),
      row('2025-01-07 10:40', -130, 0),
    ]
    const curve = markedCurve(trades, rows)
    expect(curve.value).toEqual([-5, -60, 140, 135, -60, 10])
    expect(drawdownOf(curve)).toEqual({ depth: 200, peak: at('2025-01-06 10:10'), trough: at('2025-01-07 10:35'), recovered: NaN })
  })

  it('is the sum of those of all underlyings, each at its latest row', () => {
    const bank = trade('2025-01-06 10:00', '2025-01-06 10:20', { instrument: 'BANKNIFTY:2025-01-30:50000:CE', entry: 100, exit: 90 })
    const rows = [row('2025-01-06 10:05', 0, -60), row('2025-01-06 10:05', 0, 30, 'BANKNIFTY'), row('2025-01-06 10:10', 140, 0)]
    // BANKNIFTY closes (+100) after its last row
    expect(markedCurve([six[0], bank], rows)).toEqual({
      ts: [at('2025-01-06 10:05'), at('2025-01-06 10:10'), at('2025-01-06 10:20')],
      value: [-30, 170, 240],
    })
  })
})

describe('what is not there', () => {
  it('no trades: nothing is divided by nothing', () => {
    const report = reportOf({ trades: [], account: undefined, fills: undefined, missing: [] }, days)
    expect(report.totals).toMatchObject({ trades: 0, pnl: 0, winRate: NaN, profitFactor: NaN, expectancy: NaN, bestTrade: NaN, medianHold: NaN })
    expect(report.daily).toMatchObject({ days: 4, mean: 0, sharpe: NaN, sortino: NaN })
    expect(report.drawdown).toEqual({ depth: 0, peak: NaN, trough: NaN, recovered: NaN })
  })

  it('no loss: the profit factor has no end, the Sortino ratio no number', () => {
    expect(totalsOfTrades([six[0]]).profitFactor).toBe(Infinity)
    expect(totalsOfDays([10, 20]).sortino).toBeNaN()
  })

  it('one day: no Sharpe ratio', () => {
    expect(totalsOfDays([10])).toMatchObject({ sharpe: NaN, sortino: NaN, deviation: NaN })
  })
})

describe('laws', () => {
  const trades = fc
    .array(
      fc.record({
        start: fc.integer({ min: 0, max: 4 * 375 - 60 }),
        length: fc.integer({ min: 0, max: 59 }),
        entry: fc.integer({ min: 1, max: 4000 }),
        exit: fc.integer({ min: 1, max: 4000 }),
        fees: fc.integer({ min: 0, max: 9999 }),
        instrument: fc.constantFrom(CE, PE, 'NIFTY', 'BANKNIFTY:2025-01-30:FUT'),
        direction: fc.constantFrom('long', 'short'),
        reason: fc.constantFrom('stop', 'target', 'trail'),
        distance: fc.constantFrom(-1, 0, 1, NaN),
      }),
      { maxLength: 60 },
    )
    .map((all) =>
      all
        .map(({ start, length, entry, exit, fees, ...given }) => {
          const entered = at('2025-01-06 09:15') + Math.floor(start / 375) * 24 * HOUR + (start % 375) * MINUTE
          const told = trade('2025-01-06 09:15', '2025-01-06 09:15', { ...given, entry: entry / 20, exit: exit / 20, fees: fees / 100 })
          return { ...told, entered, ts: entered + length * MINUTE }
        })
        .sort((a, b) => a.ts - b.ts),
    )

  it('by whatever trades are grouped, the groups add up to all; equity ends there', () => {
    fc.assert(
      fc.property(trades, (all) => {
        const report = reportOf({ trades: all, account: undefined, fills: undefined, missing: [] }, days)
        const pnl = sumOf(all, (one) => one.pnl)
        for (const groups of Object.values(report.groups)) {
          expect(sumOf(groups, (group: { pnl: number }) => group.pnl)).toBeCloseTo(pnl, 6)
          expect(sumOf(groups, (group: { trades: number }) => group.trades)).toBe(all.length)
        }
        expect(report.curve.value.at(-1) ?? 0).toBeCloseTo(pnl, 6)
        expect(report.checks.filter(({ holds }) => !holds)).toEqual([])
        expect(report.totals.profit - report.totals.loss).toBeCloseTo(pnl, 6)
      }),
    )
  })

  it('the drawdown is the lowest point under water, and at least as deep as the worst trade', () => {
    fc.assert(
      fc.property(trades, (all) => {
        const curve = closedCurve(all)
        const { depth } = drawdownOf(curve)
        expect(depth).toBeCloseTo(-Math.min(0, ...underwater(curve)), 6)
        expect(depth).toBeGreaterThanOrEqual(-Math.min(0, ...all.map((one) => one.pnl)) - 1e-6)
      }),
    )
  })

  it('a thinned curve has the same extremes, beginning and end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 3000 }),
        fc.integer({ min: 8, max: 400 }),
        (value, most) => {
          const curve = { ts: value.map((_, i) => i * SECOND), value }
          const thin = thinned(curve, most)
          expect(thin.ts.length).toBeLessThanOrEqual(Math.max(most + 4, 8))
          expect([Math.min(...thin.value), Math.max(...thin.value)]).toEqual([Math.min(...value), Math.max(...value)])
          expect([thin.value[0], thin.value.at(-1), thin.ts.at(-1)]).toEqual([value[0], value.at(-1), curve.ts.at(-1)])
        },
      ),
    )
  })

  it('of the time a position is open never more is counted than there is', () => {
    fc.assert(
      fc.property(trades, (all) => {
        const { open, mostAtOnce } = exposureOf(all, 1)
        expect(open).toBeLessThanOrEqual(sumOf(all, ({ ts, entered }) => (ts - entered) / SECOND) + 1e-6)
        expect(mostAtOnce).toBeLessThanOrEqual(all.length)
      }),
    )
  })
})
