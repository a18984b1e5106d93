import { type Batch, type Column, type Schema, wordsOf } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { Destination, SinkTask } from '../../core/ports.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'

/** A row with its instrument by name, and words as words. */
export type MemoryRow = Readonly<Record<string, number | string>>

/** A destination that keeps what was flushed; a repeated epoch replaces itself. */
export interface MemoryDestination extends Destination {
  /** The rows of an output in order: partitions as first opened, epochs by number, rows as written. */
  rows(output: string): readonly MemoryRow[]
  /** The epochs of a partition that were flushed, by number. */
  epochs(partition: string): readonly number[]
}

type Epoch = ReadonlyMap<string, RowBuffer<Schema>>

/** Keeps rows in memory, for tests and examples; a partition opened again forgets what lies beyond its committed epoch. */
export function memoryDestination(): MemoryDestination {
  const kept = new Map<string, { instruments: Instruments; epochs: Map<number, Epoch> }>()
  const sorted = (epochs: ReadonlyMap<number, Epoch>): [number, Epoch][] => [...epochs].sort(([a], [b]) => a - b)
  return {
    name: 'memory',
    async open(task) {
      const epochs = new Map(
        [...(kept.get(task.partition)?.epochs ?? [])].filter(([epoch]) => task.committed !== undefined && epoch <= task.committed),
      )
      kept.set(task.partition, { instruments: task.instruments, epochs })
      return sinkOf(task, epochs)
    },
    close: async () => {},
    rows: (output) =>
      [...kept.values()].flatMap(({ instruments, epochs }) => sorted(epochs).flatMap(([, epoch]) => rowsOf(epoch.get(output), instruments))),
    epochs: (partition) => sorted(kept.get(partition)?.epochs ?? new Map()).map(([epoch]) => epoch),
  }
}

function sinkOf({ outputs }: SinkTask, epochs: Map<number, Epoch>) {
  const fresh = (): Map<string, RowBuffer<Schema>> => new Map(Object.entries(outputs).map(([output, schema]) => [output, new RowBuffer(schema)]))
  let pending = fresh()
  return {
    write(output: string, batch: Batch<Schema>) {
      pending.get(output)?.append(batch)
    },
    async flush(epoch: number) {
      const buffers = [...pending.values()]
      epochs.set(epoch, pending)
      pending = fresh()
      return { rows: buffers.reduce((sum, { n }) => sum + n, 0), bytes: buffers.reduce((sum, { bytes }) => sum + bytes, 0) }
    },
    close: async () => {},
  }
}

function rowsOf(buffer: RowBuffer<Schema> | undefined, instruments: Instruments): MemoryRow[] {
  if (buffer === undefined) return []
  return Array.from({ length: buffer.n }, (_, i) => {
    const row: Record<string, number | string> = {}
    for (const [name, kind] of Object.entries(buffer.schema)) {
      const value = (buffer.col[name] as Column)[i]
      row[name] = kind === 'instrument' ? instruments.name(value) : kind.includes('|') ? wordsOf(kind)[value] : value
    }
    return row
  })
}
