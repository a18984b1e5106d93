import { DuckDBDataChunk, type DuckDBVector } from '@duckdb/node-api'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { mergedLake, perContractLake, readAll } from './fixtures.ts'

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
})
