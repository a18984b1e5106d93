import { describe, expect, it } from 'vitest'
import type { Step } from '../../core/step.ts'
import { HOUR, MINUTE } from '../../core/time.ts'
import { type AtmStrikesOptions, atmStrikes, StrikePick } from '../../operators/atmStrikes.ts'
import { Spot } from '../../operators/spotGrid.ts'
import { feed } from '../kit/feed.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { roundMarket } from '../kit/optionMarket.ts'
import { at, clock, rowsOf } from '../kit/table.ts'

const Row = { ts: 'time', instrument: 'instrument', second: 'i32', ...Spot } as const
const kinds = { input: Row, output: StrikePick, end: at('2025-01-09 00:00') }
const asUsual = { market: roundMarket, anchors: [10 * HOUR, 11 * HOUR], width: 1, series: 'nearest', types: ['CE', 'PE'], maxAge: 5 } as const
const op =
  (options: Partial<AtmStrikesOptions> = {}) =>
  (step: Step) =>
    atmStrikes<typeof Row>(step, { ...asUsual, ...options })
const calls = op({ types: ['CE'] })

function picked(build: ReturnType<typeof op>, table: string, end = '2025-01-09 00:00') {
  const { rows, counts } = feed(build, kinds, [{ rows: rowsOf(Row, table), watermark: at(end) }])
  return { picks: rows.map((r) => `${clock(r['ts'] as number)} ${r['distance']} ${r['instrument']} from ${r['spot']}`), counts }
}
const none = { stale: 0, no_spot: 0, no_expiry: 0, unknown: 0 }

describe('atmStrikes', () => {
  it('picks n strikes on either side of the spot of the anchor’s second, calls and puts, and no later spot takes part', () => {
    const { picks, counts } = picked(
      op(),
      `
      ts        instrument  spot  spotAge
      09:59:59  NIFTY      23990        0
      10:00:00  NIFTY      24024.9      0
      10:00:01  NIFTY      24400        0`,
      '10:30:00',
    )
    expect(picks).toEqual([
      '10:00:00 -1 NIFTY:2025-01-09:23950:CE from 24024.9',
      '10:00:00 -1 NIFTY:2025-01-09:23950:PE from 24024.9',
      '10:00:00 0 NIFTY:2025-01-09:24000:CE from 24024.9',
      '10:00:00 0 NIFTY:2025-01-09:24000:PE from 24024.9',
      '10:00:00 1 NIFTY:2025-01-09:24050:CE from 24024.9',
      '10:00:00 1 NIFTY:2025-01-09:24050:PE from 24024.9',
    ])
    expect(counts).toEqual(none)
  })

  it('rounds half a step up', () => {
    const row = (spot: number) => `
      ts        instrument  spot  spotAge
      10:00:00  NIFTY     ${spot}       0`
    expect(picked(op({ width: 0, types: ['PE'] }), row(24025)).picks[0]).toContain('24050:PE')
    expect(picked(op({ width: 0, types: ['PE'] }), row(24024.95)).picks[0]).toContain('24000:PE')
  })

  it('picks nothing before the anchor’s second has passed', () => {
    const rows = rowsOf(
      Row,
      `
      ts        instrument  spot  spotAge
      10:00:00  NIFTY      24000        0`,
    )
    expect(feed(op(), kinds, [{ rows, watermark: at('10:00:00') }]).rows).toEqual([])
    expect(feed(op(), kinds, [{ rows, watermark: at('10:00:01') }]).rows).toHaveLength(6)
  })

  it('says until when: the next anchor, or the end of the day', () => {
    const table = rowsOf(
      Row,
      `
      ts        instrument  spot  spotAge
      10:00:00  NIFTY      24000        0
      11:00:00  NIFTY      24000        0`,
    )
    const { rows } = feed(op({ width: 0, types: ['CE'] }), kinds, [{ rows: table, watermark: at('12:00') }])
    expect(rows.map((r) => r['until'])).toEqual([at('11:00'), at('2025-01-07 00:00')])
  })

  it('takes a spot as old as the limit and refuses an older one, and counts what it refuses', () => {
    const { picks, counts } = picked(
      op({ width: 0, types: ['CE'] }),
      `
      ts        instrument  spot  spotAge
      09:59:57  NIFTY      24000        2
      10:59:59  NIFTY      24500        5`,
    )
    expect(picks).toEqual(['10:00:00 0 NIFTY:2025-01-09:24000:CE from 24000'])
    expect(counts).toEqual({ ...none, stale: 1 })
  })

  it('keeps underlyings apart, each with its own step, and counts those without an expiry, unknown ones, and anchors before the first spot', () => {
    const { picks, counts } = picked(
      op({ width: 0, types: ['CE'], anchors: [10 * HOUR] }),
      `
      ts        instrument  spot  spotAge
      09:59:59  BANKNIFTY  50149       0
      09:59:59  ENDED        900       0
      09:59:59  VIX           14       0
      10:00:00  NIFTY      24000       0
      10:00:00  BANKNIFTY  50151       0
      10:00:02  LATE        1000       0`,
    )
    expect(picks).toEqual(['10:00:00 0 BANKNIFTY:2025-01-09:50200:CE from 50151', '10:00:00 0 NIFTY:2025-01-09:24000:CE from 24000'])
    expect(counts).toEqual({ stale: 0, no_spot: 1, no_expiry: 1, unknown: 1 })
  })

  it('starts anew every day', () => {
    const { picks } = picked(
      op({ width: 0, types: ['CE'], maxAge: 100_000 }),
      `
      ts                   instrument  spot  spotAge
      09:59:00             NIFTY      24000        0
      2025-01-07T10:30:00  BANKNIFTY  50000        0`,
    )
    expect(picks).toEqual([
      '10:00:00 0 NIFTY:2025-01-09:24000:CE from 24000',
      '11:00:00 0 NIFTY:2025-01-09:24000:CE from 24000',
      '11:00:00 0 BANKNIFTY:2025-01-09:50000:CE from 50000',
    ])
  })

  it('refuses anchors that do not rise', () => {
    expect(() => picked(op({ anchors: [HOUR, HOUR] }), 'ts')).toThrow('anchors are whole seconds of a day that rise')
    expect(() => picked(op({ anchors: [MINUTE + 1] }), 'ts')).toThrow('anchors are whole seconds of a day that rise')
  })

  operatorContract(
    calls,
    kinds,
    rowsOf(
      Row,
      `
      ts                   instrument                 spot  spotAge
      09:59:59             NIFTY                     24000        0
      09:59:59             NIFTY:2025-01-09:24000:CE 24000        0
      10:00:00             BANKNIFTY                 50000        3
      10:00:00             NIFTY                     24040        0
      10:00:01             NIFTY                     24100        0
      10:59:58             NIFTY                     24100        0
      11:00:00             NIFTY:2025-01-09:24000:CE 24100        2
      11:00:03             BANKNIFTY                 50200        0
      2025-01-07T09:59:59  BANKNIFTY                 50300        0
      2025-01-07T10:00:01  NIFTY                     24200        0
      2025-01-07T10:59:58  BANKNIFTY                 50400        0
      2025-01-07T11:00:01  NIFTY                     24300        0`,
    ),
    ['spot'],
  )
})
