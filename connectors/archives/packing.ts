import type { FormatName } from './formats.ts'
import type { Layout } from './layout.ts'
import type { Mapping } from './mapping.ts'
import type { Reason } from './reasons.ts'

/** Changes with every change of what the same input becomes. */
export const PACKING = 2

export interface PackOptions {
  readonly inputs: readonly string[]
  readonly lake: string
  readonly format?: FormatName
  readonly mapping?: Mapping
  /** What the column of volumes is, where the format's own answer is wrong. */
  readonly volume?: Layout['volume']
  readonly clean: boolean
  /** Folder for rows on their way; inside the lake by default. */
  readonly staging?: string
  /** Rows of one Parquet file, at most. */
  readonly partRows?: number
}

export interface PackWatch {
  readonly signal?: AbortSignal
  onProgress?(progress: PackProgress): void
}

export interface PackProgress {
  /** Of the inputs, as they lie there. */
  readonly bytes: number
  readonly bytesInAll: number
  readonly rows: number
}

export interface PackSummary {
  readonly lake: string
  readonly inputs: number
  /** Inputs that were packed before, as they are now. */
  readonly skipped: number
  readonly days: readonly string[]
  readonly files: number
  readonly rows: number
  /** Rows by what became of them; they add up to `rows`. */
  readonly reasons: Partial<Record<Reason, number>>
  /** Files of data that no row came of, or not all, by reason. */
  readonly damaged: Partial<Record<Reason, number>>
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly seconds: number
  readonly warnings: readonly string[]
}

export type JobOptions = PackOptions & { readonly staging: string }
export type JobSummary = Pick<PackSummary, 'days' | 'files' | 'rows' | 'reasons' | 'damaged' | 'bytesRead' | 'bytesWritten' | 'warnings'>
