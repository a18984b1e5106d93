import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readMapping } from '../../../connectors/archives/mapping.ts'
import { input, ledgerRows, packedRows, packHere, scratch } from './packing.ts'
import { gdflCsv, kiteCsv, kiteParquet, parquetOf, type Snapshot, tarOf, zipOf } from './vendors.ts'

const DATE = '2024-01-04'
const CALL = 'NIFTY:2024-01-04:21500:CE'
const name = 'nifty2410421500ce.parquet'
const rows: Snapshot[] = [
  { time: '09:15:00', price: 100.05, volume: 2 ** 31 + 1, oi: 500, bid: 100, ask: 100.1 },
  { time: '09:15:00', price: 100.1, volume: 2 ** 31 + 76, oi: 500, bid: 100.05, ask: 0 },
  { time: '09:15:02', price: 99.95, volume: 2 ** 31 + 226, oi: 650, bid: 0, ask: 100 },
]
const expected = rows.map((row) => ({
  time: `${DATE} ${row.time}.000000`,
  instrument: CALL,
  price: row.price,
  volume: row.volume,
  oi: row.oi,
  bid: row.bid || null,
  ask: row.ask || null,
}))

describe('dumps of Kite recorders as Parquet', () => {
  test.each([
    ['a plain file', name, (file: Buffer) => file],
    ['in a folder whose name looks like a pattern', `[a*]?/${name}`, (file: Buffer) => file],
    ['in a zip', 'a.zip', (file: Buffer) => zipOf([{ name: `day/${name}`, bytes: file }])],
    ['stored in a zip', 'a.zip', (file: Buffer) => zipOf([{ name, bytes: file, stored: true }])],
    ['in a tar.gz', 'a.tar.gz', (file: Buffer) => gzipSync(tarOf([{ name, bytes: file }]))],
    ['in a gz', `${name}.gz`, (file: Buffer) => gzipSync(file)],
    ['in a zip in a zip', 'a.zip', (file: Buffer) => zipOf([{ name: 'b.zip', bytes: zipOf([{ name, bytes: file }]) }])],
  ])('%s', async (_, file, packed) => {
    const folder = scratch()
    const lake = join(folder, 'lake')
    const summary = await packHere(lake, [input(folder, file, packed(await kiteParquet(DATE, rows, 88.8)))])
    expect(await packedRows(lake)).toEqual(expected)
    expect(summary).toMatchObject({ rows: 3, reasons: { packed: 3 }, damaged: {}, warnings: [] })
    expect(readdirSync(join(lake, 'meta'))).not.toContain('packing')
  })

  test.each([
    ['without a zone: wall time of the market', 'timestamp::TIMESTAMP'],
    ['without a zone, in nanoseconds, as pandas writes them', 'timestamp::TIMESTAMP_NS'],
    ['with a zone', "timestamp::TIMESTAMP AT TIME ZONE 'Asia/Kolkata'"],
    ['as text', 'timestamp'],
    ['as text with a zone', "timestamp || '+05:30'"],
    ['in seconds since 1970', 'epoch(timestamp::TIMESTAMP)::BIGINT - 19800'],
    ['in milliseconds since 1970', 'epoch_ms(timestamp::TIMESTAMP) - 19800000'],
    ['in nanoseconds since 1970', 'epoch_ns(timestamp::TIMESTAMP) - 19800000000000'],
  ])('times %s', async (_, time) => {
    const folder = scratch()
    await packHere(join(folder, 'lake'), [input(folder, name, await kiteParquet(DATE, rows, 88.8, time))])
    expect(await packedRows(join(folder, 'lake'))).toEqual(expected)
  })

  test.each([
    ['ltp', 'price::DOUBLE AS ltp'],
    ['last_price', 'price::DOUBLE AS last_price'],
    ['a float of 4 bytes', 'price::FLOAT AS price'],
    ['a decimal', 'price::DECIMAL(10,2) AS price'],
    ['a text', 'price'],
  ])('the price is %s, never close', async (_, price) => {
    const folder = scratch()
    const file = await parquetOf(
      `SELECT timestamp::TIMESTAMP AS timestamp, close::DOUBLE AS close, ${price}, volume FROM csv`,
      kiteCsv(DATE, rows, 88.8),
    )
    await packHere(join(folder, 'lake'), [input(folder, name, file)])
    expect((await packedRows(join(folder, 'lake'))).map((row) => row.price)).toEqual([100.05, 100.1, 99.95])
  })

  test('every row that cannot be used is in the ledger with its number and values', async () => {
    const folder = scratch()
    const at = (time: string) => `TIMESTAMP '2024-01-04 ${time}'`
    const file = await parquetOf(`SELECT * FROM (VALUES
      (${at('09:15:00')}, '100.05', 1), (NULL, '1', 1), (TIMESTAMP '1970-01-01 05:30:00', '1', 1), (TIMESTAMP 'infinity', '1', 1),
      (${at('09:15:01')}, '0', 1), (${at('09:15:01')}, NULL, 1), (${at('09:15:01')}, '-5', 1), (${at('09:15:01')}, 'x', 1), (${at('09:15:01')}, 'inf', 1),
      (TIMESTAMP '2024-01-06 09:15:00', '1', 1)) AS t(timestamp, price, volume)`)
    const summary = await packHere(join(folder, 'lake'), [
      input(folder, name, file),
      input(folder, 'what.parquet', await kiteParquet(DATE, rows, 88.8)),
    ])
    expect(summary.rows).toBe(13)
    expect(await ledgerRows(join(folder, 'lake'))).toMatchObject([
      { member: name, date: null, reason: 'bad_time', rows: 3, line: 2 },
      { date: null, reason: 'unparsable_line', rows: 2, line: 8, text: expect.stringContaining('price=x') },
      { date: DATE, reason: 'packed', rows: 1 },
      { date: DATE, reason: 'zero_price', rows: 3, line: 5, text: expect.stringContaining('price=0') },
      { date: '2024-01-06', reason: 'non_trading_day', rows: 1, line: 10 },
      { member: 'what.parquet', reason: 'unknown_contract', rows: 3, line: 1 },
    ])
  })

  test.each([
    ['without rows', 'empty_file', 0, async () => parquetOf('SELECT * FROM csv LIMIT 0', kiteCsv(DATE, rows, 88.8))],
    ['cut off', 'truncated_container', 0, async () => (await kiteParquet(DATE, rows, 88.8)).subarray(0, 500)],
    ['of four bytes', 'truncated_container', 0, async () => Buffer.from('PAR1')],
    ['with a spoilt footer', 'corrupt_container', 0, async () => spoilt(await kiteParquet(DATE, rows, 88.8), -60)],
    ['whose times are all missing', 'bad_time', 2, async () => parquetOf('SELECT NULL AS timestamp, 1.5 AS price, 2 AS volume FROM range(2)')],
    ['of other columns', 'unknown_format', 1, async () => parquetOf('SELECT 1 AS a, 2 AS b')],
    ['whose price is a list', 'unknown_format', 1, async () => parquetOf('SELECT now() AS timestamp, [1] AS price, 2 AS volume')],
  ])('a file %s is in the ledger as %s', async (_, reason, count, file) => {
    const folder = scratch()
    const good = await kiteParquet(DATE, rows, 88.8)
    await packHere(join(folder, 'lake'), [
      input(
        folder,
        'a.zip',
        zipOf([
          { name: 'bad.parquet', bytes: await file() },
          { name, bytes: good },
        ]),
      ),
    ])
    expect(await ledgerRows(join(folder, 'lake'))).toMatchObject([
      { member: 'bad.parquet', reason, rows: count },
      { member: name, reason: 'packed', rows: 3 },
    ])
  })
})

function spoilt(bytes: Buffer, at: number): Buffer {
  bytes.fill(0xff, bytes.length + at, bytes.length + at + 20)
  return bytes
}

test('columns of Parquet by a mapping, by name or number; the headings of other vendors work too', async () => {
  const folder = scratch()
  const mapping = readMapping(input(folder, 'm.yaml', 'columns: { datetime: When, name: 2, price: Last, volume: Vol }\n'))
  const file = await parquetOf(
    `SELECT TIMESTAMP '2024-01-04 09:15:00.5' AS "When", 'NIFTY24JANFUT' AS "What", 7::HUGEINT AS "Vol", 21600.5::FLOAT AS "Last"`,
  )
  await packHere(join(folder, 'mapped'), [input(folder, 'a.parquet', file)], { format: 'csv', mapping })
  expect(await packedRows(join(folder, 'mapped'))).toMatchObject([{ instrument: 'NIFTY:2024-01-25:FUT', price: 21600.5, volume: 7 }])
  const gdfl = await parquetOf('SELECT * FROM csv', gdflCsv('NIFTY04JAN2421500CE.NFO', DATE, rows))
  await packHere(join(folder, 'gdfl'), [input(folder, 'b.parquet', gdfl)])
  expect(await packedRows(join(folder, 'gdfl'))).toMatchObject(expected.map((row) => ({ ...row, volume: 0 })))
})

test('a Parquet file cut off anywhere, or with any bytes flipped: there is a message and every row has a reason', async () => {
  const many = Array.from({ length: 40 }, (_, i) => ({
    time: `09:15:${String(i).padStart(2, '0')}`,
    price: 100 + i / 20,
    volume: i,
    bid: 99,
    ask: 101,
  }))
  const whole = await kiteParquet(DATE, many, 88.8)
  const flips = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(fc.option(fc.nat(whole.length)), flips, async (length, all) => {
      const broken = Buffer.from(whole)
      for (const [at, mask] of all) broken[at] ^= mask
      const folder = scratch()
      const lake = join(folder, 'lake')
      const summary = await packHere(lake, [input(folder, name, length === null ? broken : whole.subarray(0, length))])
      const ledger = await ledgerRows(lake)
      expect(ledger.reduce((sum, row) => sum + row.rows, 0)).toBe(summary.rows)
      expect(ledger.filter((row) => row.reason === 'packed').reduce((sum, row) => sum + row.rows, 0)).toBe((await packedRows(lake)).length)
      expect(ledger.length).toBeGreaterThan(0)
      for (const { reason, text } of ledger) if (reason !== 'packed' && reason !== 'empty_file') expect(text).not.toBeNull()
    }),
    { numRuns: 25 },
  )
})
