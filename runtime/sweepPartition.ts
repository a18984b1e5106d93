import { type Batch, type Schema, sliceRows } from '../core/batch.ts'
import type { Instruments } from '../core/instruments.ts'
import type { Params } from '../core/parameters.ts'
import type { Source } from '../core/ports.ts'
import type { Topology } from '../core/topology.ts'
import { Flow } from './flow.ts'
import { PIECE } from './pump.ts'
import { wireSweep } from './sweepWiring.ts'

export interface SweepTask {
  readonly topology: Topology
  readonly sets: readonly Params[]
  /** Outputs that are listened to; what only others need is not computed. */
  readonly outputs: readonly string[]
  readonly source: Source
  readonly partition: string
  readonly instruments: Instruments
  readonly signal: AbortSignal
  /** Rows of an output of a set, by its place among the sets; valid until it returns. */
  onRows(set: number, output: string, batch: Batch<Schema>): void
  onProgress?(rowsIn: number): void
}

/**
 * Runs one partition once for all sets of parameters: the source is read once, and what the sets share is computed once.
 * Each set's outputs are those of a run of its own, row for row (tests/kit/sweepContract.ts). Answers the rows read.
 *
 * Keeps no checkpoint: a partition that was not finished is run again. Throws what the source and the steps do.
 */
export async function sweepPartition(task: SweepTask): Promise<number> {
  const { topology, sets, source, partition, instruments, signal, onProgress } = task
  const flow = new Flow({ instruments, timed: false })
  const { input, outputs } = wireSweep(flow, topology, sets)
  let failure: { readonly thrown: unknown } | undefined
  const fail = (thrown: unknown): void => {
    failure ??= { thrown }
  }
  const subscriptions = outputs.flatMap((streams, set) =>
    task.outputs.map((output) =>
      streams[output].subscribe({
        next: (batch: Batch<Schema>) => {
          if (batch.n === 0) return
          // RxJS reports what an observer throws to the process, later.
          try {
            task.onRows(set, output, batch)
          } catch (thrown) {
            fail(thrown)
          }
        },
        error: fail,
      }),
    ),
  )
  const next = (batch: Batch<Schema>): void => {
    input.next(batch)
    if (failure !== undefined) throw failure.thrown
  }
  let rows = 0
  try {
    for await (const { batch, sorted } of source.open(partition, undefined, signal)) {
      const { n } = batch
      feed(sorted ? { ...batch, inOrder: true } : batch, next)
      rows += n
      onProgress?.(rows)
    }
  } finally {
    for (const subscription of subscriptions) subscription.unsubscribe()
  }
  return rows
}

/** The batch in pieces that a cache holds; only the last vouches for what comes after. */
function feed(batch: Batch<Schema>, next: (piece: Batch<Schema>) => void): void {
  let from = 0
  for (; batch.n - from > PIECE; from += PIECE) next(sliceRows(batch, from, from + PIECE, -Infinity))
  next(from === 0 ? batch : sliceRows(batch, from, batch.n, batch.watermark))
}
