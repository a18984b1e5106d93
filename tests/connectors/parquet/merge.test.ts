import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Chunk } from '../../../connectors/parquet/chunk.ts'
import { mergeFiles } from '../../../connectors/parquet/merge.ts'
import { TimeSort, WIDEST } from '../../../connectors/parquet/sortRuns.ts'
import { Trade } from '../../../core/market.ts'

it('sorts by time and leaves rows of one time as they were', () => {
  const sort = new TimeSort()
  const times = fc.array(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: WIDEST })), { maxLength: 300 })
  fc.assert(
    fc.property(times, fc.integer({ min: 0, max: 2 ** 50 }), (given, base) => {
      const ts = Float64Array.from(given, (t) => t + base)
      const last = Math.max(0, ...given)
      const expected = [...ts.keys()].sort((a, b) => ts[a] - ts[b] || a - b)
      expect([...sort.order(ts, ts.length, base, last).subarray(0, ts.length)]).toEqual(expected)
    }),
  )
})

const file = fc.record({
  steps: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 }), fc.constant(2 ** 33)), { maxLength: 40 }),
  cuts: fc.integer({ min: 1, max: 7 }),
})

async function* chunksOf(ts: readonly number[], rank: number, size: number): AsyncGenerator<Chunk, void, undefined> {
  for (let at = 0; at < ts.length; at += size) {
    const part = ts.slice(at, at + size)
    const rows = Float64Array.from(part, (_, i) => at + i)
    yield { n: part.length, col: { ts: Float64Array.from(part), instrument: new Int32Array(part.length).fill(rank), price: rows, volume: rows } }
  }
}

it('merges files as sorting all of their rows by time, file and row does, however they are cut into chunks', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(file, { maxLength: 6 }), async (files) => {
      const times = files.map(({ steps }) => {
        let at = 1e15
        return steps.map((step) => (at += step))
      })
      const expected = times.flatMap((ts, rank) => ts.map((t, row) => [t, rank, row])).sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2])
      const got: number[][] = []
      for await (const { n, col } of mergeFiles(
        files.map(({ cuts }, rank) => chunksOf(times[rank], rank, cuts)),
        Trade,
      )) {
        for (let i = 0; i < n; i++) got.push([col['ts'][i], col['instrument'][i], col['price'][i]])
      }
      expect(got).toEqual(expected)
    }),
  )
})
