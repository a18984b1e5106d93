import type { Batch } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { PackedBar } from './bars/barSpill.ts'
import type { Reason } from './reasons.ts'
import type { Packed } from './spill.ts'

/** Rows of one member that the cleaning took out: where they came from, and why. */
export interface Removed {
  /** Number of reader and member, as `source` has it. */
  readonly source: number
  readonly reason: Reason
  readonly rows: number
  /** Lines of the first of them. */
  readonly lines: readonly number[]
}

/** Removes rows of one folder and day; given in time order, in one or several parts that follow each other in time. */
export interface Cleaner {
  clean(rows: Batch<Packed>, instruments: Instruments): { readonly kept: Pick<Batch<Packed>, 'n' | 'col'>; readonly removed: readonly Removed[] }
}

/** Mends the bars of one folder and day, and removes some where they are to be cleaned; given as a Cleaner's rows are. */
export interface BarKeeper {
  /** `removed` also has, as `repaired`, the bars that were mended: these are kept. */
  keepBars(
    bars: Batch<PackedBar>,
    instruments: Instruments,
    clean: boolean,
  ): { readonly kept: Pick<Batch<PackedBar>, 'n' | 'col'>; readonly removed: readonly Removed[] }
}
