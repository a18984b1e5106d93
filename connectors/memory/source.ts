import type { Batch, Schema } from '../../core/batch.ts'
import { emptyBatch, sliceRows } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import type { Delivery, Position, Source } from '../../core/ports.ts'

/**
 * Delivers the batches given, for tests and examples. A partition is a name, a position `{ rows }`.
 *
 * After a partition's last batch comes an empty one with the watermark `end`, default Infinity. Resuming inside a
 * batch delivers the rest of it.
 */
export function memorySource<S extends Schema>(schema: S, partitions: Readonly<Record<string, readonly Batch<S>[]>>, end = Infinity): Source<S> {
  return {
    partitions: async () => Object.entries(partitions).map(([name, batches]) => ({ name, rows: batches.reduce((sum, { n }) => sum + n, 0) })),
    open(partition, from, signal) {
      const batches = partitions[partition]
      if (batches === undefined) throw new TickloomError('LAKE_EMPTY', `there is no partition ${partition}`, { partition })
      return deliver([...batches, emptyBatch(schema, end)], rowsOf(from), signal)
    },
    close: async () => {},
  }
}

function rowsOf(position: Position | undefined): number {
  return typeof position === 'object' && typeof position['rows'] === 'number' ? position['rows'] : 0
}

async function* deliver<S extends Schema>(batches: readonly Batch<S>[], skip: number, signal: AbortSignal): AsyncGenerator<Delivery<S>> {
  let seen = 0
  for (const [i, batch] of batches.entries()) {
    signal.throwIfAborted()
    const from = Math.max(0, Math.min(batch.n, skip - seen))
    const before = seen + from
    seen += batch.n
    if (from > 0 && from === batch.n && i < batches.length - 1) continue
    const rest = from === 0 ? batch : sliceRows(batch, from, batch.n, batch.watermark)
    yield { batch: rest, after: (rows) => ({ rows: before + rows }) }
  }
}
