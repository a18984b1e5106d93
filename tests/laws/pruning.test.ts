import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ReplayOptions } from '../../cli/replayOptions.ts'
import { replay } from '../../cli/replayRun.ts'
import { duckRows } from '../../connectors/parquet/duck.ts'
import { HOUR } from '../../core/time.ts'
import { runHere } from '../kit/inProcess.ts'
import { type Layouts, layoutsOf } from '../kit/layouts.ts'

const outputs = ['signals', 'orders', 'fills', 'trades', 'equity']
const burst = ['rollingBurst.window=10', 'rollingBurst.baseline=60', 'rollingBurst.floor=150']
/** Three markets with parameters of their own each, so that different contracts are picked. */
const markets = [
  { seed: 11, params: ['anchors.first=09:30', 'anchors.every=10', 'trend.filter=off', 'hold=300'] },
  { seed: 12, params: ['anchors.first=09:20', 'anchors.every=20', 'width=2', 'direction=buy', 'types=CE'] },
  { seed: 13, params: ['anchors.first=09:17', 'anchors.every=3', 'width=0', 'trend.filter=against', 'perAnchor=2', 'spotAge=0'] },
]

let runs = 0
async function run({ folder }: Layouts, lake: string, params: readonly string[], more: Partial<ReplayOptions>) {
  const out = join(folder, `run-${runs++}`)
  const common = { topology: 'atm-volume-burst', workers: 1, resume: false, epoch: HOUR, outputs }
  const { rowsIn } = await replay({ ...common, lake, out, params: [...burst, ...params], ...more })
  const rows: Record<string, unknown> = {}
  for (const output of outputs)
    rows[output] = await duckRows(`SELECT * REPLACE (ts::VARCHAR AS ts) FROM read_parquet('${out}/${output}/**/*.parquet')`)
  return { rowsIn, rows }
}

describe.each(markets)('market $seed', ({ seed, params }) => {
  let lakes: Layouts
  beforeAll(async () => {
    lakes = await layoutsOf({ seed, from: '2025-01-08', strikes: 10, rate: 0.3, close: '10:20', volatility: 0.6 })
  })
  afterAll(() => rmSync(lakes.folder, { recursive: true, force: true }))

  test('gives the same trades pruned and whole, in every layout, from the cache and without it', async () => {
    const whole = await run(lakes, lakes.own, params, { prune: false })
    expect((whole.rows['trades'] as unknown[]).length).toBeGreaterThan(1)
    for (const layout of ['own', 'contracts', 'merged'] as const) {
      const pruned = await run(lakes, lakes[layout], params, { prune: true })
      expect(pruned.rows, layout).toEqual(whole.rows)
      expect(pruned.rowsIn, layout).toBeLessThan(whole.rowsIn)
    }
    const cache = { dir: join(lakes.folder, 'cache'), bytes: 1e9 }
    const kept = [
      await run(lakes, lakes.own, params, { prune: true, cache }),
      await run(lakes, lakes.own, params, { prune: false, cache }),
      await run(lakes, lakes.own, params, { prune: true, cache }),
    ]
    expect(kept.map(({ rows }) => rows)).toEqual([whole.rows, whole.rows, whole.rows])
    expect(kept[0].rowsIn).toBe(kept[2].rowsIn)
    expect(kept[1].rowsIn).toBe(whole.rowsIn)
  }, 60_000)

  test('is read whole where what is late depends on all rows', async () => {
    const [pruned, whole] = [await run(lakes, lakes.arrived, params, { prune: true }), await run(lakes, lakes.arrived, params, { prune: false })]
    expect(pruned).toEqual(whole)
  }, 60_000)
})

describe('what is said of it', () => {
  let lakes: Layouts
  beforeAll(async () => {
    lakes = await layoutsOf({ seed: 14, from: '2025-01-08', strikes: 10, rate: 0.05, close: '09:45' })
  })
  afterAll(() => rmSync(lakes.folder, { recursive: true, force: true }))
  const explained = async (lake: string, ...more: string[]): Promise<string> => {
    const args = ['replay', '--topology', 'atm-volume-burst', '--lake', lake, '--param', 'anchors.first=09:30', '--param', 'anchors.last=09:30']
    return (await runHere([...args, '--dry-run', '--explain', ...more])).stdout
  }

  test('files of contracts that were not picked are not opened', async () => {
    const said = await explained(lakes.contracts)
    expect(said).toMatch(/files +7 read; left out: 14 by pick/)
    expect(said).toMatch(/contracts +6 picked on 1 days by the topology, from their spots; 0 days read whole/)
  })

  test('rows of contracts that were not picked are passed over in the files', async () => {
    expect(await explained(lakes.own)).toMatch(/rows +[\d,]+ read; 0 left out unread, [\d,]+ by conditions on rows/)
    expect(await explained(lakes.merged)).toMatch(/conditions on rows in 1 files/)
  })

  test('--no-prune reads everything', async () => {
    expect(await explained(lakes.contracts, '--no-prune')).toMatch(/files +21 read; left out: none/)
  })

  test('a run is not resumed with the other choice: its position counts the rows that were read', async () => {
    const args = [
      'replay',
      '--topology',
      'atm-volume-burst',
      '--lake',
      lakes.own,
      '--out',
      join(lakes.folder, 'resumed'),
      '--outputs',
      'trades',
      '--quiet',
    ]
    expect(await runHere(args)).toMatchObject({ code: 0 })
    expect((await runHere([...args, '--resume', '--no-prune'])).stderr).toMatch(/pruned was true and is false[\s\S]*RUN_MISMATCH/)
  })
})
