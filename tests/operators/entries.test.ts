import { describe, expect, it } from 'vitest'
import type { Step } from '../../core/step.ts'
import { Order } from '../../core/trading.ts'
import { nseCalendar } from '../../markets/nse/calendar.ts'
import { bracketOrders } from '../../operators/bracketOrders.ts'
import { type EntriesOptions, entries, Wanted, Watched } from '../../operators/entries.ts'
import { Signal } from '../../operators/signal.ts'
import { feed } from '../kit/feed.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { at, clock, type Op, rowsOf, run } from '../kit/table.ts'
import { mixed, streamOf } from '../kit/twoStreams.ts'

const asUsual: EntriesOptions = {
  side: 'sell',
  trend: 'off',
  leastMove: 0,
  leastPremium: 0,
  maxAge: 3,
  perAnchor: 1,
  calendar: nseCalendar,
  squareOff: 1800,
}
const mix = mixed({ watched: Watched, edges: Signal })
const op = (options: Partial<EntriesOptions> = {}, output: 'wanted' | 'taken' = 'wanted') =>
  ((step: Step) => {
    const choose = entries(step, { ...asUsual, ...options })
    return (source) => choose({ watched: streamOf(source, mix, 'watched') as never, edges: streamOf(source, mix, 'edges') as never })[output]
  }) as Op<typeof mix, Wanted>
const kinds = { input: mix, output: Wanted, end: at('2025-01-08 00:00') }
const [C, P, CUP, BANK] = ['NIFTY:2025-01-09:24000:CE', 'NIFTY:2025-01-09:24000:PE', 'NIFTY:2025-01-09:24050:CE', 'BANKNIFTY:2025-01-30:50000:CE']

function chosen(options: Partial<EntriesOptions>, table: string) {
  const { rows, counts } = feed(op(options), kinds, [{ rows: rowsOf(mix, table), watermark: kinds.end }])
  const passed = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
  return { rows: rows.map((r) => `${clock(r['ts'] as number)} ${r['instrument']} ${r['rank']} ${r['taken'] === 1 ? 'taken' : 'left'}`), passed }
}

describe('entries', () => {
  it('ranks the edges of a second by ratio, then by the distance from the money, then calls first, and takes the best of an anchor', () => {
    const { rows, passed } = chosen(
      {},
      `
      of       ts        instrument  active  distance  anchor    ratio
      watched  10:00:09  ${P}             1         0  10:00:00      0
      watched  10:00:09  ${C}             1         0  10:00:00      0
      watched  10:00:09  ${CUP}           1         1  10:00:00      0
      watched  10:00:09  ${BANK}          1         0  10:00:00      0
      edges    10:00:09  ${CUP}           0         0  -           3.5
      edges    10:00:09  ${P}             0         0  -           3.5
      edges    10:00:09  ${BANK}          0         0  -             2
      edges    10:00:09  ${C}             0         0  -           3.5
      watched  10:00:10  ${CUP}           1         1  10:00:00      0
      edges    10:00:10  ${CUP}           0         0  -             9
      watched  11:00:00  ${CUP}           1         1  11:00:00      0
      edges    11:00:00  ${CUP}           0         0  -           1.6`,
    )
    expect(rows).toEqual([
      `10:00:09 ${C} 1 taken`,
      `10:00:09 ${P} 2 left`,
      `10:00:09 ${CUP} 3 left`,
      `10:00:09 ${BANK} 1 taken`,
      `10:00:10 ${CUP} 1 left`,
      `11:00:00 ${CUP} 1 taken`,
    ])
    expect(passed).toEqual({ anchor_full: 3 })
  })

  it('passes over candidates that are not active, and edges of other instruments, without a word', () => {
    const { rows, passed } = chosen(
      {},
      `
      of       ts        instrument  active  anchor    ratio
      watched  11:00:09  ${C}             0  10:00:00      0
      edges    11:00:09  ${C}             0  -             3
      edges    11:00:09  ${P}             0  -             3`,
    )
    expect([rows, passed]).toEqual([[], {}])
  })

  it('passes over a price too old, an entry too late in the day, and a premium too small or unknown, and counts each', () => {
    const { rows, passed } = chosen(
      { leastPremium: 20, perAnchor: 2 },
      `
      of       ts        instrument  active  age  anchorPrice  ratio
      watched  10:00:01  ${C}             1    3           20      0
      edges    10:00:01  ${C}             0    0            -      3
      watched  10:00:02  ${C}             1    4           20      0
      edges    10:00:02  ${C}             0    0            -      3
      watched  10:00:03  ${C}             1    0        19.95      0
      edges    10:00:03  ${C}             0    0            -      3
      watched  10:00:04  ${C}             1    0            -      0
      edges    10:00:04  ${C}             0    0            -      3
      watched  14:59:58  ${C}             1    0           20      0
      edges    14:59:58  ${C}             0    0            -      3
      watched  14:59:59  ${C}             1    0           20      0
      edges    14:59:59  ${C}             0    0            -      3`,
    )
    expect(rows).toEqual([`10:00:01 ${C} 1 taken`, `14:59:58 ${C} 1 taken`])
    expect(passed).toEqual({ stale: 1, premium: 2, too_late: 1 })
  })

  it.each([
    ['sell', 'with', -12, 'CE'],
    ['sell', 'with', 12, 'PE'],
    ['sell', 'against', 12, 'CE'],
    ['sell', 'against', -12, 'PE'],
    ['buy', 'with', 12, 'CE'],
    ['buy', 'with', -12, 'PE'],
    ['buy', 'against', -12, 'CE'],
    ['buy', 'against', 12, 'PE'],
  ] as const)('%s %s the trend, the spot having gone %d points: enters the %s', (side, trend, move, type) => {
    const { rows, passed } = chosen(
      { side, trend, leastMove: 12, perAnchor: 2 },
      `
      of       ts        instrument  active  trend  ratio
      watched  10:00:01  ${C}             1  ${move}    0
      watched  10:00:01  ${P}             1  ${move}    0
      edges    10:00:01  ${C}             0      0      3
      edges    10:00:01  ${P}             0      0      3`,
    )
    expect(rows).toEqual([`10:00:01 NIFTY:2025-01-09:24000:${type} 1 taken`])
    expect(passed).toEqual({ trend: 1 })
  })

  it('enters nothing by the trend while the spot has gone nowhere, or less than asked', () => {
    const table = (trend: string) => `
      of       ts        instrument  active  trend  ratio
      watched  10:00:01  ${C}             1  ${trend}   0
      edges    10:00:01  ${C}             0      0      3`
    expect(chosen({ side: 'buy', trend: 'with' }, table('0')).rows).toEqual([])
    expect(chosen({ side: 'buy', trend: 'with', leastMove: 5 }, table('4.95')).rows).toEqual([])
    expect(chosen({ side: 'buy', trend: 'against' }, table('-')).rows).toEqual([])
  })

  const tape = rowsOf(
    mix,
    `
    of       ts        instrument  active  anchor    distance  age  trend  ratio  burst
    watched  10:00:01  ${C}             1  10:00:00         0    0     -5      0      0
    watched  10:00:01  ${P}             1  10:00:00         0    0     -5      0      0
    edges    10:00:01  ${C}             0  -                0    0      0      2    700
    watched  10:00:02  ${C}             1  10:00:00         0    1      3      0      0
    edges    10:00:02  ${P}             0  -                0    0      0      3    800
    edges    10:00:03  ${C}             0  -                0    0      0      3    900
    watched  11:00:00  ${BANK}          1  11:00:00         0    0     -9      0      0
    watched  11:00:00  ${CUP}           1  11:00:00         1    0     -9      0      0
    edges    11:00:00  ${CUP}           0  -                0    0      0      2    950
    edges    11:00:00  ${BANK}          0  -                0    0      0      4    990`,
  )
  describe('all that pass', () => operatorContract(op(), kinds, tape, ['trend', 'ratio']))
  describe('those taken, by the trend', () => operatorContract(op({ trend: 'with' }, 'taken'), kinds, tape, ['trend', 'ratio']))
})

describe('bracketOrders', () => {
  const Row = { ts: 'time', instrument: 'instrument', anchor: 'time' } as const
  const orders = (hold: number) => (step: Step) =>
    bracketOrders<typeof Row>(step, { side: 'sell', lots: 2, stop: 0.15, target: 0, trail: 0.1, trailAfter: 0, hold })
  const rows = rowsOf(
    Row,
    `
    ts        instrument  anchor
    10:00:05  ${C}        10:00:00
    11:02:00  ${P}        11:00:00`,
  )

  it('asks for what is not 0', () => {
    expect(
      run(orders(60), { input: Row, output: Order }, rows, [
        'ts',
        'instrument',
        'side',
        'anchor',
        'lots',
        'stop',
        'target',
        'trail',
        'trailAfter',
        'until',
      ]),
    ).toEqual([
      ['10:00:05', C, 'sell', '10:00:00', 2, 0.15, Number.NaN, 0.1, 0, '10:01:05'],
      ['11:02:00', P, 'sell', '11:00:00', 2, 0.15, Number.NaN, 0.1, 0, '11:03:00'],
    ])
  })

  operatorContract(orders(0), { input: Row, output: Order }, rows)
})
