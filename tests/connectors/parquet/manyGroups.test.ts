import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { closeEmbeddedEngine, closeReader, embeddedReader } from '../../../connectors/clickhouse/engine.ts'
import { duckRows } from '../../../connectors/parquet/duck.ts'
import { readBlock } from '../../../connectors/parquet/nativeBlock.ts'
import { planReplay } from '../../../connectors/parquet/plan.ts'
import { nativeQuery } from '../../../connectors/parquet/readNative.ts'
import { parquetSource } from '../../../connectors/parquet/source.ts'
import type { Column } from '../../../core/batch.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Trade } from '../../../core/market.ts'
import type { Position } from '../../../core/ports.ts'
import { copy, folder, OPEN, type Options } from './fixtures.ts'

afterAll(closeEmbeddedEngine)

const ROWS = 300_000
const NAMES = ['NIFTY:2025-01-09:24000:CE', 'NIFTY:2025-01-09:24000:PE']
const DAY_FOLDER = 'ticks/symbol=NIFTY/date=2025-01-06'

/** Row i: what its volume says. Three rows a time when sorted; as recorded, times lie up to 5 s apart, either way. */
const timeOf = {
  time: (i: number): number => OPEN + Math.floor(i / 3) * 250_000,
  arrival: (i: number): number => OPEN + i * 70_000 + ((i * 7919) % 5000) * 1000,
}
const sql = {
  time: `${OPEN} + (i // 3) * 250000`,
  arrival: `${OPEN} + i * 70000 + ((i * 7919) % 5000) * 1000`,
}
/** Every other row group takes long to decode, so that the next one overtakes it where nothing holds it back. */
const priceOf = (i: number): number => (Math.floor(i / 10_240) % 2 === 0 ? 100 + i / 7 : 100)
type Order = keyof typeof timeOf

async function bigLake(order: Order, groupSize: number): Promise<string> {
  const lake = folder()
  const name = order === 'time' ? 'part-0' : 'recorded-0'
  const rows = `SELECT make_timestamptz((${sql[order]})::BIGINT) AS ts, CASE WHEN i % 2 = 0 THEN '${NAMES[0]}' ELSE '${NAMES[1]}' END AS instrument,
    CASE WHEN (i // 10240) % 2 = 0 THEN 100 + i::DOUBLE / 7 ELSE 100 END AS price, i::DOUBLE AS volume FROM range(${ROWS}) t(i)`
  // A plain COPY may write its row groups in any order, which would be the fixture's order then.
  await copy(join(lake, DAY_FOLDER, `${name}.parquet`), `${rows} ORDER BY i`, `, ROW_GROUP_SIZE ${groupSize}`)
  return lake
}

interface Read {
  /** Row numbers in the order delivered. */
  readonly rows: Float64Array
  readonly sizes: readonly number[]
}

/** Reads from a position to the end; checks that every row carries the columns it was written with. */
async function read(options: Options, order: Order, from?: Position): Promise<Read> {
  const instruments = new Instruments()
  const ids = NAMES.map((name) => instruments.id(name))
  const source = parquetSource({ columns: Trade, instruments, ...options })
  const rows = new Float64Array(ROWS)
  const sizes: number[] = []
  let [n, wrong] = [0, 0]
  for await (const { batch } of source.open('2025-01-06', from, new AbortController().signal)) {
    const { ts, instrument, price, volume } = batch.col
    for (let i = 0; i < batch.n; i++) {
      const row = volume[i]
      if (ts[i] !== timeOf[order](row) || instrument[i] !== ids[row % 2] || price[i] !== priceOf(row)) wrong++
      rows[n++] = row
    }
    sizes.push(batch.n)
  }
  await source.close()
  expect(wrong, 'rows whose columns are not of one row').toBe(0)
  return { rows: rows.subarray(0, n), sizes }
}

async function drain(lake: string, reader: Options['reader']): Promise<number> {
  const source = parquetSource({ columns: Trade, instruments: new Instruments(), lake, reader })
  let rows = 0
  for await (const { batch } of source.open('2025-01-06', undefined, new AbortController().signal)) rows += batch.n
  return rows
}

/** Positions at the end of every delivery and somewhere inside it, by the rows before them. */
async function positionsOf(options: Options): Promise<Map<number, Position>> {
  const source = parquetSource({ columns: Trade, instruments: new Instruments(), ...options })
  const positions = new Map<number, Position>()
  let before = 0
  for await (const { batch, after: positionAfter } of source.open('2025-01-06', undefined, new AbortController().signal)) {
    // Deterministic, yet nowhere near a round number.
    const inside = Math.floor(batch.n * (((positions.size + 1) * 0.618_034) % 1))
    for (const k of [inside, batch.n]) positions.set(before + k, JSON.parse(JSON.stringify(positionAfter(k))))
    before += batch.n
  }
  expect(positions.size).toBeGreaterThan(8)
  return positions
}

/** The first place where two columns differ, -1 where they are equal: a deep comparison of 300,000 numbers takes seconds. */
function difference(a: Column, b: Column): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) if (a[i] !== b[i]) return i
  return -1
}

const everything = Float64Array.from({ length: ROWS }, (_, i) => i)
const kinds = (['time', 'arrival'] as const).flatMap((order) => [10_240, 122_880].map((size) => ({ order, size })))

describe.each(kinds)('300,000 rows in row groups of $size, order $order', async ({ order, size }) => {
  const lake = await bigLake(order, size)

  it('has the row groups it is meant to have', async () => {
    const [{ groups }] = await duckRows<{ groups: number }>(
      `SELECT count(DISTINCT row_group_id)::INTEGER AS groups FROM parquet_metadata('${lake}/**/*.parquet')`,
    )
    expect(groups).toBe(Math.ceil(ROWS / size))
  })

  describe.each(['native', 'duckdb'] as const)('%s', (reader) => {
    it("gives the file's order, every time", async () => {
      for (let again = 0; again < 3; again++) {
        const { rows, sizes } = await read({ lake, reader }, order)
        expect(difference(rows, everything)).toBe(-1)
        expect(sizes.length).toBeGreaterThan(4)
      }
    })

    it("gives the file's order of the rows that a condition keeps", async () => {
      const { rows } = await read({ lake, reader, types: ['PE'], timeFrom: '09:20', timeTo: '15:00' }, order)
      const [from, to] = [OPEN + 300e6, OPEN + 5.75 * 3600e6]
      const kept = everything.filter((i) => i % 2 === 1 && timeOf[order](i) >= from && timeOf[order](i) < to)
      expect(kept.length).toBeGreaterThan(100_000)
      expect(difference(rows, kept)).toBe(-1)
    })

    it('resumes after every delivery, and inside it', async () => {
      for (const [cut, position] of await positionsOf({ lake, reader })) {
        expect(position).toEqual({ rows: cut })
        const { rows } = await read({ lake, reader }, order, position)
        expect(difference(rows, everything.subarray(cut)), `after ${cut}`).toBe(-1)
      }
    }, 60_000)

    it('says of any row of a delivery which position is after it', async () => {
      const source = parquetSource({ columns: Trade, instruments: new Instruments(), lake, reader })
      let before = 0
      for await (const { batch, after: positionAfter } of source.open('2025-01-06', undefined, new AbortController().signal)) {
        for (let k = 0; k <= batch.n; k += 997) expect(positionAfter(k)).toEqual({ rows: before + k })
        expect(positionAfter(batch.n)).toEqual({ rows: before + batch.n })
        before += batch.n
      }
      expect(before).toBe(ROWS)
      await source.close()
    })
  })
})

describe.each([10_240, 122_880])('the query of the native reader, row groups of %i', async (size) => {
  const lake = await bigLake('arrival', size)
  const plan = await planReplay(lake, { columns: Trade })
  const query = nativeQuery(plan.days[0].files[0], 61_440)

  // Either setting alone keeps the order today; each is held to it here, as an engine's upgrade may change one.
  it.each([
    ['one decoding thread', /input_format_parquet_preserve_order = 1,/, ''],
    ['being told to keep it', /(max_threads|max_parsing_threads) = 1/g, '$1 = 4'],
  ])('keeps the order of row groups by %s alone', async (_, setting, instead) => {
    expect(query).toMatch(setting)
    for (let again = 0; again < 15; again++) expect(difference(await volumesOf(query.replace(setting, instead)), everything)).toBe(-1)
  })
})

async function volumesOf(query: string): Promise<Float64Array> {
  const session = embeddedReader()
  const volumes = new Float64Array(ROWS)
  let n = 0
  for await (const piece of session.queryStream(query, { format: 'Native' })) {
    const bytes = piece.raw()
    for (let at = 0; at < bytes.byteLength; ) {
      const block = readBlock(bytes, at)
      at = block.end
      volumes.set(block.columns[2] as Float64Array, n)
      n += block.n
    }
  }
  closeReader(session)
  return volumes.subarray(0, n)
}

describe.each(['native', 'duckdb'] as const)('a time that falls, %s', (reader) => {
  // First and last row, the ends of row groups and of batches, and far inside.
  it.each([2, 2_049, 10_241, 61_441, 65_537, 122_881, 299_999, ROWS])('is reported at row %i', async (row) => {
    const lake = folder()
    const ts = `make_timestamptz((${OPEN} + CASE WHEN i = ${row - 1} THEN -1 ELSE i * 10 END)::BIGINT)`
    const path = join(lake, DAY_FOLDER, 'part-0.parquet')
    await copy(
      path,
      `SELECT ${ts} AS ts, '${NAMES[0]}' AS instrument, 1.5::DOUBLE AS price FROM range(${ROWS}) t(i) ORDER BY i`,
      ', ROW_GROUP_SIZE 10240',
    )
    const failure = { code: 'FILE_UNSORTED', at: { file: path, column: 'ts', row }, message: expect.stringContaining(`${path}, row ${row}: `) }
    await expect(drain(lake, reader)).rejects.toMatchObject(failure)
  })
})
