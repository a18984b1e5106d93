import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { readMapping } from '../../../connectors/archives/mapping.ts'
import { input, ledgerRows, packedRows, packHere, scratch } from './packing.ts'
import { gdflCsv, gdflHeading, kiteCsv, kiteParquet, type Snapshot, tarOf, truedataCsv, zipOf } from './vendors.ts'

const DATE = '2024-01-04'
const rows: Snapshot[] = [
  { time: '09:15:00', price: 100.05, quantity: 0, volume: 1000, oi: 500, bid: 100, ask: 100.1 },
  { time: '09:15:00', price: 100.1, quantity: 75, volume: 1075, oi: 500, bid: 100.05, ask: 0 },
  { time: '09:15:02', price: 99.95, quantity: 150, volume: 1225, oi: 650, bid: 0, ask: 100 },
]
const asPacked = (instrument: string, volumes: (number | null)[], book = true) =>
  rows.map((row, i) => ({
    time: `${DATE} ${row.time}.000000`,
    instrument,
    price: row.price,
    volume: volumes[i],
    oi: row.oi,
    bid: book && row.bid ? row.bid : null,
    ask: book && row.ask ? row.ask : null,
  }))

describe('GDFL', () => {
  const [ticker, call] = ['NIFTY04JAN2421500CE.NFO', 'NIFTY:2024-01-04:21500:CE']

  test('one CSV a contract; quantities become the volume of the day', async () => {
    const folder = scratch()
    const zip = zipOf([{ name: `Options/${ticker}.csv`, bytes: gdflCsv(ticker, DATE, rows) }])
    const summary = await packHere(join(folder, 'lake'), [input(folder, 'GFDLNFO_TICK_04012024.zip', zip)])
    expect(await packedRows(join(folder, 'lake'))).toEqual(asPacked(call, [0, 75, 225]))
    expect(summary).toMatchObject({ rows: 3, reasons: { packed: 3 }, days: [DATE], damaged: {} })
  })

  test.each([
    ['"Open Interest" apart', (csv: string) => csv.replace('OpenInterest', 'Open Interest')],
    ['CRLF', (csv: string) => csv.replaceAll('\n', '\r\n')],
    ['a BOM', (csv: string) => `\uFEFF${csv}`],
    ['every field in quotes', (csv: string) => csv.replace(/[^,\n]+/g, '"$&"')],
    ['no line break at the end', (csv: string) => csv.trimEnd()],
    ['empty lines', (csv: string) => csv.replaceAll('\n', '\n\n')],
  ])('the same with %s', async (_, quirk) => {
    const folder = scratch()
    const zip = zipOf([{ name: `Options/${ticker}.csv`, bytes: quirk(gdflCsv(ticker, DATE, rows)) }])
    await packHere(join(folder, 'lake'), [input(folder, 'a.zip', zip)])
    expect(await packedRows(join(folder, 'lake'))).toEqual(asPacked(call, [0, 75, 225]))
  })

  test('every row that cannot be used is in the ledger with its line', async () => {
    const folder = scratch()
    const row = (text: string) => `${ticker},${text}`
    const bytes = [
      gdflHeading,
      row('04/01/2024,09:15:00,0,1,1,1,1,0,0'),
      row('04/01/2024,09:15:00,,1,1,1,1,0,0'),
      row('04/01/2024,25:15:00,1,1,1,1,1,0,0'),
      row('31/02/2024,09:15:00,1,1,1,1,1,0,0'),
      row('01/01/1970,05:30:00,1,1,1,1,1,0,0'),
      row('06/01/2024,09:15:00,1,1,1,1,1,0,0'),
      row('04/01/2024,09:15:00,abc,1,1,1,1,0,0'),
      row('04/01/2024,09:15:00,1'),
      row('04/01/2024,09:15:00,1,"1,1,1,1,0,0'),
      'NIFTY-I.NFO,04/01/2024,09:15:00,1,1,1,1,1,0,0',
      ',04/01/2024,09:15:00,1,1,1,1,1,0,0',
      row('04/01/2024,09:15:00,1,1,1,1,1,0,0'),
    ].join('\n')
    const summary = await packHere(join(folder, 'lake'), [input(folder, 'a.zip', zipOf([{ name: 'a.csv', bytes }]))])
    expect(summary.rows).toBe(12)
    expect(await ledgerRows(join(folder, 'lake'))).toMatchObject([
      { date: null, reason: 'bad_time', rows: 3, line: 4 },
      { date: null, reason: 'unparsable_line', rows: 3, line: 8, text: row('04/01/2024,09:15:00,abc,1,1,1,1,0,0') },
      { date: DATE, reason: 'packed', rows: 1 },
      { date: DATE, reason: 'unknown_contract', rows: 2, line: 11 },
      { date: DATE, reason: 'zero_price', rows: 2, line: 2 },
      { date: '2024-01-06', reason: 'non_trading_day', rows: 1, line: 7 },
    ])
  })
})

describe('TrueData', () => {
  test.each([false, true])('daily zips in a zip, without headings, options and an index (stored: %s)', async (stored) => {
    const folder = scratch()
    const options = zipOf([{ name: 'NIFTY24010421500CE.csv', bytes: truedataCsv(DATE, rows) }])
    const index = zipOf([{ name: 'NIFTY 50.csv', bytes: truedataCsv(DATE, rows, true) }])
    const month = zipOf([
      { name: 'NSE_IDX_TICK_20240104.zip', bytes: index, stored },
      { name: 'NSE_OPT_TICK_20240104.zip', bytes: options, stored },
    ])
    await packHere(join(folder, 'lake'), [input(folder, 'month.zip', month)])
    expect(await packedRows(join(folder, 'lake'))).toEqual([
      ...asPacked('NIFTY:2024-01-04:21500:CE', [0, 75, 225]),
      ...asPacked('NIFTY', [0, 75, 225], false),
    ])
    expect((await ledgerRows(join(folder, 'lake'))).map(({ member }) => member)).toEqual([
      'NSE_IDX_TICK_20240104.zip!NIFTY 50.csv',
      'NSE_OPT_TICK_20240104.zip!NIFTY24010421500CE.csv',
    ])
  })
})

describe('Kite recorders', () => {
  const big = rows.map((row, i) => ({ ...row, volume: 2 ** 31 + i }))

  test.each([
    ['csv', 'nifty2410421500ce.csv', (csv: string) => Buffer.from(csv)],
    ['gz', 'nifty2410421500ce.csv.gz', (csv: string) => gzipSync(csv)],
    ['tar.gz', 'day.tar.gz', (csv: string) => gzipSync(tarOf([{ name: 'day/nifty2410421500ce.csv', bytes: csv }]))],
  ])('%s: the contract is the file’s name, volumes are unsigned, the price is no close', async (_, name, packed) => {
    const folder = scratch()
    const summary = await packHere(join(folder, 'lake'), [input(folder, name, packed(kiteCsv(DATE, big, 88.8)))])
    expect(await packedRows(join(folder, 'lake'))).toEqual(
      asPacked(
        'NIFTY:2024-01-04:21500:CE',
        big.map(({ volume }) => volume),
      ),
    )
    expect(summary.warnings).toEqual([])
  })

  test.each(['csv', 'parquet'])(
    '%s: pre-open rows stay in the lake as they came; --clean tells those whose last trade was yesterday',
    async (kind) => {
      const yesterday = '2024-01-03 15:29:58'
      const day: Snapshot[] = [
        { time: '09:07:01', price: 88.8, volume: 0, traded: yesterday }, // stale_pre_open
        { time: '09:07:30', price: 88.8, volume: 0, traded: '1970-01-01 05:30:00' }, // stale_pre_open
        { time: '09:08:00', price: 90, volume: 0 }, // off_session: traded today
        { time: '09:08:01', price: 88.8, volume: 0, traded: '' }, // off_session: nobody knows
        { time: '09:15:00', price: 88.8, volume: 0, traded: yesterday }, // packed: in the session
        ...rows.slice(1), // packed; 09:15:00 is a conflict
        { time: '15:31:00', price: 88.8, volume: 0, traded: yesterday }, // off_session: after the close
      ]
      const folder = scratch()
      const bytes = kind === 'csv' ? kiteCsv(DATE, day, 88.8) : await kiteParquet(DATE, day, 88.8)
      const path = input(folder, `nifty2410421500ce.${kind}`, bytes)
      expect(await packHere(join(folder, 'lake'), [path])).toMatchObject({ reasons: { packed: 8 } })
      expect(await packHere(join(folder, 'clean'), [path], { clean: true })).toMatchObject({
        reasons: { packed: 2, stale_pre_open: 2, off_session: 3, conflict: 1 },
      })
      expect(await ledgerRows(join(folder, 'clean'))).toContainEqual(
        expect.objectContaining({ reason: 'stale_pre_open', rows: 2, line: kind === 'csv' ? 2 : 1 }),
      )
    },
  )

  test('a price that is yesterday’s close in every row is warned of', async () => {
    const folder = scratch()
    const flat = Array.from({ length: 100 }, (_, i) => ({ time: `09:15:${String(i % 60).padStart(2, '0')}`, price: 88.8, volume: 1000 + i }))
    const summary = await packHere(join(folder, 'lake'), [input(folder, 'nifty2410421500ce.csv', kiteCsv(DATE, flat, 88.8))])
    expect(summary.warnings).toEqual([expect.stringMatching(/NIFTY:2024-01-04:21500:CE on 2024-01-04: the price equals .* close/)])
  })
})

describe('Tardis', () => {
  test('trades and options_chain, in microseconds UTC, by UTC day', async () => {
    const folder = scratch()
    const trades =
      'exchange,symbol,timestamp,local_timestamp,id,side,price,amount\nbybit,BTCUSDT,1704339900123456,1704339900200000,1,buy,43000.5,0.25\n'
    const chain = `exchange,symbol,timestamp,local_timestamp,type,strike_price,expiration,open_interest,last_price,bid_price,bid_amount,bid_iv,ask_price,ask_amount,ask_iv,mark_price,mark_iv,underlying_index,underlying_price,delta,gamma,vega,theta,rho
bybit-options,BTC-26JAN24-42000-C,1704339900500000,1704339900600000,call,42000,1706256000000000,12.5,1500,1495,1,50,1505,1,51,1500,50,SYN,43000,0.5,0,1,1,1
`
    await packHere(join(folder, 'lake'), [input(folder, 't.csv.gz', gzipSync(trades)), input(folder, 'c.csv.gz', gzipSync(chain))])
    expect(await packedRows(join(folder, 'lake'))).toEqual([
      { time: '2024-01-04 09:15:00.500000', instrument: 'BTC:2024-01-26:42000:CE', price: 1500, volume: null, oi: 12.5, bid: 1495, ask: 1505 },
      { time: '2024-01-04 09:15:00.123456', instrument: 'BTCUSDT', price: 43000.5, volume: 0.25, oi: null, bid: null, ask: null },
    ])
  })
})

describe('plain CSV', () => {
  test('columns by a mapping', async () => {
    const folder = scratch()
    const yaml = 'separator: ";"\ndates: dmy\ncolumns: { datetime: When, name: What, price: Last, volume: Vol }\n'
    const mapping = readMapping(input(folder, 'm.yaml', yaml))
    const csv = 'When;What;Vol;Last;Else\n04-01-2024 09:15:00.5;NIFTY24JANFUT;10;21600,5;x\n04-01-2024T09:15:01;NIFTY24JANFUT;20;21601.5;y\n'
    await packHere(join(folder, 'lake'), [input(folder, 'a.csv', csv)], { format: 'csv', mapping })
    expect(await packedRows(join(folder, 'lake'))).toMatchObject([
      { time: '2024-01-04 09:15:01.000000', instrument: 'NIFTY:2024-01-25:FUT', price: 21601.5, volume: 20 },
    ])
    expect(await ledgerRows(join(folder, 'lake'))).toMatchObject([{ reason: 'unparsable_line', line: 2 }, { reason: 'packed' }])
  })

  test.each([
    ['columns: { price: 2 }', /give datetime, or epoch, or date and time/],
    ['columns: { price: Last, datetime: 1 }\nheader: false', /numbers, from 1/],
    ['colums: {}', /colums/],
    ['a: [', /a/],
  ])('%s is refused by name', (yaml, message) => {
    const path = input(scratch(), 'm.yaml', yaml)
    expect(() => readMapping(path)).toThrow(message)
  })
})
