import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { duckRows } from '../../../connectors/parquet/duck.ts'
import { type ParquetSourceOptions, parquetSource } from '../../../connectors/parquet/source.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Tick } from '../../../core/market.ts'
import { type Row, toRows } from '../../kit/table.ts'

export const folder = (): string => mkdtempSync(join(tmpdir(), 'parquet-'))

/** 2025-01-06 09:15 IST, microseconds. */
export const OPEN = 1_736_135_100_000_000

export async function copy(path: string, select: string, options = ''): Promise<string> {
  mkdirSync(dirname(path), { recursive: true })
  await duckRows(`COPY (${select}) TO '${path}' (FORMAT parquet ${options})`)
  return path
}

/** Made-up ticks of a contract: `rows` of them, several of one time now and then. */
function ticks(rows: number, seed: number): string {
  return `SELECT make_timestamptz((${OPEN} + ((i * 700 + ${seed} * 37) // 3) * 250000)::BIGINT) AS ts, (100 + ((i * 7919 + ${seed}) % 400) / 20)::DOUBLE AS ltp,
    (i * 75)::BIGINT AS volume, (i + 1000)::BIGINT AS oi, 99.5::DOUBLE AS bid, 100.5::DOUBLE AS ask FROM range(${rows}) t(i)`
}

/** The benchmark's layout: a file a contract, manifest, time to the nanosecond. */
export async function perContractLake(rows = 300, strikes = [23900, 24000, 24100]): Promise<string> {
  const lake = folder()
  const lines = ['symbol,date,expiry,strike,opt_type,path,rows,min_ts,max_ts']
  for (const date of ['2025-01-06', '2025-01-07']) {
    for (const [k, strike] of strikes.entries()) {
      for (const type of ['CE', 'PE']) {
        const path = `symbol=NIFTY/date=${date}/expiry=2025-01-09/strike=${strike}/${type}.parquet`
        const days = date === '2025-01-06' ? 0 : 1
        await copy(join(lake, path), `SELECT * REPLACE (ts + INTERVAL ${days} DAY AS ts) FROM (${ticks(rows + k, k * 2 + (type === 'PE' ? 1 : 0))})`)
        lines.push(`NIFTY,${date},2025-01-09,${strike},${type},${path},${rows + k},${date}T09:15:00.000000000+05:30,${date}T15:30:00.000000000+05:30`)
      }
    }
  }
  mkdirSync(join(lake, 'meta'))
  writeFileSync(join(lake, 'meta/packed_manifest.csv'), `${lines.join('\n')}\n`)
  return lake
}

/** The benchmark's merged layout: a file a day in time order, the contract in columns, no manifest. */
export async function mergedLake(rows = 300): Promise<string> {
  const lake = folder()
  const one = (seed: number, expiry: string, strike: number, type: string): string =>
    `SELECT *, 'NIFTY' AS symbol, DATE '${expiry}' AS expiry, ${strike}::INTEGER AS strike, '${type}' AS opt_type, ${seed} AS rank FROM (${ticks(rows, seed)})`
  const all = [one(0, '2025-01-09', 23900, 'CE'), one(1, '2025-01-09', 24000, 'PE'), one(2, '2025-01-16', 24000, 'CE')].join(' UNION ALL ')
  await copy(join(lake, '2025-01-06.parquet'), `SELECT * EXCLUDE rank FROM (${all}) ORDER BY ts, rank`, ', ROW_GROUP_SIZE 2048')
  return lake
}

export type Options = Omit<ParquetSourceOptions<Tick>, 'columns' | 'instruments'>

/** Every row of a source, day after day. */
export async function readAll(options: Options): Promise<Row[]> {
  const instruments = new Instruments()
  const source = parquetSource({ columns: Tick, instruments, ...options })
  const rows: Row[] = []
  for (const { name } of await source.partitions()) {
    for await (const { batch } of source.open(name, undefined, new AbortController().signal)) rows.push(...toRows(batch, Tick, instruments))
  }
  return rows
}
