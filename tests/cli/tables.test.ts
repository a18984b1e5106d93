import { expect, test } from 'vitest'
import { planTables, shownBytes, shownNumber, summaryTables, table } from '../../cli/tables.ts'

test('numbers stand to the right, their thousands apart', () => {
  expect(
    table(
      ['name', 'rows'],
      [
        ['a', 1234567],
        ['bb', 5],
      ],
    ),
  ).toBe(`┌──────┬───────────┐
│ name │      rows │
├──────┼───────────┤
│ a    │ 1,234,567 │
│ bb   │         5 │
└──────┴───────────┘`)
  expect([0.12345, 1234.5678, -2.54321, 12].map(shownNumber)).toEqual(['0.123', '1,235', '-2.54', '12'])
  expect([0, 999, 1500, 2.5e6, 3e12].map(shownBytes)).toEqual(['0 B', '999 B', '1.5 kB', '2.5 MB', '3000.0 GB'])
})

const summary = {
  run: 'r1',
  topology: 'volume-burst@1',
  parameters: {},
  partitions: ['d1', 'd2'],
  rowsIn: 2_000_000,
  dropped: { 'dedup/duplicate': 7, 'dedup/conflict': 0 },
  outputs: { signals: 3 },
  seconds: 0.5,
  ticksPerSecond: 4_000_000,
  sinks: [{ name: 'parquet', rows: 3, bytes: 2048, seconds: 0.1 }],
  steps: [{ id: 'dedup', rowsIn: 2_000_000, rowsOut: 1_999_993, micros: 20_000, stateBytes: 64 }],
  out: '/x',
  resumed: {},
  readSeconds: 0.2,
  peakMemory: 250e6,
}

test('the summary of a replay', () => {
  const text = summaryTables(summary)
  expect(text).toContain('run r1 of volume-burst@1: 2,000,000 rows of 2 partitions in 0.50 s, 4,000,000 rows/s, 250.0 MB of memory\n')
  expect(text).toMatch(/│ dedup .* │ duplicate │ +7 │/)
  expect(text).not.toContain('conflict')
  expect(text).toMatch(/│ \(waiting for the lake\) │ +│ 2,000,000 │ 0\.200 +│ 100 +│/)
  expect(text).toMatch(/│ dedup +│ 2,000,000 │ 1,999,993 │ 0\.020 +│ 10 +│ 64 B +│/)
  expect(text.endsWith('Parquet in /x')).toBe(true)
})

test('a replay that went nowhere says so', () => {
  expect(summaryTables({ ...summary, out: undefined, sinks: [] })).toContain('Nothing was written')
})

test('the plan of a replay', () => {
  const text = planTables({
    topology: 't@1',
    parameters: { a: 1 },
    partitions: [
      { name: 'd1', rows: 1000 },
      { name: 'd2', rows: 1 },
    ],
  })
  expect(text).toContain('t@1 with {"a":1}')
  expect(text).toContain('2 partitions, 1,001 rows')
  expect(planTables({ topology: 't@1', parameters: {}, partitions: [{ name: 'd1' }] })).toMatch(/│ d1 +│ \? +│/)
})
