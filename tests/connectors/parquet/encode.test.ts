import { statSync } from 'node:fs'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { duckRows } from '../../../connectors/parquet/duck.ts'
import { type Rows, writeParquet } from '../../../connectors/parquet/tableWriter.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Tick } from '../../../core/market.ts'
import { folder } from './fixtures.ts'

const schema = { ts: 'time', instrument: 'instrument', price: 'f64', lots: 'i32', closing: 'bool', side: 'buy|sell|none', arrival: 'f64' } as const
const names = Array.from({ length: 400 }, (_, i) => `NIFTY:2025-01-09:${20_000 + i}:CE`)
const instruments = new Instruments()
for (const name of names) instruments.id(name)

/** What DuckDB reads: every value as the engine has it, doubles by their bits. */
function read(path: string): Promise<Record<string, unknown>[]> {
  return duckRows(`SELECT epoch_us(ts)::DOUBLE AS ts, typeof(ts) AS "time", instrument, price, lots, closing, side, arrival::DOUBLE AS arrival, typeof(arrival) AS whole
    FROM read_parquet('${path}', file_row_number = true) ORDER BY file_row_number`)
}

function expected({ n, col }: Rows): Record<string, unknown>[] {
  const number = (value: number): number | null => (Number.isNaN(value) ? null : value)
  return Array.from({ length: n }, (_, i) => ({
    ts: Number.isFinite(col['ts'][i]) ? col['ts'][i] : null,
    time: 'TIMESTAMP WITH TIME ZONE',
    instrument: names[col['instrument'][i]],
    price: number(col['price'][i]),
    lots: col['lots'][i],
    closing: col['closing'][i] === 1,
    side: ['buy', 'sell', 'none'][col['side'][i]],
    arrival: col['arrival'][i],
    whole: 'BIGINT',
  }))
}

/** Columns of n rows by a law of each: few values, many, missing ones, both zeros, in runs or not. */
function rowsOf(n: number, { values, run, missing, seed }: { values: number; run: number; missing: number; seed: number }): Rows {
  const at = (i: number, salt: number): number => (Math.imul((Math.floor(i / run) + seed * 31 + salt) ^ (salt << 7), 0x9e3779b1) >>> 8) % values
  const odd = [0, -0, Infinity, -Infinity, 5e-324, 0.1 + 0.2, -1.5e300]
  const from = <A>(make: (length: { length: number }, of: (_: unknown, i: number) => number) => A, of: (i: number) => number): A =>
    make({ length: n }, (_, i) => of(i))
  const isMissing = (i: number, salt: number): boolean => missing > 0 && at(i, salt) % missing === 0
  const f64 = Float64Array.from.bind(Float64Array) as (length: { length: number }, of: (_: unknown, i: number) => number) => Float64Array
  const i32 = Int32Array.from.bind(Int32Array) as (length: { length: number }, of: (_: unknown, i: number) => number) => Int32Array
  return {
    schema,
    n,
    col: {
      ts: from(f64, (i) => (isMissing(i, 5) ? (i % 2 === 0 ? NaN : Infinity) : 1736135100000000 + (at(i, 1) - 3) * 1_000_003)),
      instrument: from(i32, (i) => at(i, 2) % names.length),
      price: from(f64, (i) => (isMissing(i, 6) ? NaN : at(i, 3) < odd.length ? odd[at(i, 3)] : at(i, 3) / 20)),
      lots: from(i32, (i) => (at(i, 4) - 2) * 75),
      closing: Uint8Array.from({ length: n }, (_, i) => at(i, 7) % 2),
      side: from(i32, (i) => at(i, 8) % 3),
      arrival: from(f64, (i) => i - at(i, 9)),
    },
  }
}

it('what is written is what DuckDB reads: types, values to the bit, and what is missing', async () => {
  const path = `${folder()}/rows.parquet`
  const shapes = fc.record({
    values: fc.constantFrom(1, 2, 3, 7, 255, 256, 257, 100_000),
    run: fc.constantFrom(1, 2, 9, 300),
    missing: fc.constantFrom(0, 1, 2, 50),
    seed: fc.nat(1000),
  })
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.nat(20), fc.integer({ min: 21, max: 3000 })), shapes, async (n, shape) => {
      const rows = rowsOf(n, shape)
      expect(await writeParquet(path, rows, instruments, { whole: ['arrival'] })).toBe(statSync(path).size)
      const found = await read(path)
      expect(found.length).toBe(n)
      const wanted = expected(rows)
      for (let i = 0; i < n; i++) expect(found[i]).toEqual(wanted[i])
    }),
    { numRuns: 60 },
  )
}, 60_000)

it.each([1, 40_000, 70_000, 1e9])('row groups of %d distinct prices: as a dictionary, or plain where that is shorter', async (distinct) => {
  const path = `${folder()}/groups.parquet`
  const n = 260_000
  const ts = Float64Array.from({ length: n }, (_, i) => 1736135100000000 + i * 1000)
  const price = Float64Array.from({ length: n }, (_, i) => ((i * 7919) % distinct) / 20)
  await writeParquet(path, { schema: { ts: 'time', price: 'f64' }, n, col: { ts, price } }, instruments)
  const [{ wrong, rows }] = await duckRows<{ wrong: number; rows: number }>(`
    SELECT count(*) FILTER (epoch_us(ts) <> 1736135100000000 + i * 1000 OR price <> ((i * 7919) % ${distinct}::BIGINT)::DOUBLE / 20)::INTEGER AS wrong, count(*)::INTEGER AS rows
    FROM (SELECT ts, price, file_row_number AS i FROM read_parquet('${path}', file_row_number = true))`)
  expect({ wrong, rows }).toEqual({ wrong: 0, rows: n })
  const groups = await duckRows<{ column: string; plain: boolean; min: number }>(`
    SELECT path_in_schema AS "column", encodings NOT LIKE '%DICTIONARY%' AS plain, stats_null_count::INTEGER AS nulls
    FROM parquet_metadata('${path}') WHERE path_in_schema = 'price' ORDER BY row_group_id`)
  // Past half of 122,880 rows a dictionary costs more than it saves; the last group has but 14,240 rows.
  expect(groups.map(({ plain }) => plain)).toEqual(
    distinct >= 70_000 ? [true, true, true] : distinct === 40_000 ? [false, false, true] : [false, false, false],
  )
})

it('one-second-stamped days take at most 6 bytes a row: time, price, volume, oi, bid, ask, instrument', async () => {
  const path = `${folder()}/seconds.parquet`
  const [contracts, seconds] = [100, 2_400]
  const n = contracts * seconds
  const col = {
    ts: new Float64Array(n),
    instrument: new Int32Array(n),
    ...{ price: new Float64Array(n), volume: new Float64Array(n), oi: new Float64Array(n), bid: new Float64Array(n), ask: new Float64Array(n) },
  }
  let state = 1
  const random = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
  const ticks = Int32Array.from({ length: contracts }, () => 200 + Math.floor(random() * 2000))
  const traded = new Float64Array(contracts)
  for (let i = 0; i < n; i++) {
    const [second, contract] = [Math.floor(i / contracts), i % contracts]
    ticks[contract] = Math.max(2, ticks[contract] + Math.floor(random() * 5) - 2)
    if (random() < 0.17) traded[contract] += 75 * (1 + Math.floor(random() * 10))
    col.ts[i] = 1736135100000000 + second * 1e6
    col.instrument[i] = contract
    col.price[i] = ticks[contract] / 20
    col.volume[i] = traded[contract]
    col.oi[i] = 100_000 + 75 * Math.floor(second / 180) * contract
    col.bid[i] = (ticks[contract] - 1) / 20
    col.ask[i] = (ticks[contract] + 1) / 20
  }
  const bytes = await writeParquet(path, { schema: Tick, n, col }, instruments)
  expect(bytes / n).toBeLessThan(6)
})
