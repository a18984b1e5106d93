import { type Batch, emptyBatch, type Schema } from '../../core/batch.ts'
import type { Partition, Position, Source } from '../../core/ports.ts'

export interface MemorySourceOptions<S extends Schema> {
  readonly schema: S
  /** Batches by partition, in the order they are delivered. */
  readonly partitions: Readonly<Record<string, readonly Batch<S>[]>>
  /** Watermark of the empty batch that ends each partition; none when the last batch carries it. */
  readonly end?: number
}

/**
 * Delivers the batches given, then ends. For tests and examples.
 *
 * Position: rows delivered; a batch of which some rows were taken before is delivered from there on.
 */
export function memorySource<S extends Schema>({ schema, partitions, end }: MemorySourceOptions<S>): Source<S> {
  return {
    partitions: async () => Object.entries(partitions).map(([name, batches]): Partition => ({ name, rows: batches.reduce((sum, b) => sum + b.n, 0) })),

    async *open(partition, from, signal) {
      const skip = from === undefined ? 0 : (from as { rows: number }).rows
      let before = 0
      for (const batch of [...(partitions[partition] ?? []), ...(end === undefined ? [] : [emptyBatch(schema, end)])]) {
        signal.throwIfAborted()
        const taken = Math.min(batch.n, Math.max(0, skip - before))
        const start = before + taken
        before += batch.n
        if (taken > 0 && taken === batch.n) continue
        yield { batch: taken === 0 ? batch : rest(batch, taken), after: (rows): Position => ({ rows: start + rows }) }
      }
    },

    close: async () => {},
  }
}

function rest<S extends Schema>(batch: Batch<S>, from: number): Batch<S> {
  const col = Object.fromEntries(Object.entries(batch.col).map(([name, column]) => [name, column.subarray(from, batch.n)])) as unknown as Batch<S>['col']
  return { n: batch.n - from, watermark: batch.watermark, col }
}
