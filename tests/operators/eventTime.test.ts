import { type OperatorFunction, Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Batch } from '../../core/batch.ts'
import { Trade } from '../../core/market.ts'
import type { Step } from '../../core/step.ts'
import { SECOND } from '../../core/time.ts'
import { eventTime, type Late } from '../../operators/eventTime.ts'
import { Flow } from '../../runtime/flow.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { at, type Cell, clock, type Row, rowsOf, toBatch, toRows } from '../kit/table.ts'

const LateTrade: Late<Trade> = { ...Trade, lateness: 'f64' }
const time = (ts: number) => (Number.isFinite(ts) ? clock(ts) : String(ts))

/** Runs ticks of the times given (a '+' before a time is a heartbeat); each tick's price is its place in the list. */
function order(lateness: number, times: readonly string[]) {
  const flow = new Flow()
  const input = new Subject<Batch<Trade>>()
  const { onTime, late } = eventTime(flow.at('it'), { schema: Trade, lateness: lateness * SECOND })(input)
  const seen: { onTime: Cell[][]; late: Cell[][]; watermark: string } = { onTime: [], late: [], watermark: '' }
  onTime.subscribe((b) => {
    expect(b.inOrder).toBe(true)
    seen.onTime.push(...toRows(b, Trade, flow.instruments).map((r) => [clock(r['ts'] as number), r['price']]))
    seen.watermark = time(b.watermark)
  })
  late.subscribe((b) => {
    seen.late.push(...toRows(b, LateTrade, flow.instruments).map((r) => [time(r['ts'] as number), r['price'], r['lateness']]))
  })
  let place = 0
  for (const text of times) {
    if (text.startsWith('+')) input.next(toBatch(Trade, [], flow.instruments, at(text.slice(1))))
    else input.next(toBatch(Trade, [tick(/^\d/.test(text) ? at(text) : Number(text), ++place)], flow.instruments))
  }
  return { ...seen, counts: flow.counts() }
}

const tick = (ts: number, price: number): Row => ({ ts, instrument: 'NIFTY', price, volume: 0 })

describe('eventTime', () => {
  it('decides row by row against the running maximum what is late', () => {
    const { onTime, late } = order(2, ['09:15:00', '09:15:05', '09:15:03', '09:15:02', '09:15:06', '09:15:03', '+09:15:10'])
    expect(onTime).toEqual([
      ['09:15:00', 1],
      ['09:15:03', 3],
      ['09:15:05', 2],
      ['09:15:06', 5],
    ])
    expect(late).toEqual([
      ['09:15:02', 4, 1 * SECOND],
      ['09:15:03', 6, 1 * SECOND],
    ])
  })

  it('decides the same inside one batch', () => {
    const flow = new Flow()
    const input = new Subject<Batch<Trade>>()
    const { late } = eventTime(flow.at('it'), { schema: Trade, lateness: 2 * SECOND })(input)
    const prices: number[] = []
    late.subscribe((b) => {
      prices.push(...b.col.price.subarray(0, b.n))
    })
    const times = ['09:15:00', '09:15:05', '09:15:03', '09:15:02', '09:15:06', '09:15:03']
    input.next(
      toBatch(
        Trade,
        times.map((t, i) => tick(at(t), i + 1)),
        flow.instruments,
      ),
    )
    expect(prices).toEqual([4, 6])
  })

  it('looks no further than the ends of a batch that is said to be in order', () => {
    const run = (times: readonly string[], inOrder: boolean) => {
      const flow = new Flow()
      const input = new Subject<Batch<Trade>>()
      const out: number[][] = []
      const streams = eventTime(flow.at('it'), { schema: Trade, lateness: 0 })(input)
      for (const stream of [streams.onTime, streams.late]) stream.subscribe((b) => out.push(Array.from(b.col.price.subarray(0, b.n))))
      input.next(toBatch(Trade, [tick(at('09:15:05'), 0)], flow.instruments))
      const rows = times.map((text, i) => tick(at(text), i + 1))
      input.next({ ...toBatch(Trade, rows, flow.instruments), inOrder })
      return out
    }
    for (const times of [['09:15:05', '09:15:06'], ['09:15:04', '09:15:05', '09:15:07'], []])
      expect(run(times, true), times.join()).toEqual(run(times, false))
  })

  it('keeps rows of one time in the order they came', () => {
    const { onTime } = order(3, ['09:15:02', '09:15:01', '09:15:02', '09:15:01', '+09:15:09'])
    expect(onTime).toEqual([
      ['09:15:01', 2],
      ['09:15:01', 4],
      ['09:15:02', 1],
      ['09:15:02', 3],
    ])
  })

  it('holds a row back until the maximum is the lateness past it, and says so by its watermark', () => {
    const { onTime, watermark } = order(2, ['09:15:00', '09:15:01', '09:15:02.5'])
    expect(onTime).toEqual([['09:15:00', 1]])
    expect(watermark).toBe('09:15:00.500000')
  })

  it('lets a heartbeat move time on as a row does', () => {
    const { onTime, late, watermark } = order(2, ['09:15:00', '+09:15:05', '09:15:02.9', '09:15:03'])
    expect(onTime).toEqual([
      ['09:15:00', 1],
      ['09:15:03', 3],
    ])
    expect(late).toEqual([['09:15:02.900000', 2, 100_000]])
    expect(watermark).toBe('09:15:03')
  })

  it('with no lateness lets every row out at once, and makes late whatever falls back', () => {
    const { onTime, late, watermark } = order(0, ['09:15:01', '09:15:01', '09:15:00', '09:15:02'])
    expect(onTime).toEqual([
      ['09:15:01', 1],
      ['09:15:01', 2],
      ['09:15:02', 4],
    ])
    expect(late).toEqual([['09:15:00', 3, 1 * SECOND]])
    expect(watermark).toBe('09:15:02')
  })

  it.each([0, 2])('sends a time that is none to late, counts it and moves on untouched (lateness %i)', (lateness) => {
    const { onTime, late, counts, watermark } = order(lateness, [
      '-Infinity',
      'NaN',
      '09:15:01',
      'Infinity',
      '-Infinity',
      '09:15:00',
      '09:15:03',
      'NaN',
    ])
    const fallen = lateness === 0
    expect(onTime.map(([, place]) => place)).toEqual(fallen ? [3, 7] : [6, 3])
    expect(late.map(([ts, place]) => [ts, place])).toEqual([
      ['-Infinity', 1],
      ['NaN', 2],
      ['Infinity', 4],
      ['-Infinity', 5],
      ...(fallen ? [['09:15:00', 6]] : []),
      ['NaN', 8],
    ])
    expect(counts).toEqual({ 'it/late': fallen ? 6 : 5, 'it/bad_time': 5 })
    expect(watermark).toBe(fallen ? '09:15:03' : '09:15:01')
  })

  const onTime =
    (step: Step): OperatorFunction<Batch<Trade>, Batch<Trade>> =>
    (source) =>
      eventTime(step, { schema: Trade, lateness: 2 * SECOND })(source).onTime
  const strict =
    (step: Step): OperatorFunction<Batch<Trade>, Batch<Trade>> =>
    (source) =>
      eventTime(step, { schema: Trade, lateness: 0 })(source).onTime
  const late =
    (step: Step): OperatorFunction<Batch<Trade>, Batch<Late<Trade>>> =>
    (source) =>
      eventTime(step, { schema: Trade, lateness: 2 * SECOND })(source).late
  const tape = rowsOf(
    Trade,
    `
    ts                   instrument  price  volume
    09:15:03             NIFTY           1       1
    09:15:01             BANKNIFTY       2       2
    09:15:01             NIFTY           3       3
    09:15:06             NIFTY           4       4
    09:15:03             BANKNIFTY       5       5
    09:15:04             NIFTY           6       6
    2025-01-07T09:15:00  BANKNIFTY       7       7
    2025-01-07T09:15:02  NIFTY           8       8
    2025-01-07T09:15:00  NIFTY           9       9
    2025-01-06T15:29:59  NIFTY          10      10
    2025-01-07T09:15:01  NIFTY          11      11`,
  )
  const end = at('2025-01-07 15:30:00')
  describe('onTime', () => {
    operatorContract(onTime, { input: Trade, output: Trade, end }, tape, ['ts', 'price'])
  })
  describe('onTime without lateness', () => {
    operatorContract(strict, { input: Trade, output: Trade, end }, tape, ['ts', 'price'])
  })
  describe('late', () => {
    operatorContract(late, { input: Trade, output: LateTrade, end }, tape, ['ts', 'volume'])
  })
})
