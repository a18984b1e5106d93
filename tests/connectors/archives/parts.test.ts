import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readLines } from '../../../connectors/parquet/manifest.ts'
import { TimeSort } from '../../../connectors/parquet/sortRuns.ts'
import { input, packedRows, packHere, scratch } from './packing.ts'
import { gdflCsv, type Snapshot, zipOf } from './vendors.ts'

test('a day too large to be sorted at once becomes parts that follow each other; the rows and their order are the same', async () => {
  const tickers = ['NIFTY04JAN2421500CE.NFO', 'NIFTY04JAN2421500PE.NFO', 'NIFTY04JAN2421600PE.NFO']
  const snapshots = (seed: number): Snapshot[] =>
    Array.from({ length: 60 }, (_, i) => ({ time: `09:${15 + ((i * 7 + seed) % 40)}:00`, price: 100 + seed + i / 20, quantity: i }))
  const zip = zipOf(tickers.map((ticker, seed) => ({ name: `${ticker}.csv`, bytes: gdflCsv(ticker, '2024-01-04', snapshots(seed)) })))
  const folder = scratch()
  const path = input(folder, 'a.zip', zip)
  for (const clean of [false, true]) {
    const [whole, parted] = [join(folder, `whole-${clean}`), join(folder, `parted-${clean}`)]
    await packHere(whole, [path], { clean })
    const summary = await packHere(parted, [path], { clean, partRows: 25 })
    expect(summary.files).toBeGreaterThan(4)
    expect(await packedRows(parted)).toEqual(await packedRows(whole))
    const spans = new Map<string, [number, number]>()
    for (const { path: file, min, max } of readLines(parted)) {
      const [a, b] = spans.get(file) ?? [Infinity, -Infinity]
      spans.set(file, [Math.min(a, min), Math.max(b, max)])
    }
    const inOrder = [...spans.values()].sort(([a], [b]) => a - b)
    for (let i = 1; i < inOrder.length; i++) expect(inOrder[i][0]).toBeGreaterThan(inOrder[i - 1][1])
  }
})

test('rows are ordered by time and, where that is one, as they came', () => {
  const sort = new TimeSort()
  const start = 1704339900000000
  const times = fc.array(
    fc.oneof(
      fc.integer({ min: 0, max: 30 }).map((s) => s * 1e6),
      fc.integer({ min: 0, max: 86_399_999_999 }),
    ),
    { maxLength: 200 },
  )
  fc.assert(
    fc.property(times, fc.boolean(), (offsets, whole) => {
      const ts = Float64Array.from(offsets, (t) => start + (whole ? Math.floor(t / 1e6) * 1e6 : t))
      const expected = [...ts.keys()].sort((a, b) => ts[a] - ts[b] || a - b)
      expect([...(sort.inTime(ts, ts.length)?.subarray(0, ts.length) ?? ts.keys())]).toEqual(expected)
    }),
  )
})
