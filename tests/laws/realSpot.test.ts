import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { replay } from '../../cli/replayRun.ts'
import { duckRows } from '../../connectors/parquet/duck.ts'
import { writeLakeDay } from '../../connectors/parquet/lakeWriter.ts'
import type { Batch } from '../../core/batch.ts'
import { Instruments } from '../../core/instruments.ts'
import { Tick } from '../../core/market.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'
import { attach, HOUR, IST } from '../../core/time.ts'
import type { PartitionSummary } from '../../runtime/summaries.ts'

const data = resolve(fileURLToPath(new URL('../..', import.meta.url)), '../shared/data/nse-spot')
const there = existsSync(data)
if (!there) console.warn(`skipped: the recorded days are not at ${data}, and have no licence to be copied into the repository`)

/** Counted from the recordings with awk, not with this repository. */
const DAYS = {
  '2022-11-10': { rows: 23_608, outside: 1_110, kept: 22_498, first: 18_044.35, last: 18_036.8, carried: ['11:06:15', '11:06:16'] },
  '2022-11-11': { rows: 23_582, outside: 1_082, kept: 22_500, first: 18_272.35, last: 18_355.3, carried: [] },
}

interface Stored {
  time: string
  close: number
  observed: boolean
  age: number
  vol: number | null
}

/** A recording: lines of naive IST second and price, no heading. What it does not have is missing, not 0. */
function ticksOf(date: string, instruments: Instruments): Batch<Tick> {
  const lines = gunzipSync(readFileSync(join(data, `${date}.csv.gz`)))
    .toString()
    .trimEnd()
    .split('\n')
  const rows = new RowBuffer(Tick, lines.length)
  for (const column of ['volume', 'oi', 'bid', 'ask'] as const) rows.col[column].fill(NaN)
  rows.col.instrument.fill(instruments.id('NIFTY'))
  for (const [i, line] of lines.entries()) {
    const [time, price] = line.split(',')
    rows.col.ts[i] = attach(time, IST)
    rows.col.price[i] = Number(price)
  }
  rows.n = lines.length
  return rows.view(-Infinity)
}

describe.skipIf(!there)('two recorded days of NIFTY spot', () => {
  const folder = mkdtempSync(join(tmpdir(), 'real-'))
  const [lake, out] = [join(folder, 'lake'), join(folder, 'out')]
  const summaries = new Map<string, PartitionSummary>()
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  beforeAll(async () => {
    const instruments = new Instruments()
    for (const date of Object.keys(DAYS)) await writeLakeDay({ lake, date, ticks: ticksOf(date, instruments), order: 'time', instruments })
    const options = { topology: 'volume-burst', lake, out, params: [], workers: 1, resume: false, epoch: HOUR }
    await replay(options, { onPartition: (summary) => void summaries.set(summary.partition, summary) })
  })

  it.each(Object.entries(DAYS))('%s: every row is kept, or dropped by name', (date, day) => {
    const { rowsIn, counts, rowsOut, steps } = summaries.get(date) as PartitionSummary
    expect(rowsIn).toBe(day.rows)
    expect(Object.fromEntries(Object.entries(counts).filter(([, n]) => n > 0))).toEqual({ 'sessionFilter/off_session': day.outside })
    expect(steps.find(({ id }) => id === 'sessionFilter')?.rowsOut).toBe(day.kept)
    expect(rowsOut).toEqual({ seconds: 22_500, bursts: 22_500, signals: 0, late: 0 })
  })

  it.each(Object.entries(DAYS))('%s: a row for every second of the session, carried where there was no tick', async (date, day) => {
    const seconds =
      await duckRows<Stored>(`SELECT strftime(make_timestamp(epoch_us(ts) + ${IST.offset}), '%H:%M:%S') AS time, close, observed, age, vol
      FROM read_parquet('${out}/seconds/date=${date}/*.parquet') WHERE instrument = 'NIFTY' ORDER BY ts`)
    const session = Array.from({ length: 22_500 }, (_, i) => new Date((9 * 3600 + 15 * 60 + i) * 1000).toISOString().slice(11, 19))
    expect(seconds.map(({ time }) => time)).toEqual(session)
    expect(session.slice(-1)).toEqual(['15:29:59'])
    expect([seconds[0].close, seconds[22_499].close]).toEqual([day.first, day.last])
    const carried = seconds.filter(({ observed }) => !observed)
    expect(carried.map(({ time }) => time)).toEqual(day.carried)
    for (const [i, { close, age }] of carried.entries()) expect([age, close]).toEqual([i + 1, seconds[session.indexOf('11:06:14')].close])
  })

  it.each(Object.keys(DAYS))('%s: each close is the recorded price of its second', async (date) => {
    const [{ wrong, n }] = await duckRows<{ wrong: number; n: number }>(`
      WITH csv AS (SELECT column0::TIMESTAMP AS time, last(column1) AS price FROM read_csv('${data}/${date}.csv.gz', header = false) GROUP BY ALL)
      SELECT count(*)::INTEGER AS n, (count(*) FILTER (close <> price))::INTEGER AS wrong FROM csv
      JOIN read_parquet('${out}/seconds/date=${date}/*.parquet') s ON epoch_us(time) = epoch_us(s.ts) + ${IST.offset} AND s.observed`)
    expect([n, wrong]).toEqual([DAYS[date as keyof typeof DAYS].kept, 0])
  })
})
