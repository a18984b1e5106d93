import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Rows } from '../../../connectors/parquet/decode/tickFile.ts'
import { newRows, type RowFile, WindowMerge } from '../../../connectors/parquet/decode/windowMerge.ts'
import { WindowSort } from '../../../connectors/parquet/decode/windowSort.ts'

const START = 1.7e15
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 3 }) },
    fc.constant(1_000_000),
    fc.constant(2 ** 33),
  ),
  { maxLength: 60 },
)

function timesOf(steps: readonly number[]): number[] {
  let at = START
  return steps.map((step) => (at += step))
}

/** What stands for a file: number columns ts and row, codes when `coded`. */
function fileOf(times: readonly number[], coded: boolean): RowFile {
  return {
    coded,
    left: times.length,
    read(this: { left: number }, { numbers, codes }: Rows, at: number, n: number) {
      const from = times.length - this.left
      const rows = Math.min(n, this.left)
      for (let i = 0; i < rows; i++) {
        numbers[0][at + i] = times[from + i]
        numbers[1][at + i] = from + i
        if (coded) codes[at + i] = (from + i) % 3
      }
      this.left -= rows
      return rows
    },
  } as RowFile
}

it('merges files as sorting all of their rows by time, file and row does, whatever the windows, slots and rows decoded ahead', () => {
  const shape = fc.record({
    files: fc.array(fc.record({ steps, coded: fc.boolean() }), { minLength: 1, maxLength: 7 }),
    most: fc.integer({ min: 1, max: 50 }),
    ahead: fc.integer({ min: 1, max: 20 }),
    window: fc.integer({ min: 1, max: 40 }),
  })
  fc.assert(
    fc.property(shape, ({ files, most, ahead, window }) => {
      const times = files.map(({ steps }) => timesOf(steps))
      const expected = times
        .flatMap((ts, file) => ts.map((t, row) => [t, file, row, 10 * file + (files[file].coded ? row % 3 : 0)]))
        .sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2])
        .map(([t, , row, code]) => [t, row, code])
      const offsets = files.map((_, file) => 10 * file)
      const merge = new WindowMerge(
        files.map(({ coded }, i) => fileOf(times[i], coded)),
        offsets,
        2,
        0,
        ahead,
        window,
      )
      const into = newRows(2, most)
      const got: number[][] = []
      for (let n = merge.read(into, most); n > 0; n = merge.read(into, most)) {
        for (let i = 0; i < n; i++) got.push([into.numbers[0][i], into.numbers[1][i], into.codes[i]])
      }
      expect(got).toEqual(expected)
    }),
    { numRuns: 1000 },
  )
})

it('sorts rows that crowd into one bucket, which insertion would take for ever to sort', () => {
  const n = 4_096
  const sort = new WindowSort(n)
  // Two files, one behind the other within a microsecond of an hour, and one row at its end.
  const late = Float64Array.from({ length: n / 2 }, (_, i) => START + 2_000 + Math.floor(i / 4))
  const early = Float64Array.from({ length: n / 2 - 1 }, (_, i) => START + Math.floor(i / 4))
  const end = Float64Array.of(START + 3.6e9)
  sort.begin(START, START + 3.6e9 + 1)
  for (const ts of [late, early, end]) expect(sort.add(ts, 0, ts.length)).toBe(ts.length)
  sort.finish()
  const times = new Float64Array(n + 1)
  sort.copyTimes(times, 1)
  expect([...times]).toEqual([0, ...early, ...late, ...end])
  expect([...sort.places.subarray(0, 8)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((i) => n / 2 - 1 + i))
})
