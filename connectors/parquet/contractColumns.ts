import { rmSync } from 'node:fs'
import type { Instruments } from '../../core/instruments.ts'
import { writeAtomically } from './atomic.ts'
import { identifier, quoted, withDuck } from './duck.ts'
import { ROW_GROUP, type Rows, type WriteOptions, writeParquet } from './tableWriter.ts'

/**
 * Writes rows as `writeParquet` does, for who does not know how instruments are named here: in place of `instrument` are
 *
 *   symbol VARCHAR, expiry DATE, strike DOUBLE, type VARCHAR (CE, PE, FUT, SPOT); what a contract lacks is NULL
 */
export async function writeWithContracts(path: string, rows: Rows, instruments: Instruments, options: WriteOptions = {}): Promise<number> {
  const { temporary = `${path}.tmp` } = options
  const named = `${temporary}.named`
  try {
    await writeParquet(named, rows, instruments, { ...options, temporary: `${named}.tmp` })
    const select = Object.keys(rows.schema).map((name) => (rows.schema[name] === 'instrument' ? contractOf(identifier(name)) : identifier(name)))
    // Files of this engine's own default kind, since every tool reads those; it keeps the order of the rows.
    const copy = `COPY (SELECT ${select.join(', ')} FROM read_parquet(${quoted(named)}, hive_partitioning = false))`
    return await writeAtomically(
      path,
      async (file) => {
        await withDuck((connection) => connection.run(`${copy} TO ${quoted(file)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP})`))
      },
      temporary,
    )
  } finally {
    rmSync(named, { force: true })
  }
}

/** The parts of a canonical name (core/instruments.ts) as columns. */
function contractOf(name: string): string {
  const part = (n: number): string => `split_part(${name}, ':', ${n})`
  const type = `CASE WHEN ${part(2)} = '' THEN 'SPOT' WHEN ${part(3)} = 'FUT' THEN 'FUT' ELSE ${part(4)} END`
  return `${part(1)} AS symbol, try_cast(nullif(${part(2)}, '') AS DATE) AS expiry, try_cast(${part(3)} AS DOUBLE) AS strike, ${type} AS type`
}
