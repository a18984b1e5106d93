import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readMapping } from '../../../connectors/archives/mapping.ts'
import { duckRows } from '../../../connectors/parquet/duck.ts'
import { discover } from '../../../connectors/parquet/layout.ts'
import { BARS_MANIFEST, readLines } from '../../../connectors/parquet/manifest.ts'
import { input, ledgerRows, packedRows, packHere, scratch } from './packing.ts'
import { type BarRow, gdflBarsCsv, gdflCsv, parquetOf, zipOf } from './vendors.ts'

const DATE = '2024-01-04'
const [ticker, call] = ['NIFTY04JAN2421500CE.NFO', 'NIFTY:2024-01-04:21500:CE']
const bars: BarRow[] = [
  { time: '09:15:59', open: 100, high: 103, low: 99, close: 102, volume: 750, oi: 500 },
  { time: '09:16:59', open: 0, high: 101, low: 0, close: 102, volume: 0, oi: 500 },
  { time: '09:17:59', open: 102, high: 102.5, low: 101, close: 101.5, volume: 75, oi: 650 },
]
const mended = [bars[0], { ...bars[1], open: 102, high: 102, low: 102 }, bars[2]]

/** The bars that the manifest names, file after file. */
async function packedBars(lake: string): Promise<(BarRow & { instrument: string })[]> {
  const files = [...new Set(readLines(lake, BARS_MANIFEST).map(({ path }) => join(lake, path)))].sort()
  if (files.length === 0) return []
  return duckRows(`
    SELECT strftime(make_timestamp(epoch_us(ts) + 19800000000), '%H:%M:%S') AS time, instrument::VARCHAR AS instrument, open, high, low, close, volume, oi
    FROM read_parquet([${files.map((file) => `'${file}'`).join(', ')}], hive_partitioning = false, filename = true, file_row_number = true)
    ORDER BY filename, file_row_number`)
}

describe('bars', () => {
  test('of GDFL go into bars/, mended, each repaired one in the ledger; ticks of the same archive into ticks/', async () => {
    const folder = scratch()
    const lake = join(folder, 'lake')
    const zip = zipOf([
      { name: 'bars.csv', bytes: gdflBarsCsv(ticker, DATE, bars) },
      { name: 'ticks.csv', bytes: gdflCsv(ticker, DATE, [{ time: '09:15:00', price: 100 }]) },
    ])
    const summary = await packHere(lake, [input(folder, 'a.zip', zip)])
    expect(summary).toMatchObject({ rows: 4, files: 2, reasons: { packed: 3, repaired: 1 }, warnings: [] })
    expect(await packedBars(lake)).toEqual(mended.map((bar) => ({ ...bar, instrument: call })))
    expect(await packedRows(lake)).toHaveLength(1)
    expect(await ledgerRows(lake)).toMatchObject([
      { member: 'bars.csv', date: DATE, reason: 'packed', rows: 2 },
      { member: 'bars.csv', date: DATE, reason: 'repaired', rows: 1, line: 3 },
      { member: 'ticks.csv', reason: 'packed', rows: 1 },
    ])
    expect(readLines(lake, BARS_MANIFEST)).toMatchObject([
      { date: DATE, rows: 3, path: expect.stringMatching(/^bars\/symbol=NIFTY\/date=2024-01-04\//) },
    ])
  })

  test('are never read as ticks, also where the lake has nothing else', async () => {
    const folder = scratch()
    const lake = join(folder, 'lake')
    await packHere(lake, [input(folder, 'a.csv', gdflBarsCsv(ticker, DATE, bars))])
    expect(existsSync(join(lake, 'bars'))).toBe(true)
    expect(discover(lake)).toEqual([])
  })

  test('by a mapping, of CSV and Parquet', async () => {
    const yaml = 'columns: { datetime: when, name: what, open: o, high: h, low: l, close: c, volume: v, oi: i }\n'
    const csv = [
      'when,what,o,h,l,c,v,i',
      ...bars.map((b) => `${DATE} ${b.time},NIFTY2410421500CE,${b.open},${b.high},${b.low},${b.close},${b.volume},${b.oi}`),
    ].join('\n')
    const parquet = await parquetOf('SELECT "when"::TIMESTAMP AS "when", * EXCLUDE ("when") FROM csv', csv)
    for (const [name, bytes] of [
      ['a.csv', csv],
      ['a.parquet', parquet],
    ] as const) {
      const folder = scratch()
      const mapping = readMapping(input(folder, 'm.yaml', yaml))
      await packHere(join(folder, 'lake'), [input(folder, name, bytes)], { format: 'csv', mapping })
      expect(await packedBars(join(folder, 'lake'))).toEqual(mended.map((bar) => ({ ...bar, instrument: call })))
    }
  })

  test.each([
    ['columns: { datetime: 1, close: 2 }', /give price, .* for ticks, or open, high, low and close for bars/],
    ['columns: { datetime: 1, price: 2, close: 3 }', /give price/],
    ['columns: { datetime: 1, open: 2, high: 3, low: 4, close: 5, bid: 6 }', /bars have no bid or ask/],
  ])('a mapping of neither ticks nor bars is refused: %s', (yaml, message) => {
    expect(() => readMapping(input(scratch(), 'm.yaml', yaml))).toThrow(message)
  })

  test('--clean leaves out doubles and what is outside the session; without a close, or a time, none is packed', async () => {
    const folder = scratch()
    const [first, , third] = bars
    const rows = [first, first, { ...first, high: 110 }, { ...third, time: '15:30:00' }, { ...third, close: 0 }, { ...third, time: '25:00:00' }]
    await packHere(join(folder, 'lake'), [input(folder, 'a.csv', gdflBarsCsv(ticker, DATE, rows))], { clean: true })
    expect(await packedBars(join(folder, 'lake'))).toEqual([{ ...first, instrument: call }])
    expect((await ledgerRows(join(folder, 'lake'))).map(({ reason, rows: n, line }) => [reason, n, line])).toEqual([
      ['bad_time', 1, 7],
      ['conflict', 1, 4],
      ['duplicate', 1, 3],
      ['off_session', 1, 5],
      ['packed', 1, null],
      ['zero_price', 1, 6],
    ])
  })

  test('too many to be sorted at once become parts that follow each other', async () => {
    const folder = scratch()
    const many = Array.from({ length: 300 }, (_, i) => ({
      ...bars[i % 3],
      time: `${String(9 + Math.floor((i + 15) / 60)).padStart(2, '0')}:${String((i + 15) % 60).padStart(2, '0')}:59`,
    }))
    const shuffled = many.map((bar, i) => many[(i * 7) % many.length] ?? bar)
    const path = input(folder, 'a.csv', gdflBarsCsv(ticker, DATE, shuffled))
    await packHere(join(folder, 'whole'), [path])
    const summary = await packHere(join(folder, 'parted'), [path], { partRows: 40 })
    expect(summary.files).toBeGreaterThan(7)
    expect(await packedBars(join(folder, 'parted'))).toEqual(await packedBars(join(folder, 'whole')))
    expect((await packedBars(join(folder, 'whole'))).map(({ time }) => time)).toEqual(many.map(({ time }) => time))
  })

  test('of another length than those before are warned of', async () => {
    const folder = scratch()
    const every = (minutes: number): BarRow[] =>
      Array.from({ length: 25 }, (_, i) => ({
        ...bars[0],
        time: `${10 + Math.floor((i * minutes) / 60)}:${String((i * minutes) % 60).padStart(2, '0')}:59`,
      }))
    const other = 'NIFTY04JAN2421600CE.NFO'
    const zip = zipOf([
      { name: 'a.csv', bytes: gdflBarsCsv(ticker, DATE, every(1)) },
      { name: 'b.csv', bytes: gdflBarsCsv(other, DATE, every(5)) },
    ])
    const summary = await packHere(join(folder, 'lake'), [input(folder, 'a.zip', zip)])
    expect(summary.warnings).toEqual([
      expect.stringMatching(/b\.csv: bars of NIFTY:2024-01-04:21600:CE on 2024-01-04 are 300 s apart, those before 60 s/),
    ])
  })

  test('of a member with a wrong checksum are not believed; a changed input takes the place of its bars', async () => {
    const folder = scratch()
    const lake = join(folder, 'lake')
    const broken = zipOf([
      { name: 'a.csv', bytes: gdflBarsCsv(ticker, DATE, bars), stored: true },
      { name: 'b.csv', bytes: gdflBarsCsv('NIFTY04JAN2421600CE.NFO', DATE, bars) },
    ])
    broken[broken.indexOf('09:15:59')] = 0x31
    const path = input(folder, 'a.zip', broken)
    expect(await packHere(lake, [path])).toMatchObject({ rows: 6, reasons: { corrupt_container: 3, packed: 2, repaired: 1 } })
    input(folder, 'a.zip', zipOf([{ name: 'a.csv', bytes: gdflBarsCsv(ticker, DATE, bars) }]))
    await packHere(lake, [path])
    expect(await packedBars(lake)).toEqual(mended.map((bar) => ({ ...bar, instrument: call })))
    const files = (readdirSync(join(lake, 'bars'), { recursive: true }) as string[]).filter((name) => name.endsWith('.parquet'))
    expect(files).toHaveLength(1)
  })
})
