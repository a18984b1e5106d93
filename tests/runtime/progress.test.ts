import { describe, expect, test } from 'vitest'
import { IST } from '../../core/time.ts'
import { PaceMeter, paceLine, shortCount, shortDuration, showProgress } from '../../runtime/progress.ts'

describe('PaceMeter', () => {
  test('at a steady rate', () => {
    const meter = new PaceMeter()
    expect(meter.observe(0, 1000, 10)).toEqual({ rows: 0, fraction: 0, rowsPerSecond: undefined, secondsLeft: undefined })
    expect(meter.observe(100, 1000, 11)).toEqual({ rows: 100, fraction: 0.1, rowsPerSecond: 100, secondsLeft: 9 })
    const { rowsPerSecond, secondsLeft } = meter.observe(200, 1000, 12)
    expect(rowsPerSecond).toBeCloseTo(100, 10)
    expect(secondsLeft).toBeCloseTo(8, 10)
  })

  test('a burst moves the rate by the part of it that its time is worth', () => {
    const meter = new PaceMeter()
    meter.observe(0, undefined, 0)
    meter.observe(100, undefined, 1)
    const weight = 1 - Math.exp(-1 / 5)
    expect(meter.observe(1100, undefined, 2).rowsPerSecond).toBeCloseTo(100 + 900 * weight, 10)
  })

  test('how often it is asked makes no difference at a steady rate', () => {
    const [often, seldom] = [new PaceMeter(), new PaceMeter()]
    for (let s = 0; s <= 20; s += 0.5) often.observe(s * 70, 5000, s)
    for (let s = 0; s <= 20; s += 5) seldom.observe(s * 70, 5000, s)
    expect(often.observe(1470, 5000, 21).secondsLeft).toBeCloseTo(seldom.observe(1470, 5000, 21).secondsLeft as number, 6)
  })

  test('rows read before it was started do not count as speed', () => {
    const meter = new PaceMeter()
    meter.observe(1_000_000, 1_000_300, 0)
    expect(meter.observe(1_000_100, 1_000_300, 1)).toMatchObject({ rowsPerSecond: 100, secondsLeft: 2 })
  })

  test('nothing is claimed that is not known', () => {
    const meter = new PaceMeter()
    meter.observe(5, undefined, 0)
    expect(meter.observe(5, undefined, 1)).toEqual({ rows: 5, fraction: undefined, rowsPerSecond: 0, secondsLeft: undefined })
    expect(meter.observe(5, 10, 2).secondsLeft).toBeUndefined()
    expect(meter.observe(12, 10, 3)).toMatchObject({ fraction: 1, secondsLeft: 0 })
    expect(meter.observe(12, 0, 3).fraction).toBeUndefined()
  })
})

test.each([
  [0, '0'],
  [999, '999'],
  [1000, '1.00k'],
  [12_345, '12.3k'],
  [999_499, '999k'],
  [999_600, '1.00M'],
  [4_560_000, '4.56M'],
  [2.5e9, '2.50G'],
])('shortCount(%d) is %s', (n, text) => {
  expect(shortCount(n)).toBe(text)
})

test.each([
  [0.2, '1 s'],
  [59, '59 s'],
  [59.5, '1 min 0 s'],
  [200, '3 min 20 s'],
  [7500, '2 h 5 min'],
])('shortDuration(%d) is %s', (s, text) => {
  expect(shortDuration(s)).toBe(text)
})

test('paceLine', () => {
  const pace = { rows: 1_500_000, fraction: 0.256, rowsPerSecond: 2_000_000, secondsLeft: 3 }
  expect(paceLine(pace, 1704339900_500_000, IST)).toBe('25 %  1.50M rows  2.00M rows/s  3 s left  at 2024-01-04 09:15:00')
  expect(paceLine({ rows: 1, fraction: undefined, rowsPerSecond: undefined, secondsLeft: undefined }, -Infinity, IST)).toBe('1 rows')
})

describe('showProgress', () => {
  const stream = (isTTY: boolean) => {
    const written: string[] = []
    return {
      written,
      out: {
        isTTY,
        write: (text: string) => written.push(text),
        cursorTo() {},
        clearLine() {},
        on() {},
        columns: 80,
      } as unknown as NodeJS.WriteStream,
    }
  }

  test('lines every few seconds when it is not a terminal', () => {
    const { written, out } = stream(false)
    let now = 0
    const progress = showProgress({ quiet: false, out, now: () => now })
    for (; now < 10; now += 0.5) progress.at(now * 100, 1000, 0)
    progress.stop()
    expect(written).toHaveLength(3)
    expect(written[1]).toBe('60 %  600 rows  100 rows/s  4 s left  at 1970-01-01 05:30:00\n')
  })

  test('a bar on a terminal', () => {
    const { written, out } = stream(true)
    let now = 0
    const progress = showProgress({ quiet: false, out, now: () => now })
    for (; now < 2; now += 0.5) progress.at(now * 100, 1000, 0)
    progress.stop()
    expect(written.join('')).toContain('█')
  })

  test('nothing when quiet', () => {
    const { written, out } = stream(true)
    const progress = showProgress({ quiet: true, out })
    progress.at(1, 2, 3)
    progress.stop()
    expect(written).toEqual([])
  })
})
