import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import type { Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Batch, Schema } from '../../core/batch.ts'
import { Trade } from '../../core/market.ts'
import { Flow } from '../../runtime/flow.ts'
import volumeBurst from '../../topologies/volume-burst/graph.ts'
import { at, type Cell, clock, type Row, rowsOf, toBatch, toRows } from '../kit/table.ts'

const params = volumeBurst.params.parse({
  eventTime: { lateness: 1 },
  rollingBurst: { window: 2, baseline: 4 },
  signal: { multiplier: 1.5, floor: 10, cooldown: 0 },
})
type Rows = Record<keyof typeof volumeBurst.outputs, Cell[][]>

const columns = {
  seconds: ['ts', 'instrument', 'second', 'close', 'vol', 'observed', 'age'],
  bursts: ['ts', 'burst', 'baseline'],
  signals: ['ts', 'instrument', 'second', 'close', 'burst', 'baseline', 'ratio'],
  late: ['ts', 'price', 'lateness'],
} as const

/** The rows of every output when ticks came in the batches given and time then moved to `end`. */
function replay(batches: readonly (readonly Row[])[], end: string): Rows {
  const flow = new Flow()
  const { inputs, outputs } = flow.wire(volumeBurst, params)
  const seen: Rows = { seconds: [], bursts: [], signals: [], late: [] }
  for (const name of Object.keys(seen) as (keyof Rows)[]) {
    const output: Observable<Batch<Schema>> = outputs[name]
    output.subscribe((batch) => {
      const rows = toRows(batch, volumeBurst.outputs[name], flow.instruments)
      seen[name].push(...rows.map((row) => columns[name].map((c) => (c === 'ts' ? clock(row[c] as number) : row[c]))))
    })
  }
  for (const rows of batches) inputs.ticks.next(toBatch(Trade, rows, flow.instruments))
  inputs.ticks.next(toBatch(Trade, [], flow.instruments, at(end)))
  return seen
}

const monday = rowsOf(
  Trade,
  `
  ts          instrument  price  volume
  09:14:59.0  NIFTY          99     900
  09:15:00.2  NIFTY         100    1000
  09:15:01.5  NIFTY         101    1004
  09:15:01.1  NIFTY         102    1002
  09:15:03.0  NIFTY         103    1010
  09:15:03.0  NIFTY         104    1011
  09:15:01.9  NIFTY         105    1005
  09:15:04.0  NIFTY         106    1040
  09:15:05.0  NIFTY         107    1040`,
)
const tuesday = monday.map((row): Row => ({ ...row, ts: (row['ts'] as number) + 86_400e6, price: (row['price'] as number) + 1000 }))
const both = [...monday, ...tuesday]

describe('volume-burst', () => {
  it('makes of one small day what a hand makes of it', () => {
    expect(replay([monday], '09:15:07')).toEqual({
      seconds: [
        ['09:15:00', 'NIFTY', 0, 100, 0, 1, 0],
        ['09:15:01', 'NIFTY', 1, 101, 4, 1, 0],
        ['09:15:02', 'NIFTY', 2, 101, 0, 0, 1],
        ['09:15:03', 'NIFTY', 3, 103, 6, 1, 0],
        ['09:15:04', 'NIFTY', 4, 106, 30, 1, 0],
        ['09:15:05', 'NIFTY', 5, 107, 0, 1, 0],
      ],
      bursts: [
        ['09:15:00', 0, Number.NaN],
        ['09:15:01', 4, Number.NaN],
        ['09:15:02', 4, Number.NaN],
        ['09:15:03', 6, 5],
        ['09:15:04', 36, 20],
        ['09:15:05', 30, 18],
      ],
      signals: [['09:15:04', 'NIFTY', 4, 106, 36, 20, 1.8]],
      late: [['09:15:01.900000', 105, 100_000]],
    })
  })

  it('gives the same rows however two days are cut into batches', () => {
    const whole = replay([both], '2025-01-07 15:31:00')
    expect(whole.signals.length).toBe(2)
    const same = (cuts: number[]) => {
      const points = [0, ...cuts.sort((a, b) => a - b), both.length]
      const cut = replay(
        points.slice(1).map((to, i) => both.slice(points[i], to)),
        '2025-01-07 15:31:00',
      )
      // A whole session is 45,000 rows, too many for the comparison that explains itself.
      expect(isDeepStrictEqual(cut, whole)).toBe(true)
    }
    same(both.map((_, i) => i))
    fc.assert(fc.property(fc.array(fc.nat(both.length)), same), { numRuns: 10 })
  })

  it('remembers a day at most: two days in one graph are each day in a graph of its own', () => {
    const together = replay([both], '2025-01-07 15:31:00')
    const first = replay([monday], '15:31:00')
    const second = replay([tuesday], '2025-01-07 15:31:00')
    for (const name of Object.keys(columns) as (keyof Rows)[]) expect(together[name], name).toEqual([...first[name], ...second[name]])
  })
})
