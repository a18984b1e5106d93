import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { allocateColumns, dropRows, emptyBatch, type Schema, sliceRows, takeRows, withColumns } from '../../core/batch.ts'

const schema = { ts: 'time', instrument: 'instrument', price: 'f64', count: 'i32', observed: 'bool' } as const satisfies Schema
const row = fc.record({ ts: fc.integer(), instrument: fc.nat(1000), price: fc.double(), count: fc.integer(), observed: fc.nat(1) })
type Row = typeof row extends fc.Arbitrary<infer R> ? R : never
const names = Object.keys(schema) as (keyof Row)[]

function batchOf(rows: readonly Row[]) {
  const col = allocateColumns(schema, rows.length)
  rows.forEach((r, i) => {
    for (const name of names) col[name][i] = r[name]
  })
  return { n: rows.length, watermark: 5, col }
}

const rowsOf = (batch: ReturnType<typeof batchOf>): Row[] =>
  Array.from({ length: batch.n }, (_, i) => Object.fromEntries(names.map((name) => [name, batch.col[name][i]])) as Row)

describe('columns', () => {
  test('each kind has its array', () => {
    const { ts, instrument, price, count, observed } = allocateColumns(schema, 3)
    expect([ts, instrument, price, count, observed].map((c) => c.constructor.name)).toEqual([
      'Float64Array',
      'Int32Array',
      'Float64Array',
      'Int32Array',
      'Uint8Array',
    ])
  })

  test('an empty batch has every column and its watermark', () => {
    const batch = emptyBatch(schema, 42)
    expect([batch.n, batch.watermark, Object.keys(batch.col)]).toEqual([0, 42, names])
  })

  test('added columns join the old ones, which are shared', () => {
    const batch = batchOf([{ ts: 1, instrument: 0, price: 2, count: 3, observed: 1 }])
    const wider = withColumns(batch, { delta: Float64Array.of(9) })
    expect([wider.n, wider.watermark, wider.col['delta'][0]]).toEqual([1, 5, 9])
    expect(wider.col.price).toBe(batch.col.price)
  })
})

describe('laws', () => {
  test('takeRows gives what picking row by row gives', () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 30 }), fc.array(fc.nat(), { maxLength: 40 }), (rows, picks) => {
        const index = Int32Array.from(picks, (p) => p % rows.length)
        const taken = takeRows(batchOf(rows), index, index.length, allocateColumns(schema, index.length))
        expect(taken.watermark).toBe(5)
        expect(rowsOf(taken)).toEqual([...index].map((i) => rows[i]))
      }),
    )
  })

  test('dropRows gives what filtering the rows out gives', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(row, fc.boolean()), { maxLength: 30 }), (rows) => {
        const dropped = Int32Array.from(rows.flatMap(([, stays], i) => (stays ? [] : [i])))
        const left = rows.filter(([, stays]) => stays).map(([r]) => r)
        const rest = dropRows(batchOf(rows.map(([r]) => r)), dropped, dropped.length, allocateColumns(schema, left.length))
        expect(rest.watermark).toBe(5)
        expect(rowsOf(rest)).toEqual(left)
      }),
    )
  })

  test('sliceRows is Array.slice, on the same memory', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), fc.nat(30), fc.nat(30), (rows, a, b) => {
        const [from, to] = [Math.min(a, b, rows.length), Math.min(Math.max(a, b), rows.length)]
        const batch = batchOf(rows)
        const slice = sliceRows(batch, from, to, 7)
        expect([slice.watermark, rowsOf(slice)]).toEqual([7, rows.slice(from, to)])
        expect(slice.col.price.buffer).toBe(batch.col.price.buffer)
      }),
    )
  })
})
