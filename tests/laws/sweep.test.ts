import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { memorySource } from '../../connectors/memory/source.ts'
import type { Instruments } from '../../core/instruments.ts'
import { Trade } from '../../core/market.ts'
import { resolveParameters } from '../../core/parameters.ts'
import { type At, sharedBy } from '../../core/step.ts'
import { type Topology, topology } from '../../core/topology.ts'
import { volDelta } from '../../operators/volDelta.ts'
import { Flow } from '../../runtime/flow.ts'
import { wireSweep } from '../../runtime/sweepWiring.ts'
import volumeBurst from '../../topologies/volume-burst/graph.ts'
import { sweepContract, sweepRows } from '../kit/sweepContract.ts'
import { at, type Row, toBatch } from '../kit/table.ts'

const burst = volumeBurst as unknown as Topology

/** Ticks in time order after the open; many of one time, some out of place by up to two seconds. */
const market = fc
  .array(
    fc.record({
      wait: fc.constantFrom(0, 0, 1, 400_000, 1_000_000, 3_000_000),
      late: fc.constantFrom(0, 0, 0, 2_000_000),
      instrument: fc.constantFrom('NIFTY', 'NIFTY:2025-01-09:24000:CE', 'NIFTY:2025-01-09:24000:PE'),
      price: fc.integer({ min: 1, max: 3 }),
      volume: fc.integer({ min: 0, max: 40 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((ticks) => {
    let ts = at('09:15:00')
    return ticks.map(({ wait, late, ...tick }): Row => ({ ts: (ts += wait) - late, ...tick }))
  })

const settings = fc
  .record({
    'eventTime.lateness': fc.constantFrom(0, 2),
    'rollingBurst.window': fc.constantFrom(1, 2),
    'rollingBurst.baseline': fc.constantFrom(2, 5),
    'signal.multiplier': fc.constantFrom(0.5, 1, 1.5),
    'signal.floor': fc.constantFrom(0, 5),
    'signal.cooldown': fc.constantFrom(0, 3),
  })
  .map((given) => Object.entries(given).map(([path, value]) => `${path}=${value}`))

const source = (rows: readonly Row[]) => (instruments: Instruments) =>
  memorySource(Trade, { day: [toBatch(Trade, rows, instruments)] }, at('09:20:00'))

describe('a sweep of volume-burst', () => {
  it('gives for every set the rows of a run of its own', async () => {
    await fc.assert(
      fc.asyncProperty(market, fc.array(settings, { minLength: 1, maxLength: 6 }), async (rows, sets) => {
        await sweepContract(
          burst,
          sets.map((set) => resolveParameters(burst, set)),
          source(rows),
        )
      }),
      { numRuns: 60 },
    )
  })

  it('cleans the day once, and rolls bursts once for all multipliers', () => {
    const sets = ['signal.multiplier=1', 'signal.multiplier=2', 'rollingBurst.window=60'].map((set) => resolveParameters(burst, [set]))
    const flow = new Flow()
    expect(wireSweep(flow, burst, sets).shared).toEqual([
      { name: 'seconds', sets: 3 },
      { name: 'bursts', sets: 2 },
      { name: 'bursts', sets: 1 },
    ])
    expect([...flow.meters.keys()].filter((id) => id.includes('signal'))).toEqual(['0:signal', '1:signal', '2:signal'])
  })
})

/** Passes on the ticks of more than `least` volume, in a part that is shared by `depends`. */
function leastVolume(depends: (least: number) => unknown): Topology {
  return topology({
    name: 'least-volume',
    version: 1,
    memory: 'day',
    params: z.object({ least: z.number().default(0) }),
    inputs: { ticks: Trade },
    outputs: { large: Trade },
    wire({ ticks }, at: At, p) {
      const large = sharedBy(at, 'large', depends(p.least), (at) =>
        ticks.pipe(
          at('large').map((batch) => {
            let n = 0
            while (n < batch.n && (batch.col['volume'] as Float64Array)[n] > p.least) n++
            return { ...batch, n }
          }),
        ),
      )
      return { large: large as never }
    },
  }) as unknown as Topology
}

describe('the law of sweeps', () => {
  const ticks = source([{ ts: at('09:15:00'), instrument: 'NIFTY', price: 1, volume: 5 }])
  const sets = [{ least: 0 }, { least: 9 }]

  it('holds of a part that names the parameter it uses', async () => {
    await sweepContract(
      leastVolume((least) => least),
      sets,
      ticks,
    )
  })

  it('is broken by one that does not: the second set gets what the first asked for', async () => {
    await expect(
      sweepContract(
        leastVolume(() => null),
        sets,
        ticks,
      ),
    ).rejects.toThrow('"least":9')
    expect(
      (
        await sweepRows(
          leastVolume(() => null),
          sets,
          ticks,
        )
      ).map(({ large }) => large.length),
    ).toEqual([1, 1])
  })
})

describe('wireSweep', () => {
  const of = (wire: Topology['wire']): Topology => ({ ...leastVolume(() => null), wire })

  it('refuses two shared parts of one name and one depends in a set', () => {
    const twice = of(({ ticks }, at) => {
      for (const id of ['a', 'b']) sharedBy(at, 'part', 1, (at) => ticks.pipe(volDelta(at(id), { zone: { name: 'UTC', offset: 0 } }) as never))
      return { large: ticks }
    })
    expect(() => wireSweep(new Flow(), twice, [{}])).toThrow(/two shared parts are called "part"/)
  })

  it('shares a part within another for that other one only', () => {
    const nested = of(({ ticks }, at, p) => {
      sharedBy(at, 'outer', p['outer'], (at) => sharedBy(at, 'inner', null, (at) => at('step').map((b) => b)(ticks)))
      return { large: ticks }
    })
    const { shared } = wireSweep(new Flow(), nested, [{ outer: 1 }, { outer: 2 }, { outer: 2 }])
    expect(shared.map(({ name, sets }) => `${name} ${sets}`)).toEqual(['inner 1', 'outer 1', 'inner 1', 'outer 2'])
  })
})
