import { describe, expect, it } from 'vitest'
import { memoryDestination } from '../../connectors/memory/sink.ts'
import { generateDay, type Tallies } from '../../connectors/synthetic/market.ts'
import { parseSyntheticOptions, syntheticDays, syntheticSource } from '../../connectors/synthetic/source.ts'
import { Instruments } from '../../core/instruments.ts'
import { resolveParameters } from '../../core/parameters.ts'
import { HOUR } from '../../core/time.ts'
import type { Topology } from '../../core/topology.ts'
import { runPartition } from '../../runtime/runPartition.ts'
import type { PartitionSummary } from '../../runtime/summaries.ts'
import volumeBurst from '../../topologies/volume-burst/graph.ts'

const market = { seed: 11, days: 1, from: '2025-01-06', strikes: 6, rate: 0.5 }
const topology = volumeBurst as unknown as Topology

async function run(lateness: number): Promise<{ summary: PartitionSummary; lateRows: number; planned: Tallies }> {
  const options = parseSyntheticOptions(market)
  const [day] = syntheticDays(options)
  const planned = generateDay(options, day, new Instruments()).tallies
  const instruments = new Instruments()
  const destination = memoryDestination()
  const source = syntheticSource({ ...market, instruments })
  const params = resolveParameters(topology, [`eventTime.lateness=${lateness}`])
  const plugged = {
    topology,
    params,
    run: 'r',
    instruments,
    source,
    destinations: [destination],
    epochLength: HOUR,
    checkpoints: undefined,
    resume: false,
  }
  const summary = await runPartition(plugged, '2025-01-06', { signal: new AbortController().signal })
  return { summary, lateRows: destination.rows('late').length, planned }
}

const kept = (s: PartitionSummary) => s.steps.find((step) => step.id === 'volDelta')?.rowsIn ?? 0

describe('no row unaccounted for', () => {
  it('every tick of a market with planted faults is kept, or counted by the reason it was planted with', async () => {
    const { summary, lateRows, planned } = await run(0)
    expect(summary.counts).toMatchObject({
      'eventTime/late': planned.late,
      'eventTime/bad_time': 0,
      'dedup/duplicate': planned.duplicates,
      'dedup/conflict': planned.conflicts,
    })
    expect(lateRows).toBe(planned.late)
    expect(summary.rowsIn).toBe(planned.rows)
    expect(planned.late * planned.offSession * planned.duplicates * planned.conflicts, 'each fault was planted').toBeGreaterThan(0)
    expect(kept(summary) + summary.counts['eventTime/late'] + summary.counts['sessionFilter/off_session'] + summary.counts['dedup/duplicate']).toBe(
      planned.rows,
    )
  })

  it('with lateness enough, no tick is late and the same doubles are found', async () => {
    const { summary, lateRows, planned } = await run(60)
    expect(summary.counts).toMatchObject({
      'eventTime/late': 0,
      'sessionFilter/off_session': planned.offSession,
      'dedup/duplicate': planned.duplicates,
      'dedup/conflict': planned.conflicts,
    })
    expect(lateRows).toBe(0)
    expect(kept(summary)).toBe(planned.rows - planned.offSession - planned.duplicates)
  })
})
