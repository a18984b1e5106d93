import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadTopology } from '../../cli/loadTopology.ts'
import { duckRows } from '../../connectors/parquet/duck.ts'
import type { Batch } from '../../core/batch.ts'
import { resolveParameters } from '../../core/parameters.ts'
import { attach, DAY, IST } from '../../core/time.ts'
import type { Topology } from '../../core/topology.ts'
import { Flow } from '../../runtime/flow.ts'
import { tickloom } from '../kit/commandLine.ts'
import { marketLake } from '../kit/marketLake.ts'

// docs/howto/add-a-topology.md: its file is run as it stands there, outside the repository.

const folder = mkdtempSync(join(tmpdir(), 'tickloom-howto-'))
afterAll(() => rmSync(folder, { recursive: true }))
const page = readFileSync(new URL('../../docs/howto/add-a-topology.md', import.meta.url), 'utf8')
const file = join(folder, 'new-high.ts')
const [whole, onSeconds] = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map((m) => m[1])
writeFileSync(file, whole)
writeFileSync(join(folder, 'on-seconds.ts'), whole.slice(0, whole.indexOf('export default')) + onSeconds)

function highsOf(t: Topology, settings: string[], prices: readonly number[]): number[][] {
  const flow = new Flow()
  const { inputs, outputs } = flow.wire(t, resolveParameters(t, settings))
  const rows: number[][] = []
  outputs['highs'].subscribe((b) => {
    for (let i = 0; i < b.n; i++) rows.push([b.col['close'][i], b.col['before'][i]])
  })
  const open = attach('2025-01-06 09:15', IST)
  const instrument = flow.instruments.id('NIFTY:2025-01-09:24000:CE')
  const ts = Float64Array.from(prices, (_, i) => open + i * 1e6)
  const batch = {
    n: prices.length,
    watermark: open + DAY,
    col: {
      ts,
      instrument: new Int32Array(prices.length).fill(instrument),
      price: Float64Array.from(prices),
      volume: new Float64Array(prices.length),
    },
  }
  inputs['ticks'].next(batch as unknown as Batch<(typeof t)['inputs'][string]>)
  return rows
}

test('the worked strategy finds new highs', async () => {
  const t = await loadTopology(file)
  expect(highsOf(t, [], [100, 99, 101, 101, 104])).toEqual([
    [101, 100],
    [104, 101],
  ])
  expect(highsOf(t, ['margin=3'], [100, 99, 101, 101, 104])).toEqual([[104, 100]])
})

test('the command line draws it', async () => {
  const { code, stdout, stderr } = await tickloom(['graph', '--topology', './new-high.ts', '--json'], { cwd: folder })
  expect([code, stderr]).toEqual([0, ''])
  expect(JSON.parse(stdout)).toMatchObject({ topology: 'new-high', parameters: [{ path: 'margin', unit: 'points', byDefault: 0 }] })
})

test('the strategy on seconds finds the same, making its seconds and from the cache', async () => {
  const lake = await marketLake({ strikes: 1, rate: 0.05 })
  const highs: unknown[] = []
  for (const [strategy, out] of [
    ['new-high.ts', 'ticks'],
    ['on-seconds.ts', 'made'],
    ['on-seconds.ts', 'cached'],
  ]) {
    const args = ['replay', '--topology', `./${strategy}`, '--lake', lake, '--out', out, '--outputs', 'highs', '--json', '--cache', 'cache']
    const { code, stderr } = await tickloom(args, { cwd: folder })
    expect([code, stderr]).toEqual([0, ''])
    highs.push(await duckRows(`SELECT * EXCLUDE (ts), ts::VARCHAR AS ts FROM '${join(folder, out)}/highs/**/*.parquet'`))
  }
  rmSync(dirname(lake), { recursive: true })
  expect(highs[0]).not.toEqual([])
  expect(highs[1]).toEqual(highs[0])
  expect(highs[2]).toEqual(highs[0])
}, 30_000)
