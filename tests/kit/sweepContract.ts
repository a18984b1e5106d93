import { expect } from 'vitest'
import { type MemoryRow, memoryDestination } from '../../connectors/memory/sink.ts'
import type { Schema } from '../../core/batch.ts'
import { Instruments } from '../../core/instruments.ts'
import type { Params } from '../../core/parameters.ts'
import type { Source } from '../../core/ports.ts'
import { HOUR } from '../../core/time.ts'
import type { Topology } from '../../core/topology.ts'
import { runPartition } from '../../runtime/runPartition.ts'
import { sweepPartition } from '../../runtime/sweepPartition.ts'
import { toRows } from './table.ts'

export type Rows = Readonly<Record<string, readonly MemoryRow[]>>
/** The same rows every time it is called, with the instruments given. */
export type OpenSource = (instruments: Instruments) => Source | Promise<Source>

/**
 * The law of sweeps: for any sets of parameters, what one sweep gives for each of them is what a run of its own gives,
 * output for output and row for row. A `sharedBy` whose `depends` lacks a parameter, or a stream that is not shared,
 * breaks it. `outputs`: those compared, all by default.
 */
export async function sweepContract(
  topology: Topology,
  sets: readonly Params[],
  open: OpenSource,
  outputs: readonly string[] = Object.keys(topology.outputs),
): Promise<void> {
  const swept = await sweepRows(topology, sets, open, outputs)
  for (const [k, params] of sets.entries()) {
    const alone = await replayRows(topology, params, open)
    for (const output of outputs) expect(swept[k][output], `${output} of ${JSON.stringify(params)}`).toEqual(alone[output])
  }
}

/** The rows of every output of each set, swept together. */
export async function sweepRows(
  topology: Topology,
  sets: readonly Params[],
  open: OpenSource,
  outputs: readonly string[] = Object.keys(topology.outputs),
): Promise<Rows[]> {
  const instruments = new Instruments()
  const source = await open(instruments)
  const rows = sets.map(() => Object.fromEntries(outputs.map((output) => [output, [] as MemoryRow[]])))
  for (const { name: partition } of await source.partitions()) {
    const signal = new AbortController().signal
    await sweepPartition({
      ...{ topology, sets, outputs, source, partition, instruments, signal },
      onRows: (set, output, batch) => rows[set][output].push(...(toRows(batch, topology.outputs[output] as Schema, instruments) as MemoryRow[])),
    })
  }
  await source.close()
  return rows
}

/** The rows of every output of a run of one set alone, through the pump. */
export async function replayRows(topology: Topology, params: Params, open: OpenSource): Promise<Rows> {
  const instruments = new Instruments()
  const source = await open(instruments)
  const destination = memoryDestination()
  const plugged = { topology, params, run: 'r', instruments, source, destinations: [destination], epochLength: HOUR, checkpoints: undefined }
  for (const { name } of await source.partitions()) await runPartition({ ...plugged, resume: false }, name, { signal: new AbortController().signal })
  await source.close()
  const rows: Record<string, readonly MemoryRow[]> = {}
  // Rows become objects where they are asked for.
  for (const output of Object.keys(topology.outputs)) Object.defineProperty(rows, output, { get: () => destination.rows(output), enumerable: true })
  return rows
}
