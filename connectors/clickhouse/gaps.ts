import type { ClickHouse } from './client.ts'
import { literal, quoted } from './ddl.ts'
import { defaultRetry, withRetry } from './failures.ts'

/** A time in which a partition's feed said nothing; event time in microseconds. */
export interface GapRow {
  readonly run: string
  readonly topology: string
  readonly partition: string
  readonly from: number
  /** Undefined while it lasts: the row of the same `from` with an end takes its place. */
  readonly to: number | undefined
  readonly instruments: readonly string[]
}

/** Writes a gap, or its end; the table must be there (Committer.prepare). Repeating it changes nothing: readers ask for FINAL. */
export async function recordGap({ client, location }: ClickHouse, database: string, gap: GapRow): Promise<void> {
  const time = (micros: number): string => `fromUnixTimestamp64Micro(${micros}, 'UTC')`
  const values = [
    literal(gap.run),
    literal(gap.topology),
    literal(gap.partition),
    time(gap.from),
    gap.to === undefined ? 'NULL' : time(gap.to),
    `[${gap.instruments.map(literal).join(', ')}]`,
  ]
  const query = `INSERT INTO ${quoted(database)}.gaps (run_id, topology, \`partition\`, \`from\`, \`to\`, instruments) SELECT ${values.join(', ')}`
  await withRetry(defaultRetry, { location, table: 'gaps' }, () => client.command({ query }))
}
