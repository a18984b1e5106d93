import { describe, expect, it } from 'vitest'
import { Quote, Tick } from '../../core/market.ts'
import type { Step } from '../../core/step.ts'
import { journal } from '../../operators/journal.ts'
import { feed } from '../kit/feed.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { at, clock, rowsOf } from '../kit/table.ts'

const op = (step: Step) => journal(step, { schema: Quote })
const kinds = { input: Quote, output: Quote, end: at('15:30:00') }
const rows = rowsOf(
  Quote,
  `ts        instrument               price  volume oi bid  ask  bidSize askSize received lastTrade
   09:15:00  NIFTY                    24000  0      -  -    -    -       -       09:15:01 09:15:00
   09:15:01  NIFTY:2025-01-09:24000:CE 100   75     10 99.5 100  50      75      09:15:02 09:15:01
   09:14:58  NIFTY                    24001  0      -  -    -    -       -       09:15:02 09:14:58
   09:15:01  NIFTY                    24001  0      -  -    -    -       -       09:15:02 09:15:01
   09:15:03  NIFTY                    24002  0      -  -    -    -       -       09:15:03 09:15:03`,
)

operatorContract(op, kinds, rows, ['price', 'volume', 'oi', 'bid', 'ask', 'bidSize', 'askSize'], { heartbeatsAreRows: true })

describe('journal', () => {
  it('lets every row pass as it is, in the order it came', () => {
    expect(feed(op, kinds, [{ rows: rows.slice(0, 3) }, { rows: rows.slice(3) }]).rows).toEqual(rows)
  })

  it('writes a heartbeat exactly when a watermark is above all times so far, and once', () => {
    const beats = ['09:15:00', '09:15:02', '09:15:02', '09:15:01', '09:15:05'].map(at)
    const fed = feed(op, kinds, [
      { rows: rows.slice(0, 2), watermark: beats[0] },
      ...beats.slice(1, 4).map((watermark) => ({ rows: [], watermark })),
      { rows: rows.slice(2), watermark: beats[4] },
      { rows: [], watermark: Infinity },
    ])
    expect(fed.rows.map((row) => [row['instrument'], clock(row['ts'] as number)])).toEqual([
      ['NIFTY', '09:15:00'],
      ['NIFTY:2025-01-09:24000:CE', '09:15:01'],
      ['*', '09:15:02'],
      ['NIFTY', '09:14:58'],
      ['NIFTY', '09:15:01'],
      ['NIFTY', '09:15:03'],
      ['*', '09:15:05'],
    ])
    expect(fed.counts).toEqual({ heartbeat: 2 })
  })

  it('says nothing of a heartbeat but its time', () => {
    const [{ ts, instrument, ...rest }] = feed(op, kinds, [{ rows: [], watermark: at('09:15:00') }]).rows
    expect([clock(ts as number), instrument, new Set(Object.values(rest))]).toEqual(['09:15:00', '*', new Set([NaN])])
  })

  it('counts only times that there are: one that is missing or infinite lifts nothing', () => {
    const odd = [NaN, Infinity, -Infinity].map((ts) => ({ ...rows[0], ts }))
    const fed = feed((step: Step) => journal(step, { schema: Tick }), { input: Tick, output: Tick }, [{ rows: odd, watermark: at('09:15:00') }])
    expect(fed.rows.map((row) => row['instrument'])).toEqual(['NIFTY', 'NIFTY', 'NIFTY', '*'])
  })
})
