import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'
import { quoted, withDuck } from '../../../connectors/parquet/duck.ts'

/** Writers of what vendors send, quirks and all: written here, so that what is read is compared with something else. */

export interface ZipEntry {
  readonly name: string
  readonly bytes: Uint8Array | string
  readonly stored?: boolean
}

/** A zip archive. */
export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const bodies: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, bytes, stored = false } of entries) {
    const plain = Buffer.from(bytes as string)
    const packed = stored ? plain : deflateRawSync(plain)
    const label = Buffer.from(name)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(0x0800, 2)
    common.writeUInt16LE(stored ? 0 : 8, 4)
    common.writeUInt32LE(crc32(plain), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(plain.length, 18)
    common.writeUInt16LE(label.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, label, packed])
    const central = Buffer.alloc(46)
    central.write('PK\x01\x02', 'latin1')
    central.writeUInt16LE(20, 4)
    common.copy(central, 6, 0, 24)
    central.writeUInt32LE(offset, 42)
    directory.push(central, label)
    bodies.push(local)
    offset += local.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...bodies, central, end])
}

/** A tar archive of plain files. */
export function tarOf(entries: readonly ZipEntry[]): Buffer {
  const blocks = entries.flatMap(({ name, bytes }) => {
    const body = Buffer.from(bytes as string)
    const head = Buffer.alloc(512)
    head.write(name, 0)
    head.write('0000644\0', 100)
    head.write('0000000\0', 108)
    head.write('0000000\0', 116)
    head.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124)
    head.write('00000000000\0', 136)
    head.write('        ', 148)
    head.write('0', 156)
    head.write('ustar\x0000', 257)
    const sum = head.reduce((total, byte) => total + byte, 0)
    head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    return [head, body, Buffer.alloc((512 - (body.length % 512)) % 512)]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

/** A snapshot as a test writes it down. */
export interface Snapshot {
  /** HH:MM:SS */
  readonly time: string
  readonly price: number
  /** Of this row. */
  readonly quantity?: number
  /** Since the day began. */
  readonly volume?: number
  readonly oi?: number
  readonly bid?: number
  readonly ask?: number
  /** Time of the last trade; that of the row when it is left out. */
  readonly traded?: string
}

export const gdflHeading = 'Ticker,Date,Time,LTP,BuyPrice,BuyQty,SellPrice,SellQty,LTQ,OpenInterest'

/** A CSV of GDFL: date DD/MM/YYYY, quantities and no volume. */
export function gdflCsv(ticker: string, date: string, rows: readonly Snapshot[], heading: string = gdflHeading): string {
  const [year, month, day] = date.split('-')
  const lines = rows.map(
    (r) => `${ticker},${day}/${month}/${year},${r.time},${r.price},${r.bid ?? 0},75,${r.ask ?? 0},75,${r.quantity ?? 0},${r.oi ?? 0}`,
  )
  return [heading, ...lines, ''].join('\n')
}

/** A bar as a test writes it down. */
export interface BarRow {
  /** HH:MM:SS */
  readonly time: string
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
  readonly oi: number
}

/** A CSV of GDFL's bars: stamped with the last second of each. */
export function gdflBarsCsv(ticker: string, date: string, rows: readonly BarRow[]): string {
  const [year, month, day] = date.split('-')
  const lines = rows.map((r) => `${ticker},${day}/${month}/${year},${r.time},${r.open},${r.high},${r.low},${r.close},${r.volume},${r.oi}`)
  return ['Ticker,Date,Time,Open,High,Low,Close,Volume,Open Interest', ...lines, ''].join('\n')
}

/** A CSV of TrueData: no heading; an index has five columns. */
export function truedataCsv(date: string, rows: readonly Snapshot[], index = false): string {
  const day = date.replaceAll('-', '')
  return rows.map((r) => `${day},${r.time},${r.price},${r.quantity ?? 0},${r.oi ?? 0}${index ? '' : `,${r.bid ?? 0},75,${r.ask ?? 0},75`}\n`).join('')
}

const levels = (side: string): string => [0, 1, 2, 3, 4].map((n) => `${side}q${n},${side}p${n},${side}o${n}`).join(',')
export const kiteHeading = `timestamp,price,qty,avgPrice,volume,bQty,sQty,open,high,low,close,changeper,lastTradeTime,oi,oiHigh,oiLow,${levels('b')},${levels('s')}`

/** A CSV of a Kite recorder: volumes as a signed int32, `close` yesterday's. */
export function kiteCsv(date: string, rows: readonly Snapshot[], close: number): string {
  const book = (price: number): string => `75,${price},1${',0,0,0'.repeat(4)}`
  const lines = rows.map(
    (r) =>
      `${date} ${r.time},${r.price},75,${r.price},${(r.volume ?? 0) | 0},1000,1000,${r.price},${r.price},${r.price},${close},0.5,${r.traded ?? `${date} ${r.time}`},${r.oi ?? 0},0,0,${book(r.bid ?? 0)},${book(r.ask ?? 0)}`,
  )
  return [kiteHeading, ...lines, ''].join('\n')
}

/** Rows as Parquet by a SELECT of DuckDB's, `csv` standing for the table of a CSV with a heading, all of it text. */
export async function parquetOf(select: string, csv = 'none\n'): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'parquet-'))
  const [from, to] = [join(folder, 'a.csv'), join(folder, 'a.parquet')]
  try {
    writeFileSync(from, csv)
    const table = `read_csv(${quoted(from)}, all_varchar = true, header = true)`
    await withDuck((connection) => connection.run(`COPY (WITH csv AS (SELECT * FROM ${table}) ${select}) TO ${quoted(to)} (FORMAT parquet)`))
    return readFileSync(to)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A Kite recorder's dump as Parquet: times without a zone, prices as double, volumes as a signed int32. */
export function kiteParquet(date: string, rows: readonly Snapshot[], close: number, time = 'timestamp::TIMESTAMP'): Promise<Buffer> {
  const types = `price::DOUBLE AS price, volume::INTEGER AS volume, close::DOUBLE AS close, oi::BIGINT AS oi, bp0::DOUBLE AS bp0, sp0::DOUBLE AS sp0`
  return parquetOf(`SELECT * REPLACE (${time} AS timestamp, ${types}) FROM csv`, kiteCsv(date, rows, close))
}
