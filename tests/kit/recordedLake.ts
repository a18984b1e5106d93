import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memorySource } from '../../connectors/memory/source.ts'
import { recordingDestination } from '../../connectors/parquet/recordingSink.ts'
import type { Batch } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import { Quote } from '../../core/market.ts'
import type { Source } from '../../core/ports.ts'
import { MINUTE } from '../../core/time.ts'
import type { Topology } from '../../core/topology.ts'
import { runPartition } from '../../runtime/runPartition.ts'
import record from '../../topologies/record/graph.ts'

/** What a log brings, partition by partition: rows, and watermarks between them. */
export type Log = Readonly<Record<string, readonly Batch<Quote>[]>>

export interface RecordOptions {
  readonly instruments: Instruments
  readonly lake?: string
  /** Epoch length, microseconds. */
  readonly epoch?: number
  /** The process dies after so many batches of a partition, then a new one goes on. */
  readonly dieAfter?: number
}

/** Records a log through the topology `record` into a lake, as a live run does. Answers the lake. */
export async function recordedLake(log: Log, { instruments, lake = temporaryLake(), epoch = 10 * MINUTE, dieAfter }: RecordOptions): Promise<string> {
  const source = memorySource(Quote, log)
  const checkpoints = join(lake, 'checkpoints')
  for (const partition of Object.keys(log)) {
    const plugged = {
      topology: record as unknown as Topology,
      params: {},
      run: 'recording',
      instruments,
      destinations: [recordingDestination({ lake })],
      epochLength: epoch,
      checkpoints,
      resume: true,
    }
    const watch = { signal: new AbortController().signal }
    if (dieAfter !== undefined)
      await runPartition({ ...plugged, source: dying(source, dieAfter) }, partition, watch).catch((thrown: unknown) => {
        if (!String(thrown).includes('killed')) throw thrown
      })
    await runPartition({ ...plugged, source }, partition, watch)
  }
  return lake
}

export function temporaryLake(): string {
  return join(mkdtempSync(join(tmpdir(), 'recorded-')), 'lake')
}

function dying(source: Source, after: number): Source {
  return {
    ...source,
    async *open(partition, from, signal) {
      let left = after
      for await (const delivery of source.open(partition, from, signal)) {
        if (left-- === 0) throw new Error('killed')
        yield delivery
      }
    },
  }
}
