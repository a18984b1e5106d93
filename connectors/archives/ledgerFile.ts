import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TickloomError } from '../../core/errors.ts'
import { writeAtomically } from '../parquet/atomic.ts'
import { duckRows, quoted, withDuck } from '../parquet/duck.ts'
import type { LedgerEntry } from './reasons.ts'

/** The ledger as one file, for whoever asks it with other tools. */
export const LEDGER = 'meta/ledger.parquet'
const PARTS = 'meta/ledger'
/** Bytes of one entry, at most: the engine takes room for several of them. */
const LONGEST = 1 << 20

const columns =
  "{input: 'VARCHAR', member: 'VARCHAR', date: 'VARCHAR', reason: 'VARCHAR', rows: 'BIGINT', samples: 'STRUCT(line BIGINT, \"text\" VARCHAR)[]'}"

/** Writes what became of the rows of a job. Throws DISK_FULL, OUTPUT_UNWRITABLE. */
export async function writeLedgerPart(lake: string, job: string, entries: readonly LedgerEntry[], staging: string): Promise<void> {
  const json = join(staging, `ledger-${job}.json`)
  try {
    writeFileSync(json, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
    const select = `SELECT input, member, try_cast(date AS DATE) AS date, reason, rows, samples FROM read_json(${quoted(json)}, format = 'newline_delimited', maximum_object_size = ${LONGEST}, columns = ${columns})`
    await writeAtomically(join(lake, PARTS, `${job}.parquet`), async (path) => {
      await withDuck((connection) => connection.run(`COPY (${select}) TO ${quoted(path)} (FORMAT parquet, COMPRESSION zstd)`))
    })
  } finally {
    rmSync(json, { force: true })
  }
}

export function removeLedgerPart(lake: string, job: string): void {
  rmSync(join(lake, PARTS, `${job}.parquet`), { force: true })
}

/** Makes the one ledger of its parts: those of the jobs given, which are the finished ones. */
export async function joinLedger(lake: string, jobs: readonly string[]): Promise<void> {
  for (const name of existsSync(join(lake, PARTS)) ? readdirSync(join(lake, PARTS)) : [])
    if (!jobs.includes(name.replace(/\.parquet(?:\.tmp)?$/, ''))) rmSync(join(lake, PARTS, name), { force: true })
  if (jobs.length === 0) return
  await writeAtomically(join(lake, LEDGER), async (path) => {
    const all = `SELECT * FROM read_parquet(${quoted(join(lake, PARTS, '*.parquet'))}) ORDER BY input, member, date, reason`
    await withDuck((connection) => connection.run(`COPY (${all}) TO ${quoted(path)} (FORMAT parquet, COMPRESSION zstd)`))
  })
}

export type LedgerBy = 'reason' | 'file' | 'day'

/** Rows of the ledger added up. */
export interface LedgerSum {
  readonly key: string
  readonly reason: string
  readonly rows: number
  readonly members: number
  readonly sample: string | null
}

/** Throws LAKE_MISSING where nothing was packed. */
export async function sumLedger(lake: string, by: LedgerBy): Promise<LedgerSum[]> {
  const path = join(lake, LEDGER)
  if (!existsSync(path)) throw new TickloomError('LAKE_MISSING', `${lake} has no ledger: nothing was packed into it`, { lake })
  const key = { reason: "''", file: 'input', day: "coalesce(strftime(date, '%Y-%m-%d'), '')" }[by]
  const rows = await duckRows<Omit<LedgerSum, 'rows' | 'members'> & { rows: number; members: number }>(`
    SELECT * FROM (SELECT ${key} AS key, reason, sum(rows)::DOUBLE AS rows, count(DISTINCT input || '!' || member)::INTEGER AS members,
      first(input || '!' || member || ':' || samples[1].line || ': ' || samples[1]."text" ORDER BY input, member) FILTER (len(samples) > 0) AS sample
    FROM read_parquet(${quoted(path)}) GROUP BY ALL) ORDER BY key, (reason = 'packed') DESC, (reason = 'repaired') DESC, rows DESC, reason`)
  return rows
}
