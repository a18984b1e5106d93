import { messageOf } from '../../../core/errors.ts'
import { duckRows, quoted } from '../duck.ts'
import type { Fault } from './fault.ts'

/** What is wrong with a file that cannot be read: which row groups, where its footer can. */
export async function unreadable(path: string, name: string, cause: Error): Promise<Fault> {
  const why = messageOf(cause.cause ?? cause)
  const bad: number[] = []
  const groups = await groupsOf(path)
  let from = 0
  for (const [i, rows] of groups.entries()) {
    if (!(await isReadable(path, from, from + rows))) bad.push(i + 1)
    from += rows
  }
  if (groups.length === 0) return { file: name, what: 'unreadable', expected: 'a Parquet file', found: why }
  const which = bad.length === 0 ? 'not as a whole' : `row group ${bad.join(', ')} not`
  return { file: name, what: 'unreadable', expected: `${groups.length} row groups`, found: `${which}: ${why}` }
}

/** Rows by row group; none where the footer cannot be read. */
async function groupsOf(path: string): Promise<number[]> {
  try {
    const groups = await duckRows<{ rows: number }>(
      `SELECT any_value(row_group_num_rows)::DOUBLE AS rows FROM parquet_metadata(${quoted(path)}) GROUP BY row_group_id ORDER BY row_group_id`,
    )
    return groups.map(({ rows }) => rows)
  } catch {
    // That is what the caller is telling already.
    return []
  }
}

/** Whether rows from..to-1 can be read; other row groups are not touched. */
async function isReadable(path: string, from: number, to: number): Promise<boolean> {
  try {
    await duckRows(
      `SELECT bit_xor(hash(t)) AS content FROM read_parquet(${quoted(path)}, hive_partitioning = false, file_row_number = true) t WHERE file_row_number >= ${from} AND file_row_number < ${to}`,
    )
    return true
  } catch {
    return false
  }
}
