import { type Column, type Kind, type Schema, wordsOf } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import { writeAtomically } from './atomic.ts'
import type { FileColumn } from './encode/chunk.ts'
import { writeParquetFile } from './encode/fileWriter.ts'

/** Rows in a row group of every file written here. */
export const ROW_GROUP = 122_880

/** Rows to be written: columns of a schema, longer than `n` or not. */
export interface Rows {
  readonly schema: Schema
  readonly n: number
  readonly col: Readonly<Record<string, Column>>
}

/**
 * Writes rows, in their order, as one Parquet file (zstd), whole or not at all. Answers its bytes.
 *
 * time is TIMESTAMP WITH TIME ZONE in microseconds, instrument its name, a word that word, i32 INTEGER, bool BOOLEAN, f64 DOUBLE with a
 * missing value (NaN) as NULL, because other tools' averages and counts leave a NULL out and are spoiled by a NaN; a
 * missing time, and one that is not finite, is NULL too. The rows stay as they are until it is done.
 * Throws DISK_FULL, OUTPUT_UNWRITABLE.
 */
export function writeParquet(
  path: string,
  { schema, n, col }: Rows,
  instruments: Instruments,
  { whole = [], temporary }: WriteOptions = {},
): Promise<number> {
  const columns = Object.entries(schema).map(([name, kind]) => storedAs(name, kind, col[name], instruments, whole.includes(name)))
  return writeAtomically(path, (file) => writeParquetFile(file, columns, n, ROW_GROUP), temporary)
}

export interface WriteOptions {
  /** Columns of whole f64 that are written as BIGINT. */
  readonly whole?: readonly string[]
  /** Where the file grows; beside it by default. */
  readonly temporary?: string
}

function storedAs(name: string, kind: Kind, values: Column, instruments: Instruments, whole: boolean): FileColumn {
  const words = wordsOf(kind)
  if (words.length > 0) return { name, stored: 'text', values, texts: (position) => words[position] }
  if (kind === 'instrument') return { name, stored: 'text', values, texts: (id) => instruments.name(id) }
  if (kind === 'time') return { name, stored: 'time', values }
  if (kind === 'i32') return { name, stored: 'int', values }
  if (kind === 'bool') return { name, stored: 'bool', values }
  return { name, stored: whole ? 'whole' : 'double', values }
}
