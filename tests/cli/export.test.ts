import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ExportSummary } from '../../cli/export.ts'
import { synthesise } from '../../cli/synth.ts'
import { duckRows } from '../../connectors/parquet/duck.ts'
import { runHere } from '../kit/inProcess.ts'
import { askPython, pythonWithPolars } from '../kit/polars.ts'

const base = mkdtempSync(join(tmpdir(), 'export-'))
const lake = join(base, 'lake')
const files = (what: string, folder = what): string => `read_parquet('${join(base, folder, what)}/**/*.parquet')`
const exported = async (what: string, folder: string, ...more: string[]): Promise<ExportSummary> => {
  const { code, stdout, stderr } = await runHere(['export', '--lake', lake, '--out', join(base, folder), '--what', what, '--json', ...more])
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as ExportSummary
}

/** The instrument's name, from the columns. */
const NAME =
  "concat_ws(':', symbol, strftime(expiry, '%Y-%m-%d'), CASE type WHEN 'FUT' THEN 'FUT' ELSE strike::BIGINT::VARCHAR END, nullif(nullif(type, 'SPOT'), 'FUT'))"
const VOLUME_BURST = ['replay', '--topology', 'volume-burst', '--quiet', '--outputs', 'seconds']
let ticks: ExportSummary
let seconds: ExportSummary
let bars: ExportSummary

beforeAll(async () => {
  await synthesise({ out: lake, days: 2, from: '2025-01-06', strikes: 1, rate: 0.2, seed: 7, symbol: 'NIFTY', order: 'time' })
  ticks = await exported('ticks', 'ticks')
  seconds = await exported('seconds', 'seconds')
  bars = await exported('bars', 'bars', '--bar', '300')
  expect((await runHere([...VOLUME_BURST, '--lake', lake, '--out', join(base, 'burst')])).code).toBe(0)
}, 60_000)
afterAll(() => rmSync(base, { recursive: true }))

/** Rows of one query that the other does not have, both ways, as often as they are there. */
const differing = async (a: string, b: string): Promise<number> => {
  const [{ n }] = await duckRows<{ n: number }>(
    `SELECT ((SELECT count(*) FROM (${a} EXCEPT ALL ${b})) + (SELECT count(*) FROM (${b} EXCEPT ALL ${a})))::DOUBLE AS n`,
  )
  return n
}

describe('what is exported', () => {
  it('seconds are those that volume-burst computes', async () => {
    const columns = 'epoch_us(ts) AS ts, second, close, vol, observed, age'
    expect(seconds.rows).toBeGreaterThan(100_000)
    expect(
      await differing(
        `SELECT ${NAME} AS name, ${columns} FROM ${files('seconds')}`,
        `SELECT instrument::VARCHAR AS name, ${columns} FROM ${files('seconds', 'burst')}`,
      ),
    ).toBe(0)
  })

  it('vol_delta adds up to the volume of each second of volume-burst, and the last price is its close', async () => {
    const made = `SELECT ${NAME} AS name, epoch_us(date_trunc('second', ts)) AS ts, last(price ORDER BY n) AS close, sum(vol_delta) AS vol
      FROM (SELECT *, row_number() OVER () AS n FROM ${files('ticks')}) GROUP BY ALL`
    const burst = `SELECT instrument::VARCHAR AS name, epoch_us(ts) AS ts, close, vol FROM ${files('seconds', 'burst')} WHERE observed`
    expect(await differing(made, burst)).toBe(0)
  })

  it('bars are what DuckDB makes of the ticks', async () => {
    const made = `SELECT ${NAME} AS name, epoch_us(time_bucket(INTERVAL 300 SECOND, ts)) AS ts, first(price ORDER BY n) AS open, max(price) AS high, min(price) AS low,
      last(price ORDER BY n) AS close, sum(vol_delta) AS volume, last(oi ORDER BY n) FILTER (oi IS NOT NULL) AS oi
      FROM (SELECT *, row_number() OVER () AS n FROM ${files('ticks')}) GROUP BY ALL`
    expect(bars.rows).toBeGreaterThan(300)
    expect(await differing(made, `SELECT ${NAME} AS name, epoch_us(ts) AS ts, open, high, low, close, volume, oi FROM ${files('bars')}`)).toBe(0)
  })

  it('every day is in the order of time, file after file', async () => {
    for (const what of ['ticks', 'seconds', 'bars']) {
      const before = `SELECT date, ts, lag(ts) OVER () AS before, lag(date) OVER () AS day FROM ${files(what)}`
      expect(await duckRows(`SELECT * FROM (${before}) WHERE date = day AND ts < before`), what).toEqual([])
    }
  })

  it('processes change nothing, nor do epochs', async () => {
    await exported('ticks', 'other', '--workers', '2', '--epoch', '20m')
    expect(await differing(`SELECT * FROM ${files('ticks')}`, `SELECT * FROM ${files('ticks', 'other')}`)).toBe(0)
    expect(readdirSync(join(base, 'other', 'ticks', 'date=2025-01-06')).length).toBeGreaterThan(
      readdirSync(join(base, 'ticks', 'ticks', 'date=2025-01-06')).length,
    )
  })

  it('of a lake as it arrived, with the lateness that there was, is what a sorted lake gives', async () => {
    const market = { days: 1, from: '2025-01-06', strikes: 1, rate: 0.2, seed: 7, symbol: 'NIFTY' }
    await synthesise({ out: join(base, 'arrival'), order: 'arrival', ...market })
    const args = ['export', '--lake', join(base, 'arrival'), '--what', 'ticks', '--json']
    const late = await runHere([...args, '--out', join(base, 'late')])
    expect((JSON.parse(late.stdout) as ExportSummary).dropped['eventTime/late']).toBeGreaterThan(0)
    expect((await runHere([...args, '--out', join(base, 'waited'), '--lateness', '10'])).code).toBe(0)
    const prices = (folder: string): string => `SELECT ${NAME} AS name, ts, vol_delta FROM ${files('ticks', folder)} WHERE date = DATE '2025-01-06'`
    expect(await differing(prices('ticks'), prices('waited'))).toBe(0)
  })

  it('says what was dropped, and where it is', () => {
    const [off, double] = [ticks.dropped['sessionFilter/off_session'], ticks.dropped['dedup/duplicate']]
    expect([ticks.rowsIn - off - double, ticks.folder, ticks.partitions]).toEqual([
      ticks.rows,
      join(base, 'ticks', 'ticks'),
      ['2025-01-06', '2025-01-07'],
    ])
  })
})

describe('other tools read it without tricks', () => {
  it('DuckDB: times with a zone, contracts in columns, the date from the folder', async () => {
    const types = await duckRows<{ column_name: string; column_type: string }>(`DESCRIBE SELECT * FROM ${files('ticks')}`)
    expect(types.map(({ column_name, column_type }) => `${column_name} ${column_type}`)).toEqual([
      'ts TIMESTAMP WITH TIME ZONE',
      'symbol VARCHAR',
      'expiry DATE',
      'strike DOUBLE',
      'type VARCHAR',
      ...['price', 'volume', 'oi', 'bid', 'ask', 'vol_delta'].map((name) => `${name} DOUBLE`),
      'date DATE',
    ])
    expect(
      await duckRows(`SELECT DISTINCT symbol, expiry IS NULL AS none, strike IS NULL AS struck, type FROM ${files('ticks')} ORDER BY type`),
    ).toEqual([
      { symbol: 'NIFTY', none: false, struck: false, type: 'CE' },
      { symbol: 'NIFTY', none: false, struck: false, type: 'PE' },
      { symbol: 'NIFTY', none: true, struck: true, type: 'SPOT' },
    ])
  })

  const python = pythonWithPolars()
  if (python === undefined) console.warn('skipped: no Python here has Polars; name one that has in TICKLOOM_PYTHON')
  it.skipIf(python === undefined)('Polars: the same numbers', async () => {
    const script = `
import json, polars as pl
bars = pl.scan_parquet('${join(base, 'bars', 'bars')}')
schema = bars.collect_schema()
said = bars.group_by('type').agg(pl.len().alias('n'), pl.col('volume').sum(), pl.col('ts').min().dt.convert_time_zone('Asia/Kolkata').dt.to_string('%H:%M'), pl.col('strike').max()).sort('type').collect()
print(json.dumps({'types': [str(schema[name]) for name in ('ts', 'symbol', 'expiry', 'strike', 'type', 'close', 'date')], 'rows': said.rows()}))`
    const rows = await duckRows<Record<string, unknown>>(
      `SELECT type, count(*)::DOUBLE AS n, sum(volume) AS volume, strftime(make_timestamp(epoch_us(min(ts)) + 19800000000), '%H:%M') AS first, max(strike) AS strike FROM ${files('bars')} GROUP BY type ORDER BY type`,
    )
    expect(askPython(python as string, script)).toEqual({
      types: ["Datetime(time_unit='us', time_zone='UTC')", 'String', 'Date', 'Float64', 'String', 'Float64', 'Date'],
      rows: rows.map((row) => Object.values(row)),
    })
  })
})

describe('tickloom export', () => {
  it('says how to read what it wrote, and of the dates and contracts asked for only', async () => {
    const out = join(base, 'one')
    const said = await runHere([
      'export',
      '--lake',
      lake,
      '--out',
      out,
      '--what',
      'bars',
      '--to',
      '2025-01-06',
      '--strikes',
      '24000',
      '--time',
      '09:15..09:20',
    ])
    expect([said.code, said.stdout]).toEqual([0, expect.stringContaining(`FROM '${join(out, 'bars')}/**/*.parquet'`)])
    expect(
      await duckRows(`SELECT count(DISTINCT ts)::INTEGER AS bars, max(strike) AS strike, min(date)::VARCHAR AS date FROM ${files('bars', 'one')}`),
    ).toEqual([{ bars: 5, strike: null, date: '2025-01-06' }])
  })

  it.each([
    [['--what', 'ticks', '--bar', '60'], '--bar is the length of bars'],
    [['--what', 'candles'], 'candles'],
    [['--what', 'bars', '--bar', '0'], '--bar'],
    [['--what', 'bars', '--lateness', 'soon'], '--lateness'],
    [['--what', 'bars', '--bar', '100000'], 'PARAMETER_INVALID'],
    [['--what', 'ticks', '--from', '2026-01-01'], 'LAKE_EMPTY'],
    [[], '--what'],
  ])('refuses %j', async (args, message) => {
    const answer = await runHere(['export', '--lake', lake, '--out', join(base, 'refused'), ...args])
    expect([answer.code, answer.stderr]).toEqual([2, expect.stringContaining(message)])
  })

  it('refuses a folder that has another export', async () => {
    const answer = await runHere(['export', '--lake', lake, '--out', join(base, 'bars'), '--what', 'bars', '--bar', '60'])
    expect([answer.code, answer.stderr]).toEqual([2, expect.stringContaining('RUN_MISMATCH')])
  })
})
