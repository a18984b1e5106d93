import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Instruments } from '../../core/instruments.ts'
import { f64, i32, Table } from '../../core/table.ts'

const fields = { last: f64(NaN), ring: f64(0, 3), count: i32(-1) }
const stocks = fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 80 })

/** A table in which instrument k of `order` holds values that follow from k. */
function filled(order: readonly number[], instruments: Instruments): Table<typeof fields> {
  const table = new Table(fields, instruments)
  for (const k of order) {
    const slot = table.slot(instruments.id(`S${k}`))
    table.col.last[slot] = k / 3
    for (let j = 0; j < 3; j++) table.col.ring[j * table.stride + slot] = k + j
    table.col.count[slot] = k
  }
  return table
}

const contents = (table: Table<typeof fields>, instruments: Instruments) =>
  Array.from({ length: table.size }, (_, slot) => [
    instruments.name(table.keys[slot]),
    table.col.last[slot],
    [0, 1, 2].map((j) => table.col.ring[j * table.stride + slot]),
    table.col.count[slot],
  ])

test('growth keeps every value, and slots are in order of first appearance', () => {
  fc.assert(
    fc.property(stocks, (order) => {
      const instruments = new Instruments()
      const table = filled(order, instruments)
      expect(contents(table, instruments)).toEqual(order.map((k) => [`S${k}`, k / 3, [k, k + 1, k + 2], k]))
      for (const [slot, k] of order.entries()) expect(table.slotOf[instruments.id(`S${k}`)]).toBe(slot)
    }),
  )
})

test('saved and loaded where the ids are others, the slots are the same', () => {
  fc.assert(
    fc.property(stocks, stocks, (order, before) => {
      const here = new Instruments()
      const table = filled(order, here)
      const there = new Instruments()
      for (const k of before.toReversed()) there.id(`S${k}`)
      const loaded = new Table(fields, there)
      loaded.slot(there.id('FORGOTTEN'))
      loaded.load(structuredClone(table.save()))
      expect(contents(loaded, there)).toEqual(contents(table, here))
      expect(loaded.slotOf[there.id('FORGOTTEN')]).toBe(-1)
    }),
  )
})

test('admit gives slots in order of appearance, once, and fresh slots are empty', () => {
  const instruments = new Instruments()
  const [a, b, c] = ['A', 'B', 'C'].map((name) => instruments.id(name))
  const table = new Table(fields, instruments)
  table.admit(Int32Array.of(c, a, c, b), 3)
  expect([...table.keys.subarray(0, table.size)]).toEqual([c, a])
  expect([table.slotOf[b], table.col.last[0], table.col.ring[2 * table.stride + 1], table.col.count[1]]).toEqual([-1, NaN, 0, -1])
})

test('cleared, a slot taken again is empty again', () => {
  const instruments = new Instruments()
  const table = filled([1, 2], instruments)
  table.clear()
  expect(table.size).toBe(0)
  expect([table.slot(instruments.id('S2')), table.col.last[0], table.col.count[0]]).toEqual([0, NaN, -1])
})
