import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { planOf } from '../../cli/replayPorts.ts'
import { replayOptionsOf, type SweepSpec } from '../../cli/sweepSpec.ts'
import { parquetSource } from '../../connectors/parquet/source.ts'
import { resolveParameters } from '../../core/parameters.ts'
import type { Topology } from '../../core/topology.ts'
import { Flow } from '../../runtime/flow.ts'
import { wireSweep } from '../../runtime/sweepWiring.ts'
import atmVolumeBurst from '../../topologies/atm-volume-burst/graph.ts'
import { marketLake } from '../kit/marketLake.ts'
import { replayRows, sweepContract, sweepRows } from '../kit/sweepContract.ts'

const atm = atmVolumeBurst as unknown as Topology
let lake: string
beforeAll(async () => {
  lake = await marketLake({ days: 1, strikes: 4, rate: 0.3 })
}, 60_000)
afterAll(() => rmSync(dirname(lake), { recursive: true, force: true }))

const open = (instruments: Parameters<typeof parquetSource>[0]['instruments']) => parquetSource({ lake, columns: atm.inputs['ticks'], instruments })

/** What comes of the seconds that were watched; those are millions of rows. */
const traded = ['signals', 'orders', 'fills', 'trades', 'equity', 'late']

const settings = fc
  .record({
    'rollingBurst.multiplier': fc.constantFrom(1.1, 1.3),
    'rollingBurst.window': fc.constantFrom(20, 30),
    'rollingBurst.floor': fc.constantFrom(0, 10),
    'anchors.every': fc.constantFrom(30, 60),
    width: fc.constantFrom(0, 1),
    types: fc.constantFrom('both', 'CE'),
    direction: fc.constantFrom('sell', 'buy'),
    'trend.filter': fc.constantFrom('with', 'off'),
    stop: fc.constantFrom(0, 0.05, 0.15),
    target: fc.constantFrom(0.05, 0.15),
    trail: fc.constantFrom(0, 0.1),
    maxAge: fc.constantFrom(5, 60),
  })
  .map((given) =>
    resolveParameters(
      atm,
      Object.entries(given).map(([path, value]) => `${path}=${value}`),
    ),
  )

describe('a sweep of atm-volume-burst', () => {
  it('gives for every set the signals, orders, fills, trades and equity of a run of its own', async () => {
    let trades = 0
    await fc.assert(
      fc.asyncProperty(fc.array(settings, { minLength: 3, maxLength: 3 }), async (sets) => {
        await sweepContract(atm, sets, open, traded)
        trades += (await replayRows(atm, sets[0], open))['trades'].length
      }),
      { numRuns: 3 },
    )
    expect(trades).toBeGreaterThan(0)
  }, 60_000)

  it('gives the same trades when only the contracts are read that any of the sets asks for', async () => {
    const sets = ['width=0', 'width=1'].map((set) =>
      resolveParameters(atm, [set, 'rollingBurst.floor=0', 'rollingBurst.multiplier=1.1', 'maxAge=60']),
    )
    const spec: SweepSpec = { topology: 'atm-volume-burst', lake, grid: [], prune: true }
    const plan = await planOf(replayOptionsOf(spec), atm, sets[0], sets)
    const pruned = await sweepRows(atm, sets, (instruments) => parquetSource({ lake, columns: atm.inputs['ticks'], instruments, plan }), traded)
    const whole = await sweepRows(atm, sets, open, traded)
    expect(pruned.map(({ trades }) => trades)).toEqual(whole.map(({ trades }) => trades))
    expect(whole[1]['trades'].length).toBeGreaterThan(0)
  }, 60_000)

  it('has one spot grid, one set of picks and one of prices for all stops and targets', () => {
    const sets = [0.1, 0.2, 0.3].map((stop) => resolveParameters(atm, [`stop=${stop}`]))
    expect(wireSweep(new Flow(), atm, sets).shared.map(({ name, sets }) => `${name} ${sets}`)).toEqual([
      'seconds 3',
      'picks 3',
      'bursts 3',
      'edges 3',
      'watched 3',
    ])
  })
})
