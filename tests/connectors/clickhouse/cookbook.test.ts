import { readFileSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openClickHouse } from '../../../connectors/clickhouse/client.ts'
import { committerOf } from '../../../connectors/clickhouse/committer.ts'
import { runQuery } from '../../../connectors/clickhouse/query.ts'
import { scratchDirectory } from './bench.ts'

const directory = scratchDirectory()
const clickhouse = openClickHouse(directory)

// Seconds after 2025-01-06 09:15:00 IST.
const at = (s: number) => `fromUnixTimestamp64Micro(${1_736_135_100_000_000 + s * 1_000_000}, 'UTC')`
const spot = 'NIFTY'
const call = 'NIFTY:2025-01-09:24000:CE'
const put = 'NIFTY:2025-01-09:24050:PE'

// run, second, instrument, close, vol, observed
const seconds: [string, number, string, number, number, number][] = [
  ['A', 0, spot, 24_000, 0, 1],
  ['A', 1, spot, 24_010, 0, 1],
  ['A', 0, call, 100, 10, 1],
  ['A', 1, call, 104, 20, 1],
  ['A', 2, call, 98, 0, 1],
  ['A', 3, call, 98, 0, 0],
  ['A', 61, call, 110, 30, 1],
  ['A', 301, call, 121, 0, 1],
  ['A', 0, put, 80, 40, 1],
  ['B', 0, spot, 24_000, 0, 1],
  ['B', 1, spot, 24_011, 0, 1],
  ['B', 9, spot, 24_012, 0, 1],
]

beforeAll(async () => {
  await committerOf(clickhouse).prepare({})
  const insert = (table: string, columns: string, rows: string[]) =>
    runQuery(clickhouse, `INSERT INTO ${table} (${columns}) SELECT * FROM (${rows.map((r) => `SELECT ${r}`).join(' UNION ALL ')})`)
  await insert(
    'seconds',
    'run_id, ts, instrument, close, vol, observed',
    seconds.map(([run, s, i, close, vol, seen]) => `'${run}', ${at(s)}, '${i}', ${close}, ${vol}, ${seen}`),
  )
  await insert('bursts', 'run_id, ts, instrument, close, burst, baseline', [
    `'A', ${at(1)}, '${call}', 104, 40, 10`,
    `'A', ${at(0)}, '${put}', 80, 40, 20`,
    `'A', ${at(2)}, '${put}', 80, 10, 20`,
    `'A', ${at(3)}, '${put}', 80, 10, nan`,
  ])
  await insert('signals', 'run_id, ts, instrument, close, burst, baseline, ratio', [`'A', ${at(1)}, '${call}', 100, 40, 10, 4`])
  await insert('ticks', 'run_id, ts, instrument, price, volume, oi', [
    `'A', ${at(0)}, '${call}', 100, 10, 500`,
    `'A', ${at(1)}, '${call}', 104, 20, 800`,
    `'A', ${at(0)}, '${put}', 80, 40, 400`,
  ])
  await insert('epochs', 'run_id, topology, `partition`, epoch, rows', [
    `'A', 't', 'p', 1, map('seconds', toUInt64(5))`,
    `'A', 't', 'p', 2, map('seconds', toUInt64(4))`,
    `'A', 't', 'p', 2, map('seconds', toUInt64(4))`,
    `'B', 't', 'p', 1, map('seconds', toUInt64(2))`,
  ])
  await insert('runs', 'run_id, topology, status, started', [`'A', 't', 'done', now64(3)`, `'B', 't', 'running', now64(3)`])
})
afterAll(async () => {
  await clickhouse.close()
  rmSync(directory, { recursive: true, force: true })
})

const page = readFileSync(new URL('../../../docs/sql-cookbook.md', import.meta.url), 'utf8')
const blocks = new Map([...page.matchAll(/^## (.*)\n(.*\?)\n```sql\n([\s\S]*?)```\nReading it: .+/gm)].map(([, title, , sql]) => [title, sql]))

const m = (minute: number) => `2025-01-06 03:${45 + minute}:00`
const s = (second: number) => `2025-01-06 03:45:0${second}.000000`
const answers: Record<string, unknown[][]> = {
  'One-minute bars': [
    [spot, m(0), 24_000, 24_010, 24_000, 24_010, 0],
    [spot, m(0), 24_000, 24_012, 24_000, 24_012, 0],
    [call, m(0), 100, 104, 98, 98, 30],
    [call, m(1), 110, 110, 110, 110, 30],
    [call, m(5), 121, 121, 121, 121, 0],
    [put, m(0), 80, 80, 80, 80, 40],
  ],
  'Bursts by hour and distance from the money': [
    [9, -0, '1', 4],
    [9, 1, '1', 2],
  ],
  'Signals with the spot': [[s(1), call, 100, 24_010, -10, 4]],
  'Most traded contracts': [
    [call, 60, '3', '6', 60],
    [put, 40, '1', '1', 40],
  ],
  'Two runs, row by row': [
    [call, s(0), 100, null, 'only in A'],
    [put, s(0), 80, null, 'only in A'],
    [spot, s(1), 24_010, 24_011, 'differs'],
    [call, s(1), 104, null, 'only in A'],
    [call, s(2), 98, null, 'only in A'],
    [call, s(3), 98, null, 'only in A'],
    [spot, s(9), null, 24_012, 'only in B'],
    [call, '2025-01-06 03:46:01.000000', 110, null, 'only in A'],
    [call, '2025-01-06 03:50:01.000000', 121, null, 'only in A'],
  ],
  'Quiet contracts and gaps': [[call, '2025-01-06 03:46:01.000000', '2025-01-06 03:50:01.000000', '240']],
  'Put-call ratio': [[spot, m(0), 0.5, 2]],
  'Runs and their epochs': [
    ['A', 't', 'done', '1', '2', '9', '9', 1],
    ['B', 't', 'running', '1', '1', '2', '3', 0],
  ],
  'After a signal': [
    [1, '1', 10, '1'],
    [5, '1', 21, '1'],
  ],
  'Heat map of volume': [
    [24_000, 'CE', { 9: 60 }, 60],
    [24_050, 'PE', { 9: 40 }, 40],
  ],
}

it('has ten questions, each with its answer here', () => {
  expect([...blocks.keys()]).toEqual(Object.keys(answers))
  expect(page.match(/```sql/g)).toHaveLength(10)
})

for (const [title, sql] of blocks) {
  it(title, async () => {
    let last: unknown[][] = []
    for (const statement of sql.split(/;\s*\n/)) last = [...(await runQuery(clickhouse, statement)).rows] as unknown[][]
    const numbers = (rows: unknown[][]) => rows.map((row) => row.map((v) => (v === 0 ? 0 : v)))
    const order = (rows: unknown[][]) =>
      title === 'One-minute bars'
        ? numbers(rows)
            .map((r) => JSON.stringify(r))
            .sort()
        : numbers(rows)
    expect(order(last)).toEqual(order(answers[title]))
  })
}
