import fc from 'fast-check'
import { bufferTime, debounceTime, delay, filter, interval, map, type Observable, type SchedulerLike, Subject, scan, tap, throttleTime } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Batch, Schema } from '../../core/batch.ts'
import type { Step } from '../../core/step.ts'
import { SECOND } from '../../core/time.ts'
import type { RowObject } from '../../operators/rowObjects.ts'
import { rows } from '../../operators/rows.ts'
import { Flow } from '../../runtime/flow.ts'
import { feed } from '../kit/feed.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { at, clock, type Op, type Row, rowsOf, toBatch } from '../kit/table.ts'

const Price = { ts: 'time', instrument: 'instrument', price: 'f64', buy: 'bool' } as const
type Price = typeof Price
const Count = { ts: 'time', price: 'f64', n: 'i32' } as const
type Prices = Observable<RowObject<Price>>

const calm = (step: Step) => rows(step, { input: Price, output: Price, horizon: 4 * SECOND }, (prices, s) => prices.pipe(debounceTime(2000, s)))
const sparse = (step: Step) => rows(step, { input: Price, output: Price, horizon: 4 * SECOND }, (prices, s) => prices.pipe(throttleTime(2000, s)))
const buffered = (step: Step) =>
  rows(step, { input: Price, output: Count, horizon: 4 * SECOND }, (prices, s) =>
    prices.pipe(
      bufferTime(2000, s),
      filter((some) => some.length > 0),
      map((some) => ({ price: some[some.length - 1].price, n: some.length })),
    ),
  )

const prices = {
  input: Price,
  output: Price,
  end: at('2025-01-07 09:16:00'),
}
const counts = { ...prices, output: Count }

const tape = rowsOf(
  Price,
  `
  ts                   instrument  price  buy
  09:15:00.5           NIFTY         100    1
  09:15:01             NIFTY         101    0
  09:15:02.5           BANKNIFTY     102    1
  09:15:05.5           NIFTY         103    1
  09:15:05.5           BANKNIFTY     104    0
  09:15:07.5           NIFTY         105    1
  09:15:20             NIFTY         106    1
  09:15:20.000001      NIFTY         107    0
  09:15:22.000001      NIFTY         108    1
  2025-01-07T09:15:00  NIFTY         109    1
  2025-01-07T09:15:03  BANKNIFTY     110    0`,
)

const replayed = <I extends Op>(op: I, kinds: typeof prices | typeof counts, columns: string[]) =>
  feed(op, kinds, [{ rows: tape }, { rows: [], watermark: kinds.end }]).rows.map((row) =>
    columns.map((c) => (c === 'ts' ? clock(row[c] as number) : row[c])),
  )

/** The tape cut at random, heartbeats between that stop short of the next row, in batches of their own or with rows. */
function liveLike(): fc.Arbitrary<{ rows: Row[]; watermark: number }[]> {
  const step = fc.record({ take: fc.integer({ min: 0, max: 3 }), reach: fc.double({ min: 0, max: 1, noNaN: true }) })
  return fc.array(step, { minLength: 8, maxLength: 30 }).map((steps) => {
    let done = 0
    const batches = steps.map(({ take, reach }) => {
      const some = tape.slice(done, done + take)
      done = Math.min(tape.length, done + take)
      const last = done === 0 ? (tape[0]['ts'] as number) - SECOND : (tape[done - 1]['ts'] as number)
      const next = done === tape.length ? prices.end : (tape[done]['ts'] as number)
      return { rows: some, watermark: Math.floor(last + (next - last) * reach) }
    })
    return [...batches, { rows: tape.slice(done), watermark: prices.end }]
  })
}

const cases = [
  {
    name: 'debounceTime',
    op: calm,
    kinds: prices,
    columns: ['ts', 'instrument', 'price', 'buy'],
    // The row at :05.5 finds the timer of :02.5 fired; the one at :07.5 meets that of :05.5, which fires before it.
    expected: [
      ['09:15:02.500000', 'BANKNIFTY', 102, 1],
      ['09:15:05.500000', 'BANKNIFTY', 104, 0],
      ['09:15:07.500000', 'NIFTY', 105, 1],
      ['09:15:20.000001', 'NIFTY', 107, 0],
      ['09:15:22.000001', 'NIFTY', 108, 1],
      ['09:15:00', 'NIFTY', 109, 1],
      ['09:15:03', 'BANKNIFTY', 110, 0],
    ],
  },
  {
    name: 'throttleTime',
    op: sparse,
    kinds: prices,
    columns: ['ts', 'instrument', 'price'],
    expected: [
      ['09:15:00.500000', 'NIFTY', 100],
      ['09:15:02.500000', 'BANKNIFTY', 102],
      ['09:15:05.500000', 'NIFTY', 103],
      ['09:15:07.500000', 'NIFTY', 105],
      ['09:15:20', 'NIFTY', 106],
      ['09:15:22.000001', 'NIFTY', 108],
      ['09:15:00', 'NIFTY', 109],
      ['09:15:03', 'BANKNIFTY', 110],
    ],
  },
  {
    name: 'bufferTime',
    op: buffered,
    kinds: counts,
    columns: ['ts', 'price', 'n'],
    // Windows of 2 s from the first row, 09:15:00.5, on; each is told at its end.
    expected: [
      ['09:15:02.500000', 101, 2],
      ['09:15:04.500000', 102, 1],
      ['09:15:06.500000', 104, 2],
      ['09:15:08.500000', 105, 1],
      ['09:15:20.500000', 107, 2],
      ['09:15:22.500000', 108, 1],
      ['09:15:00.500000', 109, 1],
      ['09:15:04.500000', 110, 1],
    ],
  },
]

describe.each(cases)('rows with $name', ({ op, kinds, columns, expected }) => {
  const driven = op as unknown as Op
  it('gives the rows of the table', () => {
    expect(replayed(driven, kinds, columns)).toEqual(expected)
  })

  it('gives the same live, with heartbeats, and stopped anywhere', () => {
    const replay = feed(driven, kinds, [{ rows: tape }, { rows: [], watermark: kinds.end }]).rows
    fc.assert(
      fc.property(liveLike(), fc.nat(30), (batches, stop) => {
        expect(feed(driven, kinds, batches).rows).toEqual(replay)
        expect(feed(driven, kinds, batches, stop).rows).toEqual(replay)
      }),
      { numRuns: 40 },
    )
  })

  operatorContract(driven, kinds, tape, ['price'])
})

describe('rows', () => {
  const counted = (project: (prices: Prices, s: SchedulerLike) => Observable<{ price: number; n: number; ts?: number }>, horizon = 4 * SECOND) => {
    const op = (step: Step) => rows(step, { input: Price, output: Count, horizon }, project)
    return op as unknown as Op
  }
  const one = (text: string) => rowsOf(Price, `ts price\n${text}`)

  it('shows instruments by name, bool as boolean and time in microseconds', () => {
    const seen: unknown[] = []
    const op = (step: Step) => rows(step, { input: Price, output: Price, horizon: SECOND }, (p) => p.pipe(tap((row) => seen.push(row))))
    const { rows: out } = feed(op, prices, [{ rows: tape.slice(2, 4) }], 0)
    expect(seen[0]).toEqual({ ts: at('09:15:02.5'), instrument: 'BANKNIFTY', price: 102, buy: true })
    expect(out.map((row) => row['instrument'])).toEqual(['BANKNIFTY', 'NIFTY'])
  })

  it('takes an instrument that comes out only', () => {
    const op = (step: Step) =>
      rows(step, { input: Price, output: Price, horizon: SECOND }, (p) => p.pipe(map((row) => ({ ...row, instrument: 'FINNIFTY', buy: !row.buy }))))
    expect(feed(op, prices, [{ rows: tape.slice(0, 1) }]).rows).toEqual([{ ts: at('09:15:00.5'), instrument: 'FINNIFTY', price: 100, buy: 0 }])
  })

  it('starts at the first row, not at a heartbeat before it', () => {
    const op = counted((p, s) => p.pipe(bufferTime(2000, s)).pipe(map((some) => ({ price: 0, n: some.length }))))
    const { rows: out } = feed(op, counts, [
      { rows: [], watermark: at('09:14:00') },
      { rows: one('09:15:01 1'), watermark: at('09:15:04') },
    ])
    expect(out.map((row) => clock(row['ts'] as number))).toEqual(['09:15:03'])
  })

  it('ends at Infinity with what is due within a horizon, once', () => {
    const op = counted((_, s) => interval(1000, s).pipe(map((n) => ({ price: 0, n }))))
    const ended = { rows: [], watermark: Infinity }
    expect(feed(op, counts, [{ rows: one('09:15:01 1') }, ended, ended, ended], 1).rows.map((row) => clock(row['ts'] as number))).toEqual([
      '09:15:02',
      '09:15:03',
      '09:15:04',
      '09:15:05',
    ])
  })

  it('promises no more than rows held back can keep', () => {
    const op = counted((p) => p.pipe(map(({ price }) => ({ price, n: 1 }))))
    expect(feed(op, counts, [{ rows: one('09:15:01 1'), watermark: at('09:15:30') }]).watermark).toBe(at('09:15:26'))
  })

  it('keeps rows of two horizons at most', () => {
    const op = counted((p) => p.pipe(map(({ price }) => ({ price, n: 1 }))))
    const many = Array.from({ length: 100 }, (_, i) => ({ ...tape[0], ts: at('09:15:00') + i * SECOND }))
    const kept = keptAfter(op, many)
    expect(kept).toEqual(many.slice(92).map((row) => row.ts))
  })

  it('is exact after a restart where memory is within the horizon, not where it is without end', () => {
    const many = Array.from({ length: 40 }, (_, i) => ({ ...tape[0], ts: at('09:15:00') + i * SECOND, price: i }))
    const chunks = [{ rows: many.slice(0, 30) }, { rows: many.slice(30), watermark: prices.end }]
    const late = counted((p, s) =>
      p.pipe(
        delay(3999, s),
        map(({ price }) => ({ price, n: 1 })),
      ),
    )
    expect(feed(late, counts, chunks, 0).rows).toEqual(feed(late, counts, chunks).rows)
    const total = counted((p) =>
      p.pipe(
        scan((n) => n + 1, 0),
        map((n) => ({ price: 0, n })),
      ),
    )
    expect(feed(total, counts, chunks).rows.at(-1)?.['n']).toBe(40)
    expect(feed(total, counts, chunks, 0).rows.at(-1)?.['n']).toBe(16)
  })

  it('lets a timer of the instant itself wait over a restart', () => {
    const op = counted((p, s) =>
      p.pipe(
        delay(0, s),
        map(({ price }) => ({ price, n: 1 })),
      ),
    )
    const batches = [{ rows: one('09:15:01 1'), watermark: at('09:15:01') }, { rows: one('09:15:01 2') }, { rows: [], watermark: at('09:15:01') }]
    for (const stop of [-1, 0, 1, 2]) expect(feed(op, counts, batches, stop).rows.map((row) => row['price'])).toEqual([1, 2])
  })

  const failing = [
    {
      what: 'project throws',
      message: 'step "it" failed: no',
      project: () => {
        throw new Error('no')
      },
    },
    {
      what: 'an operator throws',
      message: 'step "it" failed: no',
      project: (p: Prices) =>
        p.pipe(
          map(() => {
            throw new Error('no')
          }),
        ),
    },
    {
      what: 'an operator throws in a timer',
      message: 'step "it" failed: no',
      project: (p: Prices, s: SchedulerLike) =>
        p.pipe(
          delay(1000, s),
          map(() => {
            throw new Error('no')
          }),
        ),
    },
    {
      what: 'a column is missing',
      message: 'step "it" failed: column "n" of a row it emits must be a whole number of 32 bits, not nothing',
      project: (p: Prices) => p as never,
    },
    {
      what: 'a column is of another kind',
      message: 'step "it" failed: column "price" of a row it emits must be a number, not "1"',
      project: (p: Prices) => p.pipe(map(() => ({ price: '1' as never, n: 1 }))),
    },
    {
      what: 'a time is none',
      message: 'step "it" failed: column "ts" of a row it emits must be a whole number of microseconds, not NaN',
      project: (p: Prices) => p.pipe(map(() => ({ ts: Number.NaN, price: 1, n: 1 }))),
    },
    {
      what: 'no object leaves',
      message: 'step "it" failed: a row it emits must be an object, not 1',
      project: (p: Prices) => p.pipe(map(() => 1 as never)),
    },
  ]
  it.each(failing)('fails by name when $what', ({ project, message }) => {
    const run = () => {
      const fed = opened(counted(project))
      fed.next(tape.slice(0, 3))
      fed.next([], at('09:15:10'))
    }
    expect(run).toThrow(expect.objectContaining({ code: 'STEP_FAILED', message }))
  })

  it('fails when an operator was left on the clock of the machine', async () => {
    const op = counted((p) =>
      p.pipe(
        delay(1),
        map(({ price }) => ({ price, n: 1 })),
      ),
    )
    const fed = opened(op)
    fed.next(tape.slice(0, 1))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(() => fed.next([])).toThrow(expect.objectContaining({ code: 'STEP_FAILED', message: expect.stringContaining('give the scheduler') }))
  })

  it('wants a horizon above 0', () => {
    for (const horizon of [0, -1, 0.5, Infinity]) {
      expect(() => opened(counted(() => undefined as never, horizon))).toThrow(expect.objectContaining({ code: 'PARAMETER_INVALID' }))
    }
  })
})

function opened(op: Op): { flow: Flow; next(rows: readonly Row[], watermark?: number): void } {
  const flow = new Flow()
  const input = new Subject<Batch<Schema>>()
  input.pipe(op(flow.at('it'))).subscribe({
    error: (thrown: unknown) => {
      failure = thrown
    },
  })
  let failure: unknown
  return {
    flow,
    next(rows, watermark) {
      input.next(toBatch(Price, rows, flow.instruments, watermark))
      if (failure) throw failure
    },
  }
}

function keptAfter(op: Op, rows: readonly Row[]): number[] {
  const fed = opened(op)
  fed.next(rows)
  const section = fed.flow.snapshot().find((s) => s.key === 'it/kept')
  return [...(section?.arrays['ts'] ?? [])]
}
