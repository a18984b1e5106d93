import { allocateColumns, type Batch, type Column, type Schema } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'

const names = ['NIFTY', 'NIFTY:2025-01-30:FUT', 'NIFTY:2025-01-09:24000:CE', 'BANKNIFTY:2025-01-30:51200.5:PE']

/** `n` rows of any schema that depend on `seed` only, NaN and odd microseconds among them. */
export function contractRows(schema: Schema, instruments: Instruments, n: number, seed: number): Batch<Schema> {
  const col = allocateColumns(schema, n) as Record<string, Column>
  for (const [place, [name, kind]] of Object.entries(schema).entries()) {
    for (let i = 0; i < n; i++) {
      const k = seed * 1000 + i * 7 + place
      if (kind === 'time') col[name][i] = 1_704_339_900_000_000 + (seed * 1000 + i) * 1_000_001
      else if (kind === 'instrument') col[name][i] = instruments.id(names[k % names.length])
      else if (kind === 'f64') col[name][i] = k % 5 === 0 ? Number.NaN : k * 0.05
      else if (kind === 'i32') col[name][i] = (k % 3) - 1
      else col[name][i] = k % 2
    }
  }
  return { n, watermark: 0, col }
}
