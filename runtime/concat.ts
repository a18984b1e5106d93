import type { Schema } from '../core/batch.ts'
import type { Delivery, Partition, Position, Source } from '../core/ports.ts'

/**
 * All partitions of a source as one, in their order: what a topology reads that remembers more than a day. With
 * `groupOf`, those of one group each: streams that have no order between them.
 *
 * Position: { partition, position }, the partition being read and where in it.
 */
export function concat<S extends Schema>(source: Source<S>, groupOf: (partition: string) => string = () => ''): Source<S> {
  /** Partitions delivered, or delivered before it was resumed. */
  const passed = new Set<string>()
  const groups = async (): Promise<Partition[][]> => [...Map.groupBy(await source.partitions(), ({ name }) => groupOf(name)).values()]
  return {
    partitions: async () => (await groups()).map(whole),

    async *open(partition, from, signal) {
      const resume = from as { partition: string; position: Position } | undefined
      let reached = resume === undefined
      for (const { name } of (await groups()).find((group) => whole(group).name === partition) ?? []) {
        const here = name === resume?.partition
        passed.add(name)
        reached ||= here
        if (!reached) continue
        for await (const delivery of source.open(name, here ? resume?.position : undefined, signal)) yield within(name, delivery)
      }
    },

    ...(source.counts && { counts: () => sumOf([...passed].map((name) => source.counts?.(name) ?? {})) }),
    close: () => source.close(),
  }
}

function sumOf(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const counts of all) for (const [reason, rows] of Object.entries(counts)) sums[reason] = (sums[reason] ?? 0) + rows
  return sums
}

function whole(parts: readonly Partition[]): Partition {
  const name = parts.length === 1 ? parts[0].name : `${parts[0].name}..${parts[parts.length - 1].name}`
  return parts.every((p) => p.rows !== undefined) ? { name, rows: parts.reduce((sum, p) => sum + (p.rows ?? 0), 0) } : { name }
}

function within<S extends Schema>(partition: string, delivery: Delivery<S>): Delivery<S> {
  return { batch: delivery.batch, after: (rows) => ({ partition, position: delivery.after(rows) }) }
}
