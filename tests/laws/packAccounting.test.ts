import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BARS_MANIFEST, readLines } from '../../connectors/parquet/manifest.ts'
import { input, ledgerRows, packedRows, packHere, scratch } from '../connectors/archives/packing.ts'
import { gdflBarsCsv, gdflCsv, kiteCsv, kiteParquet, type Snapshot, tarOf, truedataCsv, zipOf } from '../connectors/archives/vendors.ts'

const DATE = '2024-01-04'
const rows: Snapshot[] = Array.from({ length: 40 }, (_, i) => ({
  time: `09:15:${String(i).padStart(2, '0')}`,
  price: 100 + i / 20,
  quantity: 75,
  volume: 75 * i,
  bid: 99,
  ask: 101,
}))
const ticker = 'NIFTY04JAN2421500CE.NFO'
const csv = gdflCsv(ticker, DATE, rows)

const bars = rows.map(({ price }, i) => ({
  time: `09:${15 + i}:59`,
  open: price,
  high: price,
  low: i % 3 ? price : 0,
  close: price,
  volume: i,
  oi: 0,
}))

const archives = {
  'GDFL zip': {
    name: 'a.zip',
    bytes: zipOf([
      { name: 'Options/a.csv', bytes: csv },
      { name: 'Options/b.csv', bytes: csv, stored: true },
    ]),
  },
  'zip in zip': {
    name: 'a.zip',
    bytes: zipOf([{ name: 'NSE_OPT_TICK_20240104.zip', bytes: zipOf([{ name: 'NIFTY24010421500CE.csv', bytes: truedataCsv(DATE, rows) }]) }]),
  },
  gz: { name: 'nifty2410421500ce.csv.gz', bytes: gzipSync(kiteCsv(DATE, rows, 90)) },
  'tar.gz': { name: 'a.tar.gz', bytes: gzipSync(tarOf([{ name: 'nifty2410421500ce.csv', bytes: kiteCsv(DATE, rows, 90) }])) },
  csv: { name: 'a.csv', bytes: Buffer.from(csv) },
  'bars in a zip': { name: 'a.zip', bytes: zipOf([{ name: 'a.csv', bytes: gdflBarsCsv(ticker, DATE, bars) }]) },
  'Parquet in a zip': {
    name: 'a.zip',
    bytes: zipOf([{ name: 'nifty2410421500ce.parquet', bytes: await kiteParquet(DATE, rows, 90), stored: true }]),
  },
}

/** Packs, and holds the summary, the ledger and the files against each other. */
async function packAndCount(name: string, bytes: Uint8Array, clean = false): Promise<void> {
  const folder = scratch()
  const lake = join(folder, 'lake')
  const summary = await packHere(lake, [input(folder, name, bytes)], { clean })
  const ledger = await ledgerRows(lake)
  const told = (reason?: string): number =>
    ledger.filter((row) => reason === undefined || row.reason === reason).reduce((sum, row) => sum + row.rows, 0)
  expect(told()).toBe(summary.rows)
  const inFiles = (await packedRows(lake)).length + readLines(lake, BARS_MANIFEST).reduce((sum, line) => sum + line.rows, 0)
  expect(told('packed') + told('repaired')).toBe(inFiles)
  expect(ledger.length).toBeGreaterThan(0)
  for (const { reason, text, member } of ledger)
    if (!['packed', 'repaired', 'empty_file'].includes(reason)) expect(text, `${member} ${reason}`).not.toBeNull()
}

test.each(Object.entries(archives))('%s: cut off anywhere, there is a message and every row has a reason', async (_, { name, bytes }) => {
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length), async (length) => packAndCount(name, bytes.subarray(0, length))),
    { numRuns: 6 },
  )
})

test.each(Object.entries(archives))('%s: with any bytes flipped, there is a message and every row has a reason', async (_, { name, bytes }) => {
  const flips = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(flips, async (all) => {
      const broken = Buffer.from(bytes)
      for (const [at, mask] of all) broken[at] ^= mask
      await packAndCount(name, broken)
    }),
    { numRuns: 8 },
  )
})

test('lines of any text: each is counted once', async () => {
  const line = fc.oneof(
    fc.constant(csv.split('\n')[3]),
    fc.string(),
    fc.string({ unit: fc.constantFrom(',', '"', '\r', ' ', '1', '.', '-', 'e', 'é', '\u0000', '/', ':') }),
    fc.constantFrom(`${ticker},04/01/2024,09:15:00,1e3,1,1,1,1,1,1`, `"${ticker}","04/01/2024",09:15:00,"1,000.5",,,,,,`, csv.split('\n')[0]),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 30 }), fc.constantFrom('\n', '\r\n'), fc.boolean(), async (lines, ending, clean) => {
      const text = [csv.split('\n')[0], ...lines].join(ending)
      const expected = text
        .split('\n')
        .slice(1)
        .filter((one) => one !== '' && one !== '\r').length
      const folder = scratch()
      const summary = await packHere(join(folder, 'lake'), [input(folder, 'a.csv', Buffer.from(text))], { clean })
      expect(summary.rows).toBe(expected)
      await packAndCount('a.csv', Buffer.from(text), clean)
    }),
    { numRuns: 20 },
  )
})

test('a torn gz: the whole rows before the break are packed, the torn one is named', async () => {
  const noise = rows.map((row, i) => ({ ...row, price: 100 + ((i * 7919) % 97) / 20 }))
  const whole = gzipSync(kiteCsv(DATE, noise, 90))
  const folder = scratch()
  await packHere(join(folder, 'lake'), [input(folder, 'nifty2410421500ce.csv.gz', whole.subarray(0, whole.length - 200))])
  const packed = await packedRows(join(folder, 'lake'))
  expect(packed.length).toBeGreaterThan(0)
  expect(packed.length).toBeLessThan(rows.length)
  expect(packed.map(({ price }) => price)).toEqual(noise.slice(0, packed.length).map(({ price }) => price))
  expect(await ledgerRows(join(folder, 'lake'))).toContainEqual(
    expect.objectContaining({ reason: 'truncated_container', rows: 1, line: packed.length + 2 }),
  )
})

test('a member with a wrong checksum: nothing of it is believed, all of it is counted, its neighbours stay', async () => {
  const zip = zipOf([
    { name: 'a.csv', bytes: csv, stored: true },
    { name: 'b.csv', bytes: csv },
  ])
  zip[zip.indexOf('09:15:05')] = 0x31
  const folder = scratch()
  await packHere(join(folder, 'lake'), [input(folder, 'a.zip', zip)])
  expect(await ledgerRows(join(folder, 'lake'))).toMatchObject([
    { member: 'a.csv', date: null, reason: 'corrupt_container', rows: 0, text: 'a.csv: its checksum is wrong' },
    { member: 'a.csv', date: DATE, reason: 'corrupt_container', rows: 40, text: 'a.csv: its checksum is wrong' },
    { member: 'b.csv', reason: 'packed', rows: 40 },
  ])
})
