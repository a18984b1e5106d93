import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SavedCheckpoint } from '../../core/ports.ts'
import type { SavedArray } from '../../core/table.ts'
import type { Checkpoint } from '../../runtime/checkpoint.ts'
import { CheckpointChain, decodeChain } from '../../runtime/checkpointChain.ts'
import type { Section } from '../../runtime/state.ts'

const checkpoint = (epoch: number, sections: readonly Section[]): Checkpoint => ({
  topology: 't@1',
  epoch,
  position: { offset: epoch * 10 },
  maximum: epoch * 1e7,
  watermark: -Infinity,
  done: false,
  rowsIn: epoch,
  rowsOut: {},
  counts: {},
  sections,
})

const section = (json: unknown, arrays: Record<string, SavedArray>): Section => ({ key: 'step/state', version: 1, json, arrays })

async function keep(chain: CheckpointChain, kept: SavedCheckpoint[], c: Checkpoint): Promise<void> {
  const saved = await chain.encode(c)
  if (saved.full) kept.length = 0
  kept.push(saved)
}

const numbers = fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, Infinity))
const state = fc.record({
  names: fc.array(fc.constantFrom('A', 'B', 'C'), { maxLength: 4 }),
  cells: fc.array(numbers, { maxLength: 1300 }).map((values) => Float64Array.from(values)),
  slots: fc.array(fc.integer(), { maxLength: 5 }).map((values) => Int32Array.from(values)),
})

describe('a chain of checkpoints', () => {
  test('gives back the last one, whatever changed from one to the next, also when it is taken up by another process', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(state, fc.boolean()), { minLength: 1, maxLength: 6 }), async (states) => {
        const kept: SavedCheckpoint[] = []
        let chain = new CheckpointChain()
        for (const [i, [{ names, cells, slots }, restarts]] of states.entries()) {
          const wanted = checkpoint(i, [section(names, { cells, slots }), { ...section({ n: i }, {}), key: 'other' }])
          await keep(chain, kept, wanted)
          const found = decodeChain(kept, 'test') as Checkpoint
          expect(found).toEqual(wanted)
          if (restarts) chain = new CheckpointChain({ checkpoint: found, kept })
        }
      }),
      { numRuns: 60 },
    )
  })

  test('is a full one, then what changed: one number of a million is one block', async () => {
    const cells = Float64Array.from({ length: 1_000_000 }, (_, i) => Math.sin(i))
    const chain = new CheckpointChain()
    const first = await chain.encode(checkpoint(1, [section([], { cells })]))
    const later = cells.slice()
    later[777_777] = 1
    const second = await chain.encode(checkpoint(2, [section([], { cells: later })]))
    expect([first.full, second.full]).toEqual([true, false])
    expect(second.bytes.length).toBeLessThan(6_000)
    const found = decodeChain([first, second], 'test')?.sections[0].arrays['cells'] as Float64Array
    expect(Buffer.from(found.buffer).equals(Buffer.from(later.buffer))).toBe(true)
  })

  test('is full again after 60 differences, when they outgrow it, and when the graph has other steps', async () => {
    const chain = new CheckpointChain()
    const small = (n: number) => checkpoint(n, [section([], { cells: Float64Array.from({ length: 4096 }, (_, i) => (i === 9 ? n : Math.sin(i))) })])
    const full: number[] = []
    for (let n = 0; n < 70; n++) if ((await chain.encode(small(n))).full) full.push(n)
    expect(full[0]).toBe(0)
    expect(full[1]).toBeLessThanOrEqual(61)
    expect((await chain.encode(checkpoint(71, [{ ...section([], {}), key: 'another' }]))).full).toBe(true)
  })

  test('damaged is CHECKPOINT_CORRUPT and names where it lies', async () => {
    const { full, bytes } = await new CheckpointChain().encode(checkpoint(1, [section([], { cells: Float64Array.of(1, 2) })]))
    for (const broken of [bytes.subarray(0, bytes.length - 3), Uint8Array.of(1, 2, 3)]) {
      expect(() => decodeChain([{ full, bytes: broken }], 'topic c, partition 0')).toThrow(/topic c, partition 0/)
    }
    expect(() => decodeChain([{ full: false, bytes }], 'c')).toThrow(/starts with a difference/)
    expect(decodeChain([], 'c')).toBeUndefined()
  })
})
