import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { duckRows } from '../../connectors/parquet/duck.ts'
import { tickloom } from '../kit/commandLine.ts'
import { marketLake } from '../kit/marketLake.ts'

// docs/howto/write-a-strategy.md: its file is run as it stands there, outside the repository; live in tests/storm.

const folder = mkdtempSync(join(tmpdir(), 'tickloom-strategy-'))
const page = readFileSync(new URL('../../docs/howto/write-a-strategy.md', import.meta.url), 'utf8')
const [, source] = /```ts\n([\s\S]*?)```/.exec(page) as RegExpExecArray
const file = join(folder, 'straddle.ts')
writeFileSync(file, source)
let lake = ''
beforeAll(async () => {
  lake = await marketLake({ strikes: 4, rate: 1 })
})
afterAll(() => {
  for (const made of [folder, dirname(lake)]) rmSync(made, { recursive: true, force: true })
})

async function ran(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await tickloom(args, { cwd: folder })
  expect([code, stderr]).toEqual([0, ''])
  return stdout
}

test('it has 40 lines at most', () => expect(source.trim().split('\n').length).toBeLessThanOrEqual(40))

test('replayed, it sells a call and a put and buys them back, whether the lake is read whole or not', async () => {
  const of: unknown[] = []
  for (const more of ['--prune', '--no-prune']) {
    const out = `run${more}`
    await ran('replay', '--topology', './straddle.ts', '--lake', lake, '--out', out, '--json', ...(more === '--prune' ? [] : [more]))
    of.push(
      await duckRows(
        `SELECT * REPLACE (ts::VARCHAR AS ts, entered::VARCHAR AS entered, anchor::VARCHAR AS anchor) FROM '${folder}/${out}/trades/**/*.parquet' ORDER BY instrument`,
      ),
    )
  }
  expect(of[1]).toEqual(of[0])
  expect(of[0]).toMatchObject([
    { instrument: expect.stringMatching(/^NIFTY:2025-01-09:\d+:CE$/), direction: 'short', quantity: 75 },
    { instrument: expect.stringMatching(/^NIFTY:2025-01-09:\d+:PE$/), direction: 'short', quantity: 75 },
  ])
})

test('swept, every set of parameters has its trades', async () => {
  const said = await ran(
    'sweep',
    '--topology',
    './straddle.ts',
    '--lake',
    lake,
    '--param',
    'stop=0.1,0.3',
    '--param',
    'entry=09:20,09:30',
    '--workers',
    '1',
    '--json',
  )
  const { sets } = JSON.parse(said) as { sets: { totals: { trades: number } }[] }
  expect(sets.map(({ totals }) => totals.trades)).toEqual([2, 2, 2, 2])
})

test('it does not look ahead', async () => {
  await ran('lookahead', '--topology', './straddle.ts', '--lake', lake)
})
