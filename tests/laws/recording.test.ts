import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { closeEmbeddedEngine } from '../../connectors/clickhouse/engine.ts'
import { type MemoryRow, memoryDestination } from '../../connectors/memory/sink.ts'
import { memorySource } from '../../connectors/memory/source.ts'
import { parquetSource } from '../../connectors/parquet/source.ts'
import type { Batch } from '../../core/batch.ts'
import { Instruments } from '../../core/instruments.ts'
import { Quote, Trade } from '../../core/market.ts'
import { resolveParameters } from '../../core/parameters.ts'
import type { Source } from '../../core/ports.ts'
import { DAY, SECOND } from '../../core/time.ts'
import type { Topology } from '../../core/topology.ts'
import { runPartition } from '../../runtime/runPartition.ts'
import volumeBurst from '../../topologies/volume-burst/graph.ts'
import { OUTPUTS } from '../kit/outputs.ts'
import { recordedLake } from '../kit/recordedLake.ts'
import { at, type Row, toBatch } from '../kit/table.ts'

afterAll(closeEmbeddedEngine)

const topology = volumeBurst as unknown as Topology
const BELL = at('15:30:00')

/** Every output of volume-burst, partition after partition. */
async function answer(source: Source, instruments: Instruments, lateness: number): Promise<Record<string, readonly MemoryRow[]>> {
  const destination = memoryDestination()
  const settings = [`eventTime.lateness=${lateness}`, 'rollingBurst.window=2', 'rollingBurst.baseline=4', 'signal.multiplier=1', 'signal.floor=1']
  const plugged = {
    topology,
    params: resolveParameters(topology, settings),
    run: 'r',
    instruments,
    source,
    destinations: [destination],
    epochLength: 7 * SECOND,
    checkpoints: undefined,
    resume: false,
  }
  for (const { name } of await source.partitions()) await runPartition(plugged, name, { signal: new AbortController().signal })
  return Object.fromEntries(OUTPUTS.map((output) => [output, destination.rows(output)]))
}

/**
 * What a log brings in two days, a tick or a heartbeat at a time: in the last seconds before a bell and the first ones
 * of the next morning, late by nothing, a little, or since yesterday, doubled, with heartbeats ahead, behind and none.
 */
const log = fc
  .array(
    fc.record({
      wait: fc.constantFrom(0, 0, 1, 400_000, 1_000_000, 3_000_000),
      late: fc.constantFrom(0, 0, 0, 1, 600_000, 2_500_000, DAY),
      kind: fc.constantFrom('tick', 'tick', 'tick', 'double', 'heartbeat'),
      instrument: fc.constantFrom('NIFTY', 'NIFTY:2025-01-09:24000:CE'),
      price: fc.constantFrom(1, 2.5, NaN),
      volume: fc.nat(40),
      cut: fc.boolean(),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .chain((events) => fc.nat(events.length).map((night) => ({ events, night })))
  .map(({ events, night }) => {
    let now = BELL - 10 * SECOND
    const batches: { rows: Row[]; watermark: number }[] = [{ rows: [], watermark: -Infinity }]
    let before: Row | undefined
    events.forEach(({ wait, late, kind, cut, ...tick }, i) => {
      now = i === night ? at('2025-01-07 09:15:00') + wait : now + wait
      const batch = batches[batches.length - 1]
      if (kind === 'heartbeat') batch.watermark = now - late
      else
        batch.rows.push(
          (before =
            kind === 'double' && before !== undefined ? before : { ...tick, ts: now - late, oi: 7, bid: NaN, ask: 2, received: NaN, lastTrade: now }),
        )
      if (cut || kind === 'heartbeat') batches.push({ rows: [], watermark: -Infinity })
    })
    return batches
  })

describe('a recording', () => {
  it('replays into the same seconds, bursts, signals and late rows as the log itself, wherever the recorder was killed', async () => {
    await fc.assert(
      fc.asyncProperty(log, fc.nat(3), fc.nat(20), fc.constantFrom(2, 3600), async (batches, lateness, dieAfter, epoch) => {
        const instruments = new Instruments()
        const of = <S extends typeof Quote | typeof Trade>(schema: S): Batch<S>[] =>
          batches.map(({ rows, watermark }) => toBatch(schema, rows, instruments, watermark))
        const lake = await recordedLake({ '0': of(Quote) }, { instruments, dieAfter, epoch: epoch * SECOND })
        try {
          const live = await answer(memorySource(Trade, { '0': of(Trade) }), instruments, lateness)
          expect(await answer(parquetSource({ lake, columns: Trade, instruments }), instruments, lateness)).toEqual(live)
        } finally {
          rmSync(dirname(lake), { recursive: true })
        }
      }),
      { numRuns: 25 },
    )
  }, 300_000)
})
