import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import type { PackSummary } from '../connectors/archives/packing.ts'
import { gdflCsv, type Snapshot, zipOf } from '../tests/connectors/archives/vendors.ts'

// npm run bench:pack: GDFL-like zips into a lake, beside DuckDB's read_csv -> COPY of the same CSV, unzipped, in one run; as JSON.

const { values: flags } = parseArgs({
  options: {
    days: { type: 'string', default: '4' },
    contracts: { type: 'string', default: '400' },
    rows: { type: 'string', default: '10600' },
    workers: { type: 'string', default: '2' },
    runs: { type: 'string', default: '3' },
  },
})
const [days, contracts, rows, runs] = [flags.days, flags.contracts, flags.rows, flags.runs].map(Number)
const dates = ['2024-01-01', '2024-01-02', '2024-01-03', '2024-01-04'].slice(0, days)
const work = mkdtempSync(join(tmpdir(), 'tickloom-pack-'))
const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url))

/** A contract's day: seconds that repeat, a price that walks, 83 % of rows without a trade, open interest every 3 minutes. */
function snapshots(seed: number): Snapshot[] {
  let state = seed * 2_654_435_761 + 1
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  let price = Math.round(2000 * random()) + 200
  let oi = 100_000
  return Array.from({ length: rows }, (_, i) => {
    const second = 33_300 + Math.floor((i * 22_500) / rows)
    price = Math.max(1, price + Math.floor(random() * 5) - 2)
    if (i % 85 === 0) oi += 75 * Math.floor(random() * 40)
    const time = new Date(second * 1000).toISOString().slice(11, 19)
    const quantity = random() < 0.17 ? 75 * (1 + Math.floor(random() * 10)) : 0
    return { time, price: price / 20, bid: (price - 1) / 20, ask: (price + 1) / 20, quantity, oi }
  })
}

function seconds(work: () => void): number {
  const start = performance.now()
  work()
  return (performance.now() - start) / 1000
}

/** Seconds of user and system of all children, by the shell's `times`: its last line. */
function cpuOf(text: string): number {
  const last = text.trim().split('\n').at(-1) as string
  return [...last.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, minutes, secs]) => sum + 60 * Number(minutes) + Number(secs), 0)
}

let csvBytes = 0
for (const [d, date] of dates.entries()) {
  const entries = Array.from({ length: contracts }, (_, i) => {
    const ticker = `NIFTY04JAN24${20_000 + 50 * (i >> 1)}${i % 2 === 0 ? 'CE' : 'PE'}.NFO`
    return { name: `Options/${ticker}.csv`, bytes: gdflCsv(ticker, date, snapshots(d * 1000 + i)) }
  })
  mkdirSync(join(work, 'csv', date), { recursive: true })
  for (const { name, bytes } of entries) {
    csvBytes += bytes.length
    writeFileSync(join(work, 'csv', date, name.slice('Options/'.length)), bytes)
  }
  mkdirSync(join(work, 'zip'), { recursive: true })
  writeFileSync(join(work, 'zip', `GDFLNFO_TICK_${date.slice(8)}${date.slice(5, 7)}${date.slice(0, 4)}.zip`), zipOf(entries))
}

const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
const connection = await instance.connect()
const bytesBelow = (folder: string): number =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => name.endsWith('.parquet') && !name.startsWith('meta'))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)

const results = []
for (let run = 0; run < runs; run++) {
  const lake = join(work, `lake-${run}`)
  let summary: PackSummary | undefined
  let packCpu = NaN
  const whole = seconds(() => {
    const { stdout, stderr, status } = spawnSync(
      'sh',
      // The shell tells what its children took, the workers among them.
      [
        '-c',
        '"$@"; status=$?; times >&2; exit $status',
        'sh',
        process.execPath,
        main,
        'pack',
        join(work, 'zip'),
        '--lake',
        lake,
        '--workers',
        flags.workers,
        '--json',
      ],
      {
        encoding: 'utf8',
      },
    )
    if (status !== 0) throw new Error(stderr)
    packCpu = cpuOf(stderr)
    summary = JSON.parse(stdout) as PackSummary
  })
  const start = performance.now()
  const before = process.cpuUsage()
  for (const date of dates)
    await connection.run(`COPY (SELECT strptime("Date" || ' ' || "Time", '%d/%m/%Y %H:%M:%S') AS ts, Ticker AS instrument, LTP AS price, LTQ AS volume, OpenInterest AS oi, BuyPrice AS bid, SellPrice AS ask
      FROM read_csv('${join(work, 'csv', date)}/*.csv', columns = {Ticker: 'VARCHAR', Date: 'VARCHAR', Time: 'VARCHAR', LTP: 'DOUBLE', BuyPrice: 'DOUBLE', BuyQty: 'DOUBLE', SellPrice: 'DOUBLE', SellQty: 'DOUBLE', LTQ: 'DOUBLE', OpenInterest: 'DOUBLE'}, header = true))
      TO '${join(work, `duck-${date}.parquet`)}' (FORMAT parquet, COMPRESSION zstd)`)
  const duck = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(before)
  const duckCpu = (user + system) / 1e6
  const { seconds: packing, rows: n } = summary as PackSummary
  const result = {
    rows: n,
    packSeconds: packing,
    wholeSeconds: whole,
    duckSeconds: duck,
    packMillionRowsPerSecond: n / packing / 1e6,
    packMegabytesPerSecond: csvBytes / packing / 1e6,
    duckMillionRowsPerSecond: n / duck / 1e6,
    ratio: duck / packing,
    packCpuSeconds: packCpu,
    duckCpuSeconds: duckCpu,
    cpuRatio: duckCpu / packCpu,
    load: loadavg()[0],
    bytesPerRow: bytesBelow(lake) / n,
    duckBytesPerRow: dates.reduce((sum, date) => sum + statSync(join(work, `duck-${date}.parquet`)).size, 0) / n,
  }
  process.stderr.write(
    `pack ${packing.toFixed(2)} s (whole ${whole.toFixed(2)}), ${result.packMillionRowsPerSecond.toFixed(2)} M rows/s, ${result.packMegabytesPerSecond.toFixed(0)} MB/s, ${result.bytesPerRow.toFixed(2)} B a row; DuckDB ${duck.toFixed(2)} s, ${result.duckMillionRowsPerSecond.toFixed(2)} M rows/s, ${result.duckBytesPerRow.toFixed(2)} B; ratio ${result.ratio.toFixed(2)}; CPU seconds ${packCpu.toFixed(2)} and ${duckCpu.toFixed(2)}, ratio ${result.cpuRatio.toFixed(2)}; load ${result.load.toFixed(1)}\n`,
  )
  results.push(result)
}
connection.disconnectSync()
rmSync(work, { recursive: true, force: true })
const median = [...results].sort((a, b) => a.ratio - b.ratio)[Math.floor((results.length - 1) / 2)]
process.stdout.write(`${JSON.stringify({ days, contracts, rowsOfAContract: rows, csvMegabytes: csvBytes / 1e6, median, results }, undefined, 2)}\n`)
