import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { duckRows } from '../../connectors/parquet/duck.ts'
import { writeLakeDay } from '../../connectors/parquet/lakeWriter.ts'
import { generateDay } from '../../connectors/synthetic/market.ts'
import type { SyntheticOptions } from '../../connectors/synthetic/options.ts'
import { parseSyntheticOptions, syntheticDays } from '../../connectors/synthetic/source.ts'
import { Instruments } from '../../core/instruments.ts'
import { formatDate } from '../../core/time.ts'

/** One synthetic market as lakes of several layouts: the same rows, of one time in the order of the file's columns. */
export interface Layouts {
  readonly folder: string
  /** Files a symbol and expiry, in the order of time, and the manifest. */
  readonly own: string
  /** The same as it arrived. */
  readonly arrived: string
  /** A file a contract, no manifest. */
  readonly contracts: string
  /** A file a day with the contract in columns, the spot in one of its own, no manifest. */
  readonly merged: string
}

/** Writes the lakes of a market. Whoever asks for them deletes `folder`. */
export async function layoutsOf(given: SyntheticOptions): Promise<Layouts> {
  const folder = mkdtempSync(join(tmpdir(), 'layouts-'))
  const at = (name: string): string => join(folder, name)
  const lakes = { folder, own: at('own'), arrived: at('arrived'), contracts: at('contracts'), merged: at('merged') }
  const options = parseSyntheticOptions(given)
  for (const day of syntheticDays(options)) {
    const instruments = new Instruments()
    const { ticks } = generateDay(options, day, instruments)
    const date = formatDate(day)
    await writeLakeDay({ lake: lakes.own, date, ticks, instruments, order: 'time' })
    await writeLakeDay({ lake: lakes.arrived, date, ticks, instruments, order: 'arrival' })
    await rewrite(lakes, date)
  }
  return lakes
}

/** The other layouts of what the first has of a day. */
async function rewrite({ own, contracts, merged }: Layouts, date: string): Promise<void> {
  const rows = `read_parquet('${own}/ticks/*/date=${date}/**/*.parquet', hive_partitioning = false)`
  const split = `SELECT * EXCLUDE (instrument, part), part[1] AS symbol, part[2]::DATE AS expiry, part[3]::INTEGER AS strike, part[4] AS opt_type
    FROM (SELECT *, string_split(instrument, ':') AS part FROM ${rows} WHERE instrument LIKE '%:%')`
  await copy(`${split} ORDER BY ts, arrival`, join(merged, `${date}.parquet`))
  for (const { name } of await duckRows<{ name: string }>(`SELECT DISTINCT instrument AS name FROM ${rows} ORDER BY 1`)) {
    const [symbol, expiry, strike, type] = name.split(':')
    const path =
      expiry === undefined ? `symbol=${symbol}/date=${date}/spot` : `symbol=${symbol}/date=${date}/expiry=${expiry}/strike=${strike}/${type}`
    const select = `SELECT * EXCLUDE instrument FROM ${rows} WHERE instrument = '${name}' ORDER BY ts, arrival`
    await copy(select, join(contracts, `${path}.parquet`))
    if (expiry === undefined) await copy(select, join(merged, `${path}.parquet`))
  }
}

async function copy(select: string, path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true })
  await duckRows(`COPY (${select}) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 4096)`)
}
