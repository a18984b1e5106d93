import { describe, expect, test } from 'vitest'
import { count, date, duration, list, positive, strikes, timeRange, whole } from '../../cli/flags.ts'

describe('flags', () => {
  test('a length of time in microseconds', () => {
    expect(duration('500ms')).toBe(500_000)
    expect(duration('10s')).toBe(10_000_000)
    expect(duration('5m')).toBe(duration('300s'))
    expect(duration('1.5h')).toBe(duration('90min'))
    expect(duration('1d')).toBe(duration('24h'))
  })

  test.each(['', '10', 's', '-5s', '0s', '1 h', '1w', 'NaNs'])('"%s" is no length of time', (text) => {
    expect(() => duration(text)).toThrow(/length of time/)
  })

  test('strikes as a list or as a range', () => {
    expect(strikes('24000,24100')).toEqual([24000, 24100])
    expect(strikes('23000..25000')).toEqual({ min: 23000, max: 25000 })
    expect(strikes('0.5')).toEqual([0.5])
  })

  test.each(['25000..23000', '1..2..3', 'a', '24000,', '..5', '-5', '0'])('"%s" names no strikes', (text) => {
    expect(() => strikes(text)).toThrow()
  })

  test('a part of the day', () => {
    expect(timeRange('09:15..10:00')).toEqual({ from: '09:15', to: '10:00' })
    expect(timeRange('09:15:30..10:00')).toEqual({ from: '09:15:30', to: '10:00' })
  })

  test.each(['09:15', '10:00..09:15', '09:15..09:15', '9..10', '24:00..25:00', 'a..b', '09:15..10:00..11:00'])(
    '"%s" is no part of the day',
    (text) => {
      expect(() => timeRange(text)).toThrow(/part of the day/)
    },
  )

  test('dates, lists and numbers', () => {
    expect(date('2025-01-02')).toBe('2025-01-02')
    expect(() => date('2025-02-30')).toThrow()
    expect(list('NIFTY, BANKNIFTY')).toEqual(['NIFTY', 'BANKNIFTY'])
    expect(() => list('NIFTY,,')).toThrow()
    expect(count('2')).toBe(2)
    for (const text of ['0', '-1', '1.5', 'x', '']) expect(() => count(text)).toThrow()
    expect(whole('0')).toBe(0)
    expect(() => whole('')).toThrow()
    expect(positive('0.5')).toBe(0.5)
    for (const text of ['0', 'Infinity', 'x', '']) expect(() => positive(text)).toThrow()
  })
})
