import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { generateDay, type Tallies } from '../../../connectors/synthetic/market.ts'
import type { SyntheticOptions } from '../../../connectors/synthetic/options.ts'
import { parseSyntheticOptions } from '../../../connectors/synthetic/source.ts'
import type { Batch } from '../../../core/batch.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Tick } from '../../../core/market.ts'
import { attach, formatTime, IST, parseDate, SECOND } from '../../../core/time.ts'

const DAY = '2025-01-06'
const OPEN = attach(`${DAY} 09:15`, IST)
const CLOSE = attach(`${DAY} 15:30`, IST)
// A tenth of the session and more faults than usual, so that every kind is there and a test is quick.
const dense: SyntheticOptions = { strikes: 4, close: '09:45', late: 0.02, duplicates: 0.05, resets: 5, quietStretch: 20 }

function day(options: SyntheticOptions) {
  const instruments = new Instruments()
  return { instruments, ...generateDay(parseSyntheticOptions(options), parseDate(DAY), instruments) }
}

function digest(ticks: Batch<Tick>): string {
  const hash = createHash('sha256')
  for (const name of Object.keys(Tick) as (keyof Tick)[]) hash.update(new Uint8Array(ticks.col[name].slice(0, ticks.n).buffer))
  return hash.digest('hex')
}

/** The tallies counted again, naively, from the rows: in the order given, of the rows that `wanted` lets through. */
function count({ col, n }: Batch<Tick>, close: number, lateness: number): Tallies {
  const tallies: Tallies = { rows: n, duplicates: 0, conflicts: 0, offSession: 0, late: 0, resets: 0 }
  let highest = -Infinity
  let rows: number[] = []
  for (let i = 0; i < n; i++) {
    if (col.ts[i] < highest) tallies.late++
    if (col.ts[i] < OPEN || col.ts[i] >= close) tallies.offSession++
    else if (col.ts[i] >= highest - lateness) rows.push(i)
    highest = Math.max(highest, col.ts[i])
  }
  rows = rows.sort((a, b) => col.ts[a] - col.ts[b] || a - b)
  const kept = new Map<number, number>()
  for (const i of rows) {
    const before = kept.get(col.instrument[i])
    if (before !== undefined && col.ts[before] === col.ts[i]) {
      tallies.duplicates++
      if (col.price[before] !== col.price[i] || col.volume[before] !== col.volume[i]) tallies.conflicts++
      continue
    }
    if (before !== undefined && col.volume[i] < col.volume[before]) tallies.resets++
    kept.set(col.instrument[i], i)
  }
  return tallies
}

test('contracts expire on the day that is given for the symbol, else on the next Thursday', () => {
  const names = (expiryOf: (symbol: string, day: number) => number | undefined): string[] => {
    const instruments = new Instruments()
    generateDay(parseSyntheticOptions({ strikes: 1, close: '09:16' }), parseDate(DAY), instruments, expiryOf)
    return Array.from({ length: instruments.size }, (_, id) => instruments.name(id).split(':')[1] ?? 'spot')
  }
  expect(names((symbol, day) => (symbol === 'NIFTY' ? day + 24 : undefined))).toEqual(['spot', '2025-01-30', '2025-01-30'])
  expect(names(() => undefined)).toEqual(['spot', '2025-01-09', '2025-01-09'])
})

describe('the same options give the same bytes', () => {
  test('twice, and on another day or with another seed others', () => {
    const once = digest(day(dense).ticks)
    expect(digest(day(dense).ticks)).toBe(once)
    expect(digest(day({ ...dense, seed: 8 }).ticks)).not.toBe(once)
    expect(digest(generateDay(parseSyntheticOptions(dense), parseDate(DAY) + 1, new Instruments()).ticks)).not.toBe(once)
  })
})

describe('what is counted is what was planted', () => {
  test.each<[string, SyntheticOptions]>([
    ['whole seconds', {}],
    ['microseconds', { stamp: 'microsecond' }],
    ['several snapshots in a second', { rate: 2.5 }],
    ['several snapshots with times of their own', { rate: 3, stamp: 'microsecond' }],
    ['the spot alone', { strikes: 0 }],
    ['nothing planted', { late: 0, duplicates: 0, resets: 0, offSession: false, quiet: 0, quietStretch: 0 }],
    ['everything twice and all of it different', { duplicates: 1, conflicts: 1 }],
    ['every row late', { late: 1, stamp: 'microsecond' }],
  ])('%s', (_, options) => {
    const { ticks, tallies } = day({ ...dense, ...options })
    const close = attach(`${DAY} 09:45`, IST)
    expect(count(ticks, close, 0)).toEqual(tallies)
    expect(count(ticks, close, 11 * SECOND)).toEqual(tallies)
  })

  test('each kind is there', () => {
    for (const planted of Object.values(day(dense).tallies)) expect(planted).toBeGreaterThan(0)
  })

  test('and none when none is asked for', () => {
    const { tallies } = day({ ...dense, late: 0, duplicates: 0, resets: 0, offSession: false })
    expect(tallies).toMatchObject({ duplicates: 0, conflicts: 0, offSession: 0, late: 0, resets: 0 })
  })
})

describe('a plausible market', () => {
  const { ticks, instruments } = day({ late: 0, duplicates: 0, resets: 0, strikes: 4, quietStretch: 600 })
  const { ts, price, volume, bid, ask, instrument } = ticks.col
  const rows = Array.from({ length: ticks.n }, (_, i) => i)

  test('a spot and a call and a put a strike, all of the next Thursday', () => {
    const names = Array.from({ length: instruments.size }, (_, id) => instruments.name(id))
    expect(names).toHaveLength(9)
    expect(names[0]).toBe('NIFTY')
    for (const name of names.slice(1)) expect(name).toMatch(/^NIFTY:2025-01-09:\d+00:[CP]E$|^NIFTY:2025-01-09:\d+50:[CP]E$/)
  })

  test('prices are whole ticks of 0.05 between bid and ask', () => {
    expect(rows.filter((i) => price[i] !== Math.round(price[i] * 20) / 20 || !(price[i] > 0))).toEqual([])
    expect(rows.filter((i) => instrument[i] !== 0 && !(bid[i] <= price[i] && price[i] < ask[i]))).toEqual([])
    expect(rows.filter((i) => instrument[i] === 0 && !(Number.isNaN(bid[i]) && Number.isNaN(ask[i])))).toEqual([])
  })

  test('volumes grow by whole lots from 0', () => {
    const last = new Map<number, number>()
    const wrong = rows.filter((i) => {
      const before = last.get(instrument[i]) ?? 0
      last.set(instrument[i], volume[i])
      return volume[i] % 75 !== 0 || volume[i] < before
    })
    expect(wrong).toEqual([])
    expect(Math.max(...last.values())).toBeGreaterThan(100_000)
  })

  test('a call less a put is the spot less the strike, to a few ticks', () => {
    const last = new Map<number, number>()
    for (const i of rows) if (ts[i] === OPEN + 3600 * SECOND) last.set(instrument[i], price[i])
    const spot = last.get(0) ?? NaN
    let pairs = 0
    for (const [id, call] of last) {
      const contract = instruments.contract(id)
      if (contract.kind !== 'option' || contract.type !== 'CE') continue
      const put = last.get(instruments.id(instruments.name(id).replace(/CE$/, 'PE')))
      if (put === undefined) continue
      pairs++
      expect(Math.abs(call - put - (spot - contract.strike))).toBeLessThan(0.25)
    }
    expect(pairs).toBeGreaterThan(0)
  })

  test('noise before the open from 09:07 and after the close, at prices that do not move', () => {
    const before = rows.filter((i) => ts[i] < OPEN)
    const after = rows.filter((i) => ts[i] >= CLOSE)
    expect(formatTime(ts[before[0]], IST).slice(11, 16)).toBe('09:07')
    expect(before.length * after.length).toBeGreaterThan(0)
    expect(new Set(before.filter((i) => instrument[i] === 0).map((i) => price[i])).size).toBe(1)
    expect(before.every((i) => volume[i] === 0)).toBe(true)
  })

  test('ten minutes at which nothing ticks', () => {
    const session = rows.filter((i) => ts[i] >= OPEN && ts[i] < CLOSE)
    const gaps = session.slice(1).map((i, k) => ts[i] - ts[session[k]])
    expect(gaps.reduce((a, b) => Math.max(a, b))).toBe(601 * SECOND)
  })
})

test('a million rows a second and more', () => {
  // About 3.5 million on an idle core; the fastest of three, by this thread's CPU, and a low bound, because other work shares the machine.
  const speed = () => {
    const before = process.threadCpuUsage()
    const { n } = day({}).ticks
    const { user, system } = process.threadCpuUsage(before)
    return n / (user + system)
  }
  expect(Math.max(speed(), speed(), speed())).toBeGreaterThan(1)
})
