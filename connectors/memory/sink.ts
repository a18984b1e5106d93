import type { Schema } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { Destination } from '../../core/ports.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'

export type MemoryRow = Readonly<Record<string, number | string>>

/** A destination in memory, for tests and examples: an epoch flushed again replaces itself. */
export interface MemoryDestination extends Destination {
  /** Rows of an output in order of (partition, epoch); instruments by name. */
  rows(output: string): MemoryRow[]
}

export function memoryDestination(): MemoryDestination {
  const kept = new Map<string, Map<number, Record<string, MemoryRow[]>>>()
  return {
    name: 'memory',

    async open({ partition, outputs, instruments, committed }) {
      const epochs = kept.get(partition) ?? new Map<number, Record<string, MemoryRow[]>>()
      kept.set(partition, epochs)
      for (const epoch of epochs.keys()) if (committed === undefined || epoch > committed) epochs.delete(epoch)
      const pending = new Map(Object.entries(outputs).map(([name, schema]) => [name, new RowBuffer(schema)]))
      return {
        write: (output, batch) => { pending.get(output)?.append(batch) },
        async flush(epoch) {
          const rows = Object.fromEntries([...pending].map(([name, buffer]) => [name, rowsOf(buffer, instruments)]))
          epochs.set(epoch, rows)
          let count = 0
          for (const buffer of pending.values()) { count += buffer.n; buffer.clear() }
          return { rows: count, bytes: 0 }
        },
        close: async () => {},
      }
    },

    close: async () => {},

    rows: (output) => [...kept].sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, epochs]) => [...epochs].sort(([a], [b]) => a - b).flatMap(([, outputs]) => outputs[output] ?? [])),
  }
}

function rowsOf(buffer: RowBuffer<Schema>, instruments: Instruments): MemoryRow[] {
  return Array.from({ length: buffer.n }, (_, i) =>
    Object.fromEntries(Object.entries(buffer.schema).map(([name, kind]) => [name, kind === 'instrument' ? instruments.name(buffer.col[name][i]) : buffer.col[name][i]])))
}
