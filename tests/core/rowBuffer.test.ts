import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allocateColumns } from '../../core/batch.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'

const schema = { ts: 'time', count: 'i32' } as const
const values = fc.array(fc.integer({ min: -1e9, max: 1e9 }), { maxLength: 40 })
const command = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), values, from: fc.nat(10), cut: fc.nat(10) }),
  fc.record({ kind: fc.constant('dropFirst' as const), count: fc.nat(50) }),
  fc.record({ kind: fc.constant('reserve' as const), rows: fc.nat(3000) }),
  fc.record({ kind: fc.constant('clear' as const) }),
)

function batchOf(numbers: readonly number[]) {
  const col = allocateColumns(schema, numbers.length)
  col.ts.set(numbers)
  col.count.set(numbers)
  return { n: numbers.length, watermark: 0, col }
}

test('behaves as an array to which rows are added and from whose front they are taken', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 30 }), fc.nat(20), (commands, capacity) => {
      const buffer = new RowBuffer(schema, capacity)
      let model: number[] = []
      for (const c of commands) {
        if (c.kind === 'append') {
          const to = Math.max(0, c.values.length - c.cut)
          buffer.append(batchOf(c.values), c.from, to)
          model.push(...c.values.slice(c.from, to))
        } else if (c.kind === 'dropFirst') {
          const count = Math.min(c.count, model.length)
          buffer.dropFirst(count)
          model = model.slice(count)
        } else if (c.kind === 'reserve') {
          buffer.reserve(c.rows)
          expect(buffer.capacity).toBeGreaterThanOrEqual(c.rows)
        } else {
          buffer.clear()
          model = []
        }
        expect(buffer.n).toBe(model.length)
        expect([...buffer.col.ts.subarray(0, buffer.n)]).toEqual(model)
        expect([...buffer.col.count.subarray(0, buffer.n)]).toEqual(model)
      }
      expect(buffer.bytes).toBe(buffer.capacity * 12)
    }),
  )
})

test('a view borrows the memory', () => {
  const buffer = new RowBuffer(schema)
  buffer.append(batchOf([1, 2, 3]))
  const view = buffer.view(9)
  expect([view.n, view.watermark, view.col.ts]).toEqual([3, 9, buffer.col.ts])
})
