import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Instruments } from '../../core/instruments.ts'
import { packPlanes, type SavedArray, unpackPlanes, widened } from '../../core/planes.ts'
import { f64 } from '../../core/table.ts'
import { StateStore } from '../../runtime/state.ts'

/** Above the size from which numbers are made narrower: 300 planes of 256 numbers, 256 apart and 300 apart. */
const planes = { width: 300, stride: 300, size: 256 }
const column = (value: (i: number) => number): Float64Array => Float64Array.from({ length: planes.width * planes.stride }, (_, i) => value(i))
const used = (of: Float64Array): Float64Array =>
  Float64Array.from({ length: planes.width * planes.size }, (_, i) => of[Math.floor(i / planes.size) * planes.stride + (i % planes.size)])
const bits = (of: Float64Array): Buffer => Buffer.from(of.buffer)

describe('packed planes', () => {
  test('come back to the last bit, whatever numbers are among them', () => {
    const odd = fc.oneof(fc.double(), fc.constantFrom(-0, NaN, -1, 2 ** 31, 2 ** 32 + 1, 0.5, 255, 256, 65_535, 65_536, 2 ** 31 - 1))
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(planes.width * planes.stride - 1), odd), { maxLength: 3 }), fc.boolean(), (placed, small) => {
        const from = column((i) => (small ? i % 200 : i % 50_000))
        for (const [i, value] of placed) from[i] = value
        const to = column(() => 7)
        unpackPlanes(packPlanes(from, planes), to, planes)
        expect(bits(used(to)).equals(bits(used(from)))).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  test('are as narrow as whole numbers from 0 up allow', () => {
    const kinds = [50_000, 1e6].map(
      (most) =>
        packPlanes(
          column((i) => i % most),
          planes,
        ).constructor.name,
    )
    expect(kinds).toEqual(['Uint16Array', 'Uint32Array'])
    for (const value of [-1, -0, NaN, 0.5, 2 ** 31])
      expect(
        packPlanes(
          column((i) => (i === 301 ? value : i % 9)),
          planes,
        ),
      ).toBeInstanceOf(Float64Array)
  })

  test('are what they were to whoever computes with them', () => {
    expect(widened(Uint16Array.of(40_000)).map((volume) => 2 * volume)).toEqual(Float64Array.of(80_000))
    expect(widened(Int32Array.of(-1))).toEqual(Int32Array.of(-1))
  })

  test('keep the type they have when they are few', () => {
    expect(packPlanes(Float64Array.of(1, 2, 3, 4), { width: 2, stride: 2, size: 1 })).toEqual(Float64Array.of(1, 3))
  })

  test('are numbers of the column to a migration: twice 40,000 does not fit where 40,000 does', () => {
    const instruments = new Instruments()
    const fields = { rates: f64(40_000, 65_536) }
    const before = new StateStore(instruments)
    before.table('step/rates', { version: 1, fields }).slot(instruments.id('A'))
    const after = new StateStore(instruments)
    const migrate = ({ json, arrays }: { json: unknown; arrays: Readonly<Record<string, SavedArray>> }) => ({
      json,
      arrays: { rates: arrays['rates'].map((rate) => 2 * rate) },
    })
    const table = after.table('step/rates', { version: 2, fields, migrate })
    expect(before.snapshot()[1].arrays['rates']).toBeInstanceOf(Uint16Array)
    after.restore(before.snapshot())
    expect([table.col.rates[0], table.col.rates[table.stride]]).toEqual([80_000, 80_000])
  })
})
