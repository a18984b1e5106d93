import { DuckDBDataChunk, type DuckDBVector } from '@duckdb/node-api'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { duckRows } from '../../../connectors/parquet/duck.ts'
import { writeParquet } from '../../../connectors/parquet/tableWriter.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Tick } from '../../../core/market.ts'
import { contractRows } from '../../kit/contractRows.ts'
import { folder, mergedLake, perContractLake, readAll } from './fixtures.ts'

afterEach(() => vi.restoreAllMocks())

/** Vectors as a version of DuckDB would give them that keeps its arrays to itself. */
function hideArrays(): { readonly hidden: () => number } {
  const original = DuckDBDataChunk.prototype.getColumnVector
  const spy = vi.spyOn(DuckDBDataChunk.prototype, 'getColumnVector').mockImplementation(function (this: DuckDBDataChunk, column) {
    const vector = original.call(this, column)
    const shown: Partial<DuckDBVector> = {
      type: vector.type,
      itemCount: vector.itemCount,
      getItem: (i) => vector.getItem(i),
      setItem: (i, value) => vector.setItem(i, value),
      flush: () => vector.flush(),
    }
    return shown as DuckDBVector
  })
  return { hidden: () => spy.mock.calls.length }
}

describe("without DuckDB's own arrays, value by value", () => {
  it.each([
    ['a file a contract', perContractLake],
    ['merged', mergedLake],
  ])('the reader gives the same rows, %s', async (_, make) => {
    const lake = await make(3_000)
    const expected = await readAll({ lake, reader: 'duckdb' })
    const { hidden } = hideArrays()
    expect(await readAll({ lake, reader: 'duckdb' })).toEqual(expected)
    expect(hidden()).toBeGreaterThan(10)
  })

  it.each([1, 300])('the writer writes the same rows, of %i instruments', async (count) => {
    const instruments = new Instruments()
    const schema = { ...Tick, lots: 'i32', closing: 'bool' } as const
    const batch = contractRows(schema, instruments, 5_000, 3)
    // More than 255 names take two bytes each.
    for (let i = 0; i < batch.n; i++) batch.col['instrument'][i] = instruments.id(`NIFTY:2025-01-09:${20_000 + (i % count)}:CE`)
    const [fast, slow] = [`${folder()}/fast.parquet`, `${folder()}/slow.parquet`]
    await writeParquet(fast, { schema, n: batch.n, col: batch.col }, instruments)
    const { hidden } = hideArrays()
    await writeParquet(slow, { schema, n: batch.n, col: batch.col }, instruments)
    expect(hidden()).toBeGreaterThan(10)
    vi.restoreAllMocks()
    const rows = (path: string): Promise<unknown[]> => duckRows(`SELECT * REPLACE (epoch_us(ts)::DOUBLE AS ts) FROM read_parquet('${path}')`)
    expect((await rows(slow)).length).toBe(5_000)
    expect(await rows(slow)).toEqual(await rows(fast))
  })
})
