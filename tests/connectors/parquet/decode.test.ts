import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unsnap } from '../../../connectors/parquet/decode/snappy.ts'
import { parquetSource } from '../../../connectors/parquet/source.ts'
import { TickloomError } from '../../../core/errors.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Tick } from '../../../core/market.ts'
import { copy, folder, OPEN, readAll } from './fixtures.ts'

const SOME = 5_000

/** One contract's ticks: `values` tells how many different prices and volumes there are, `nulls` that every so many are missing. */
function select({ rows, values, nulls, price, volume }: { rows: number; values: number; nulls: number; price: string; volume: string }): string {
  const missing = (value: string): string => (nulls === 0 ? value : `CASE WHEN hash(i) % ${nulls} > 0 THEN ${value} END`)
  return `SELECT make_timestamptz((${OPEN} + i // 3 * 250000)::BIGINT) AS ts, ${missing(`(hash(i + 1) % ${values})`)}::${price} AS ltp,
    ${missing(`((hash(i) % ${values})::BIGINT - ${values} // 2)`)}::${volume} AS volume, i::DOUBLE AS oi FROM range(${rows}) t(i)`
}

const fileOf = (lake: string, strike = 24_000): string => join(lake, `symbol=NIFTY/date=2025-01-06/expiry=2025-01-09/strike=${strike}/CE.parquet`)

describe('decoding', () => {
  const written = fc.record({
    rows: fc.integer({ min: 1, max: SOME }),
    values: fc.constantFrom(1, 2, 3, 30, 700, 60_000),
    nulls: fc.constantFrom(0, 0, 1, 2, 50),
    price: fc.constantFrom('DOUBLE', 'FLOAT', 'INTEGER', 'BIGINT'),
    volume: fc.constantFrom('BIGINT', 'INTEGER', 'SMALLINT', 'DOUBLE'),
    codec: fc.constantFrom('zstd', 'snappy', 'uncompressed'),
    group: fc.constantFrom(2_048, 122_880),
    dictionary: fc.constantFrom(0, 100_000),
    files: fc.constantFrom(1, 3),
  })

  it('gives the rows that DuckDB reads, alone and merged, whatever types, missing values, compression, dictionaries and row groups', async () => {
    await fc.assert(
      fc.asyncProperty(written, async (given) => {
        const lake = folder()
        const options = `, COMPRESSION ${given.codec}, ROW_GROUP_SIZE ${given.group}${given.dictionary > 0 ? `, DICTIONARY_SIZE_LIMIT ${given.dictionary}` : ''}`
        for (let k = 0; k < given.files; k++) await copy(fileOf(lake, 24_000 + 100 * k), select({ ...given, rows: given.rows + 37 * k }), options)
        expect(await readAll({ lake, reader: 'direct' })).toEqual(await readAll({ lake, reader: 'duckdb' }))
        rmSync(lake, { recursive: true })
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  it('ends with a failure that names the file, or gives rows, whatever byte is damaged and wherever it is cut off', async () => {
    const lake = folder()
    const file = await copy(fileOf(lake), select({ rows: 3_000, values: 40, nulls: 9, price: 'DOUBLE', volume: 'BIGINT' }), ', COMPRESSION zstd')
    const whole = readFileSync(file)
    const source = parquetSource({ lake, columns: Tick, instruments: new Instruments(), reader: 'direct' })
    // Planned of the whole file: what the footer says is not looked at by anybody else then.
    const [{ name }] = await source.partitions()
    const damage = fc.array(fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) }), { minLength: 1, maxLength: 3 })
    let failed = 0
    await fc.assert(
      fc.asyncProperty(damage, fc.option(fc.nat(whole.length - 1), { freq: 4 }), async (bytes, length) => {
        const copy = Buffer.from(whole)
        for (const { at, byte } of bytes) copy[at] = byte
        writeFileSync(file, length === null ? copy : copy.subarray(0, length))
        try {
          for await (const delivery of source.open(name, undefined, new AbortController().signal)) expect(delivery.batch.n).toBeLessThanOrEqual(3_000)
        } catch (thrown) {
          if (!(thrown instanceof TickloomError)) throw thrown
          expect(['FILE_CORRUPT', 'FILE_UNSORTED', 'OPTION_INVALID']).toContain(thrown.code)
          expect(thrown.message).toContain(file)
          failed++
        }
      }),
      { numRuns: 300 },
    )
    expect(failed).toBeGreaterThan(50)
  }, 60_000)

  it('leaves what it cannot decode to an engine, and says why where it alone was asked for', async () => {
    const lake = folder()
    await copy(fileOf(lake), select({ rows: 500, values: 40, nulls: 0, price: 'DOUBLE', volume: 'BIGINT' }), ', COMPRESSION gzip')
    await expect(readAll({ lake, reader: 'direct' })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('the compression of ts'),
    })
    expect(await readAll({ lake })).toEqual(await readAll({ lake, reader: 'duckdb' }))
  })

  it('several readers at once, some of which stop early, do not disturb each other', async () => {
    const lake = folder()
    await copy(fileOf(lake), select({ rows: 200_000, values: 700, nulls: 0, price: 'DOUBLE', volume: 'BIGINT' }))
    const count = async (most: number): Promise<number> => {
      const source = parquetSource({ lake, columns: Tick, instruments: new Instruments(), reader: 'direct' })
      let rows = 0
      for await (const { batch } of source.open('2025-01-06', undefined, new AbortController().signal)) {
        for (let i = 0; i < batch.n; i++) if (batch.col.oi[i] !== rows + i) throw new Error(`row ${rows + i} is ${batch.col.oi[i]}`)
        rows += batch.n
        if (rows >= most) break
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
      return rows
    }
    const counts = await Promise.all([Infinity, 1, Infinity, 50_000, Infinity].map(count))
    expect(counts.map((rows) => (rows < 200_000 ? 'some' : rows))).toEqual([200_000, 'some', 200_000, 'some', 200_000])
    expect(await count(Infinity)).toBe(200_000)
  })
})

it('decompresses Snappy: literals of every length, copies near and far and over themselves', () => {
  // 20 different bytes, a copy of 11 from 20 back, one of 64 from 1 back, a literal of 70.
  const literal = Uint8Array.from({ length: 20 }, (_, i) => i)
  const long = Uint8Array.from({ length: 70 }, (_, i) => 255 - i)
  const block = Uint8Array.from([165, 1, 19 << 2, ...literal, ((11 - 4) << 2) | 1, 20, (63 << 2) | 2, 1, 0, 60 << 2, 69, ...long])
  const expected = [...literal, ...literal.subarray(0, 11), ...new Array(64).fill(10), ...long]
  expect([...unsnap(block, 165, 8)]).toEqual(expected)
  for (let cut = 0; cut < block.length; cut++) expect(() => unsnap(block.subarray(0, cut), 165, 8)).toThrow(RangeError)
  expect(() => unsnap(block, 164, 8)).toThrow(RangeError)
})

it.each([1, 2])('an instrument that the manifest leaves out is a failure, in %i files', async (files) => {
  const lake = folder()
  const ticks = `SELECT make_timestamptz(${OPEN} + i * 1000) AS ts, 1.5::DOUBLE AS price, i::DOUBLE AS volume, CASE WHEN i = 700 THEN 'BANKNIFTY' ELSE 'NIFTY' END AS instrument FROM range(1000) t(i)`
  const lines = ['symbol,date,expiry,strike,type,rows,min_ts,max_ts,path,order']
  for (let k = 0; k < files; k++) {
    await copy(join(lake, `part${k}.parquet`), ticks)
    lines.push(`NIFTY,2025-01-06,,,,1000,2025-01-06T09:15:00+05:30,2025-01-06T15:30:00+05:30,part${k}.parquet,time`)
  }
  mkdirSync(join(lake, 'meta'))
  writeFileSync(join(lake, 'meta/packed_manifest.csv'), `${lines.join('\n')}\n`)
  await expect(readAll({ lake, reader: 'direct' })).rejects.toMatchObject({
    code: 'LAKE_MANIFEST',
    message: expect.stringContaining('part0.parquet'),
  })
})
