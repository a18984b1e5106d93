import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Alert, type WatchRule } from '../../core/alerts.ts'
import { OptionQuote } from '../../core/optionQuote.ts'
import type { Step } from '../../core/step.ts'
import { watch } from '../../operators/watch.ts'
import { feed } from '../kit/feed.ts'
import { operatorContract } from '../kit/operatorContract.ts'
import { type Row, rowsOf, run } from '../kit/table.ts'

const kinds = { input: OptionQuote, output: Alert }
const op =
  (...rules: WatchRule[]) =>
  (step: Step) =>
    watch(step, { schema: OptionQuote, rules })
const CALL = 'BTC-USDT:2026-03-27:70000:CE'
const PUT = 'BTC-USDT:2026-03-27:70000:PE'
/** Marks of one instrument, a second after the other; a dash is missing. */
const marks = (values: string): Row[] =>
  rowsOf(
    OptionQuote,
    `ts mark\n${values
      .trim()
      .split(/\s+/)
      .map((mark, i) => `09:15:${String(i).padStart(2, '0')} ${mark}`)
      .join('\n')}`,
  )
const alertsOf = (rule: Omit<WatchRule, 'name'>, rows: readonly Row[]) =>
  run(op({ name: 'it', cooldown: 0, ...rule }), kinds, rows, ['ts', 'what', 'value', 'bound', 'reference'])

describe('watch: levels', () => {
  it('is an alert once it is above, and again only after it came back to where it re-arms', () => {
    expect(alertsOf({ column: 'mark', above: 100, rearm: 95 }, marks('90 101 99 102 94 - 103'))).toEqual([
      ['09:15:01', 'above', 101, 100, NaN],
      ['09:15:06', 'above', 103, 100, NaN],
    ])
  })

  it('re-arms at the level itself where nothing is said, and a missing value changes nothing', () => {
    expect(alertsOf({ column: 'mark', above: 100 }, marks('101 - 101 100 101')).map(([ts]) => ts)).toEqual(['09:15:00', '09:15:04'])
    expect(alertsOf({ column: 'mark', below: 10, rearm: 12 }, marks('10 9.5 11 9 12 9')).map(([ts, what]) => [ts, what])).toEqual([
      ['09:15:01', 'below'],
      ['09:15:05', 'below'],
    ])
  })

  it('knows columns by their names among latest quotes', () => {
    const row = rowsOf(OptionQuote, 'ts price bid ask mark iv delta oi volume\n09:15:00 1 2 3 4 5 6 7 8')
    const columns = ['last', 'bid', 'ask', 'mark', 'iv', 'delta', 'oi', 'volume'] as const
    expect(columns.map((column) => alertsOf({ column, above: 0 }, row)[0][2])).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('is for the instruments selected, and keeps them apart', () => {
    const names = [CALL, PUT, 'BTC-USDT:2026-04-24:80000:CE', 'ETH-USDT:2026-03-27:4000:CE', 'BTC-USDT:2026-03-27:FUT', 'BTC-USDT']
    const rows = rowsOf(OptionQuote, `ts instrument mark\n${names.map((name) => `09:15:00 ${name} 5`).join('\n')}`)
    const who = (rule: Partial<WatchRule>) =>
      run(op({ name: 'it', column: 'mark', above: 1, ...rule }), kinds, rows, ['instrument']).map(([name]) => names.indexOf(name as string))
    expect(who({})).toEqual([0, 1, 2, 3, 4, 5])
    expect([who({ underlying: 'BTC*' }), who({ underlying: 'BTC' }), who({ underlying: 'B.C-USDT' })]).toEqual([[0, 1, 2, 4, 5], [], []])
    expect([who({ expiry: '2026-03-*' }), who({ expiry: '2026-04-24' })]).toEqual([[0, 1, 3, 4], [2]])
    expect([who({ strike: '4000..70000' }), who({ strike: '70001..' }), who({ strike: '..4000' }), who({ strike: 70000 })]).toEqual([
      [0, 1, 3],
      [2],
      [3],
      [0, 1],
    ])
    expect([who({ type: 'PE' }), who({ type: 'FUT' }), who({ type: 'SPOT' }), who({ type: 'CE', underlying: 'ETH*' })]).toEqual([[1], [4], [5], [3]])
  })

  it('passes over alerts too near the one before, and rows older than the newest, and counts both', () => {
    const rows = rowsOf(OptionQuote, 'ts mark\n09:15:00 101\n09:15:01 99\n09:15:02 101\n09:15:03 99\n09:15:02 500\n09:15:10 101')
    const fed = feed(op({ name: 'it', column: 'mark', above: 100, cooldown: 10 }), kinds, [{ rows }])
    expect(fed.rows.map((row) => row['value'])).toEqual([101, 101])
    expect(fed.counts).toEqual({ cooldown: 1, late: 1 })
  })
})

describe('watch: changes', () => {
  it('compares with the lowest of the last seconds, by parts or by an amount', () => {
    expect(alertsOf({ column: 'mark', rise: '5%', within: 10 }, marks('100 98 102 103 104'))).toEqual([['09:15:03', 'rise', 103, 98 * 1.05, 98]])
    expect(alertsOf({ column: 'mark', fall: 5, within: 10 }, marks('100 103 99 98 97'))).toEqual([['09:15:03', 'fall', 98, 98, 103]])
  })

  it('forgets what is further back', () => {
    const rows = (seconds: string) => rowsOf(OptionQuote, `ts mark\n09:15:00 100\n09:15:${seconds} 110`)
    expect(alertsOf({ column: 'mark', rise: '5%', within: 10 }, rows('09.4')).length).toBe(1)
    expect(alertsOf({ column: 'mark', rise: '5%', within: 10 }, rows('10')).length).toBe(0)
  })

  it('says which way it changed, and takes no part of what is not above 0', () => {
    const both = alertsOf({ column: 'mark', change: '10%', within: 60 }, marks('100 111 105 99 0 -5 100'))
    expect(both.map(([ts, what, , , reference]) => [ts, what, reference])).toEqual([
      ['09:15:01', 'rise', 100],
      ['09:15:03', 'fall', 111],
    ])
  })

  it('agrees with a search through all rows of the stretch', () => {
    const moves = fc.array(fc.record({ gap: fc.nat(4), mark: fc.integer({ min: 1, max: 40 }) }), { maxLength: 60 })
    fc.assert(
      fc.property(moves, fc.constantFrom('rise', 'fall'), (steps, way) => {
        let ts = 1.7e15
        const rows = steps.map(({ gap, mark }) => ({ ...rowsOf(OptionQuote, 'ts\n09:15:00')[0], ts: (ts += gap * 1e6), mark }))
        // Cells of a second: 20 of them, the one of the row included.
        const isOn = (i: number) => {
          const near = rows.slice(0, i + 1).filter((row) => row.ts > rows[i].ts - 20e6)
          const far = way === 'rise' ? Math.min(...near.map(({ mark }) => mark)) : Math.max(...near.map(({ mark }) => mark))
          return way === 'rise' ? rows[i].mark >= far + 7 : rows[i].mark <= far - 7
        }
        const expected = rows.filter((_, i) => isOn(i) && (i === 0 || !isOn(i - 1))).map(({ mark }) => mark)
        expect(run(op({ name: 'it', column: 'mark', [way]: 7, within: 20, cooldown: 0 }), kinds, rows, ['value']).flat()).toEqual(expected)
      }),
      { numRuns: 200 },
    )
  })
})

describe('watch: bursts', () => {
  const burst = { burst: 3, window: 5, baseline: 10, floor: 6 }
  /** Cumulative volume out of what trades second by second. */
  const trading = (each: readonly number[]): Row[] => {
    let sum = 1000
    return each.map((traded, i) => ({ ...rowsOf(OptionQuote, 'ts\n09:15:00')[0], ts: 1.7e15 + i * 1e6, volume: (sum += traded) }))
  }
  /** The first window that is watched whole begins after the first second: 5 + 10 seconds from there, and 4 for the burst. */
  const steady = Array.from({ length: 19 }, () => 1)

  it('is one where more than so many times the usual volume of a window trades in one', () => {
    // Five a window are usual, and more than 15 in the last five seconds are a burst.
    const found = run(op({ name: 'it', ...burst }), kinds, trading([...steady, 11, 1, 1, 1]), ['ts', 'value', 'reference', 'bound'])
    expect(found).toEqual([])
    expect(run(op({ name: 'it', ...burst }), kinds, trading([...steady, 12, 1, 1, 1]), ['what', 'value', 'reference', 'bound'])).toEqual([
      ['burst', 16, 5, 15],
    ])
  })

  it('says nothing before window and baseline were watched whole', () => {
    expect(run(op({ name: 'it', ...burst }), kinds, trading([...steady.slice(1), 90]), ['value'])).toEqual([])
    expect(run(op({ name: 'it', ...burst }), kinds, trading([...steady, 90]), ['value'])).toEqual([[94]])
  })

  it('wants the floor reached where next to nothing is usual', () => {
    const quiet = steady.map(() => 0)
    expect(run(op({ name: 'it', ...burst }), kinds, trading([...quiet, 5]), ['value'])).toEqual([])
    expect(run(op({ name: 'it', ...burst }), kinds, trading([...quiet, 6]), ['value'])).toEqual([[6]])
  })

  it('counts from where volume began anew, and sees no burst in what came together over a gap', () => {
    const rows = trading([...steady, ...steady])
    const anew = rows.map((row, i) => (i < 20 ? row : { ...row, volume: Number(row['volume']) - 900 }))
    expect(run(op({ name: 'it', ...burst }), kinds, anew, ['value'])).toEqual([])
    const gap = rows.map((row, i) => (i < 20 ? row : { ...row, ts: Number(row['ts']) + 30e6, volume: Number(row['volume']) + 500 }))
    expect(run(op({ name: 'it', ...burst }), kinds, gap, ['value'])).toEqual([])
  })
})

describe('watch', () => {
  const tape = rowsOf(
    OptionQuote,
    `
    ts        instrument  mark  iv    volume  oi
    09:15:00  ${CALL}     100   0.50     100   7
    09:15:00  ${PUT}       50   0.60     200   8
    09:15:01  ${CALL}     101   0.51     101   7
    09:15:02  ${CALL}     108   0.48     103   9
    09:15:03  ${PUT}       44   -        203   8
    09:15:04  ${CALL}      99   0.52     104   7
    09:15:05  ${PUT}       51   0.66     230   8
    09:15:06  ${CALL}     103   0.49     104   7
    09:15:07  ${PUT}       43   0.59     231   8
    09:15:09  BTC-USDT      -   -          -   -
    09:15:09  ${CALL}     109   0.53     190   9`,
  )
  const all = op(
    { name: 'level', column: 'mark', above: 102, rearm: 100, cooldown: 0 },
    { name: 'vol', column: 'iv', above: 0.5, below: undefined, cooldown: 3 },
    { name: 'puts', column: 'mark', type: 'PE', change: '10%', within: 4, cooldown: 0 },
    { name: 'burst', burst: 2, window: 3, baseline: 3, cooldown: 0 },
  )

  it('gives rows in order, and those of one row by the order of the rules', () => {
    expect(run(all, kinds, tape, ['ts', 'rule'])).toEqual([
      ['09:15:00', 1],
      ['09:15:01', 1],
      ['09:15:02', 0],
      ['09:15:03', 2],
      ['09:15:04', 1],
      ['09:15:05', 2],
      ['09:15:06', 0],
      ['09:15:07', 2],
      ['09:15:09', 1],
      ['09:15:09', 3],
    ])
  })

  it('refuses a rule on what does not come in', () => {
    const { iv: _, ...without } = OptionQuote
    const rules = [{ name: 'vol', column: 'iv', above: 0.5 }] as const
    expect(() => run((step) => watch(step, { schema: without as typeof OptionQuote, rules }), kinds, [], [])).toThrow('rule "vol" watches iv')
  })

  operatorContract(all, kinds, tape, ['mark', 'iv', 'volume'])
})
