import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { packPlanes, unpackPlanes } from '../../core/planes.ts'

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
    const kinds = [200, 50_000, 1e6].map(
      (most) =>
        packPlanes(
          column((i) => i % most),
          planes,
        ).constructor.name,
    )
    expect(kinds).toEqual(['Uint8Array', 'Uint16Array', 'Int32Array'])
    for (const value of [-1, -0, NaN, 0.5, 2 ** 31])
      expect(
        packPlanes(
          column((i) => (i === 301 ? value : i % 9)),
          planes,
        ),
      ).toBeInstanceOf(Float64Array)
  })

  test('keep the type they have when they are few', () => {
    expect(packPlanes(Float64Array.of(1, 2, 3, 4), { width: 2, stride: 2, size: 1 })).toEqual(Float64Array.of(1, 3))
  })
})
