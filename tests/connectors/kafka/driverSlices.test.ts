import fc from 'fast-check'
import { expect, test } from 'vitest'
import { slices } from '../../../connectors/kafka/slices.ts'

const MOST = 1000
const record = fc.record({
  key: fc.option(fc.string({ maxLength: 20 })),
  value: fc.option(fc.nat(1500).map((n) => Buffer.alloc(n))),
  headers: fc.option(fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ maxLength: 20 }), { maxKeys: 2 }), { nil: undefined }),
})

test('a send is cut into slices that fit a batch, in order, with nothing lost; a record too large is alone', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 40 }), (records) => {
      const cut = [...slices(records, MOST)]
      expect(cut.flat()).toEqual(records)
      for (const slice of cut) {
        const bytes = slice.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0)
        expect(slice.length === 1 || bytes <= MOST).toBe(true)
        expect(slice.length).toBeGreaterThan(0)
      }
    }),
  )
})
