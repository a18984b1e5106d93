import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Contract, nameOf } from '../../../core/instruments.ts'
import { writeAtomically } from '../atomic.ts'
import { quoted, withDuck } from '../duck.ts'
import { readLines } from '../manifest.ts'
import { type ExpiryCoverage, expectedOf, type Listing } from './expected.ts'

/** What the manifest tells of coverage: a row a date, underlying and expiry. */
export const COVERAGE = 'meta/coverage.parquet'

/** One underlying on one date, as the manifest has it. */
export interface BriefDay {
  readonly date: string
  readonly symbol: string
  readonly expiries: readonly ExpiryCoverage[]
}

/**
 * Coverage by what the manifest says alone, no row read: of contracts, not of gaps, and rows outside the session count.
 * Throws LAKE_MANIFEST.
 */
export function briefCoverage(lake: string, listing: Listing): BriefDay[] {
  const days = new Map<string, { date: string; symbol: string; contracts: Map<string, Contract> }>()
  for (const { date, contract, rows } of readLines(lake)) {
    if (rows === 0) continue
    const key = `${date} ${contract.underlying}`
    const day = days.get(key) ?? { date, symbol: contract.underlying, contracts: new Map<string, Contract>() }
    days.set(key, day)
    day.contracts.set(nameOf(contract), contract)
  }
  return [...days]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { date, symbol, contracts }]) => ({ date, symbol, expiries: expectedOf(symbol, date, [...contracts.values()], listing) }))
}

/** What is missing of a day, in a few words; undefined when nothing is. */
export function missingIn({ expiries }: BriefDay): string | undefined {
  const gone = expiries.filter(({ seen }) => seen === 0).map(({ expiry, kind }) => `no rows of the ${kind} expiry ${expiry}`)
  const holes = expiries
    .filter(({ withoutRows }) => withoutRows.length > 0)
    .map(({ expiry, withoutRows, strikes }) => `${withoutRows.length} of ${2 * (strikes?.grid ?? 0)} options of ${expiry} without rows`)
  return gone.length + holes.length === 0 ? undefined : [...gone, ...holes].join('; ')
}

const columns =
  "{date: 'DATE', symbol: 'VARCHAR', expiry: 'DATE', kind: 'VARCHAR', expected: 'BOOLEAN', contracts: 'INTEGER', lowest: 'DOUBLE', highest: 'DOUBLE', step: 'DOUBLE', strikes_expected: 'INTEGER', strikes_seen: 'INTEGER', without_rows: 'VARCHAR[]'}"

/** Writes `meta/coverage.parquet`. Throws DISK_FULL, OUTPUT_UNWRITABLE. */
export async function saveCoverage(lake: string, days: readonly BriefDay[]): Promise<void> {
  const rows = days.flatMap(({ date, symbol, expiries }) =>
    expiries.map(({ expiry, kind, expected, seen, strikes: s, withoutRows }) => ({
      date,
      symbol,
      expiry,
      kind,
      expected,
      contracts: seen,
      lowest: s?.lowest,
      highest: s?.highest,
      step: s?.step,
      strikes_expected: s?.grid,
      strikes_seen: s?.seen,
      without_rows: withoutRows,
    })),
  )
  await writeAtomically(join(lake, COVERAGE), async (path) => {
    const json = `${path}.json`
    try {
      writeFileSync(json, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
      const select = `SELECT * FROM read_json(${quoted(json)}, format = 'newline_delimited', columns = ${columns})`
      await withDuck((connection) => connection.run(`COPY (${select}) TO ${quoted(path)} (FORMAT parquet, COMPRESSION zstd)`))
    } finally {
      rmSync(json, { force: true })
    }
  })
}
