import { rmSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { closeEmbeddedEngine } from '../../connectors/clickhouse/engine.ts'
import { memorySource } from '../../connectors/memory/source.ts'
import { writeLakeDay } from '../../connectors/parquet/lakeWriter.ts'
import { parquetSource } from '../../connectors/parquet/source.ts'
import type { Batch } from '../../core/batch.ts'
import { Instruments } from '../../core/instruments.ts'
import { Tick, Trade } from '../../core/market.ts'
import { resolveParameters } from '../../core/parameters.ts'
import { SECOND } from '../../core/time.ts'
import type { Topology } from '../../core/topology.ts'
import { fromTicks } from '../../topologies/seconds/fromTicks.ts'
import secondsBurst from '../../topologies/seconds-burst/graph.ts'
import volumeBurst from '../../topologies/volume-burst/graph.ts'
import { filesOf } from '../connectors/parquet/cacheFixtures.ts'
import { folder } from '../connectors/parquet/fixtures.ts'
import { type Answer, answerOf, secondsOfLake } from '../kit/secondsReplay.ts'
import { at, type Row, toBatch } from '../kit/table.ts'

afterAll(closeEmbeddedEngine)

const onSeconds = secondsBurst as unknown as Topology
const onTicks = fromTicks(onSeconds)
const BELL = at('15:30:00')
const OUTPUTS = ['bursts', 'signals']
const settings = ['rollingBurst.window=2', 'rollingBurst.baseline=4', 'signal.multiplier=1', 'signal.floor=1']
const paramsOf = (lateness: number) => resolveParameters(onTicks, [`seconds.lateness=${lateness}`, ...settings])

/** Ticks around the bell of two days as they arrived: late by nothing, a little or a lot, doubled, of two segments, with falls of volume. */
const days = fc.array(
  fc
    .array(
      fc.record({
        wait: fc.constantFrom(0, 0, 0, 1, 400_000, 1_000_000, 3_000_000),
        late: fc.constantFrom(0, 0, 0, 0, 1, 600_000, 2_500_000),
        instrument: fc.constantFrom('NIFTY', 'NIFTY:2025-01-09:24000:CE', 'NIFTY:2025-01-09:24000:PE'),
        price: fc.constantFrom(1, 2, NaN),
        volume: fc.constantFrom(0, 7, 8, 15, 40, NaN),
      }),
      { minLength: 1, maxLength: 40 },
    )
    .map((ticks) => {
      let now = BELL - 20 * SECOND
      return ticks.map(({ wait, late, ...tick }): Row => ({ ...tick, ts: (now += wait) - late, oi: 1, bid: NaN, ask: NaN }))
    }),
  { minLength: 1, maxLength: 2 },
)
const dateOf = (i: number): string => `2025-01-0${6 + i}`
const shifted = (rows: readonly Row[], i: number): Row[] => rows.map((row) => ({ ...row, ts: (row['ts'] as number) + i * 86_400 * SECOND }))

/** What a live log brings: a day a partition, so that the days stay as a lake has them, in batches cut anywhere, heartbeats among them. */
function live(ticks: readonly Row[][], cuts: readonly number[], lateness: number): Promise<Answer> {
  const instruments = new Instruments()
  const batches = (rows: readonly Row[]): Batch<Trade>[] => {
    const points = [0, ...cuts.map((cut) => Math.min(cut, rows.length)).sort((a, b) => a - b), rows.length]
    return points
      .slice(1)
      .map((to, i) => toBatch(Trade, rows.slice(points[i], to), instruments, i % 2 === 0 ? -Infinity : highest(rows.slice(0, to))))
  }
  const source = memorySource(Trade, Object.fromEntries(ticks.map((rows, i) => [dateOf(i), batches(shifted(rows, i))])))
  return answerOf(onTicks, paramsOf(lateness), source, instruments, OUTPUTS)
}

function highest(rows: readonly Row[]): number {
  return rows.reduce((most, { ts }) => Math.max(most, ts as number), -Infinity)
}

async function lakeOf(ticks: readonly Row[][]): Promise<string> {
  const lake = folder()
  for (const [i, rows] of ticks.entries()) {
    const instruments = new Instruments()
    await writeLakeDay({ lake, date: dateOf(i), ticks: toBatch(Tick, shifted(rows, i), instruments), order: 'arrival', instruments })
  }
  return lake
}

async function replayed(lake: string, lateness: number, cache?: string): Promise<Answer> {
  const instruments = new Instruments()
  const params = paramsOf(lateness)
  return answerOf(onSeconds, params, await secondsOfLake(lake, params, instruments, cache), instruments, OUTPUTS)
}

/** volume-burst's own answer, and its steps' counts as seconds-burst's are named. */
async function volumeBursts(lake: string, lateness: number): Promise<Answer> {
  const topology = volumeBurst as unknown as Topology
  const instruments = new Instruments()
  const params = resolveParameters(topology, [`eventTime.lateness=${lateness}`, ...settings])
  const { rows, counts } = await answerOf(topology, params, parquetSource({ lake, columns: Trade, instruments }), instruments, OUTPUTS)
  const named = Object.entries(counts).map(([reason, n]) => [reason.startsWith('signal/') ? reason : `seconds.${reason}`, n])
  return { rows, counts: Object.fromEntries(named) }
}

describe('a topology that starts from seconds', () => {
  it('answers the same live, replayed without cache, filling it and from it, and the same as volume-burst on ticks', async () => {
    await fc.assert(
      fc.asyncProperty(days, fc.array(fc.nat(40), { maxLength: 6 }), fc.nat(2), async (ticks, cuts, lateness) => {
        const [lake, cache] = [await lakeOf(ticks), folder()]
        try {
          const expected = await live(ticks, cuts, lateness)
          expect(await replayed(lake, lateness)).toEqual(expected)
          expect(await replayed(lake, lateness, cache)).toEqual(expected)
          expect(filesOf(cache)).toHaveLength(ticks.length)
          expect(await replayed(lake, lateness, cache)).toEqual(expected)
          expect(await volumeBursts(lake, lateness)).toEqual(expected)
        } finally {
          for (const dir of [lake, cache]) rmSync(dir, { recursive: true })
        }
      }),
      { numRuns: 25 },
    )
  }, 120_000)
})
