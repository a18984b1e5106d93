import { existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint, readCheckpoint, writeCheckpoint } from '../../runtime/checkpoint.ts'

const checkpoint: Checkpoint = {
  topology: 'volume-burst@1',
  epoch: 7,
  position: { file: 'a.parquet', row: 12 },
  maximum: 70.5,
  watermark: -Infinity,
  done: false,
  rowsIn: 3,
  rowsOut: { seconds: 2 },
  counts: { 'dedup/duplicate': 1 },
  sections: [
    {
      key: 'a/last',
      version: 1,
      json: ['NIFTY'],
      arrays: { volume: Float64Array.of(Number.NaN, -0, Infinity), seen: Uint8Array.of(1, 0, 1), slot: Int32Array.of(-1) },
    },
    { key: 'a/day', version: 2, json: null, arrays: {} },
  ],
}
const refused = (path: string) => expect.objectContaining({ code: 'CHECKPOINT_CORRUPT', at: { path }, message: expect.stringContaining(path) })
const folder = () => mkdtempSync(join(tmpdir(), 'checkpoint-'))

describe('checkpoint', () => {
  it('comes back from bytes as it was, whatever the numbers', () => {
    const f64 = fc.array(fc.double(), { maxLength: 9 }).map((a) => Float64Array.from(a))
    const i32 = fc.array(fc.integer(), { maxLength: 9 }).map((a) => Int32Array.from(a))
    const u8 = fc.array(fc.nat(255), { maxLength: 9 }).map((a) => Uint8Array.from(a))
    const name = fc.stringMatching(/^[a-z/]{1,5}$/)
    const section = fc.record({
      key: name,
      version: fc.nat(9),
      json: fc.constantFrom(null, ['é', '"'], { n: 1 }),
      arrays: fc.dictionary(name, fc.oneof(f64, i32, u8), { noNullPrototype: true }),
    })
    const time = fc.constantFrom(-Infinity, Infinity, 0, 1704339900000000)
    fc.assert(
      fc.property(fc.array(section, { maxLength: 4 }), time, time, (sections, maximum, watermark) => {
        const whole = { ...checkpoint, sections, maximum, watermark }
        expect(decodeCheckpoint(encodeCheckpoint(whole), 'x')).toEqual(whole)
      }),
    )
  })

  it('comes back from a file as it was', () => {
    const path = join(folder(), 'deep', 'p.checkpoint')
    writeCheckpoint(path, checkpoint)
    expect(readCheckpoint(path)).toEqual(checkpoint)
  })

  it('is refused when any byte of it is another', () => {
    const bytes = encodeCheckpoint(checkpoint)
    for (let i = 0; i < bytes.length; i++) {
      const flipped = Uint8Array.from(bytes)
      flipped[i] ^= 1 << (i % 8)
      expect(() => decodeCheckpoint(flipped, 'the.file'), `byte ${i}`).toThrow(refused('the.file'))
    }
  })

  it('is refused when it ends too soon', () => {
    const bytes = encodeCheckpoint(checkpoint)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeCheckpoint(bytes.subarray(0, length), 'the.file'), `${length} bytes`).toThrow(refused('the.file'))
    }
  })

  it('is undefined where there is no file, and refused where there is no checkpoint in it', () => {
    const path = join(folder(), 'p.checkpoint')
    expect(readCheckpoint(path)).toBeUndefined()
    writeFileSync(path, 'TLOOMCP0 of another version')
    expect(() => readCheckpoint(path)).toThrow(refused(path))
  })

  it('replaces the file as a whole, whatever a crash left beside it', () => {
    const path = join(folder(), 'p.checkpoint')
    writeCheckpoint(path, checkpoint)
    writeFileSync(`${path}.tmp`, readFileSync(path).subarray(0, 20))
    expect(readCheckpoint(path)?.epoch).toBe(7)
    writeCheckpoint(path, { ...checkpoint, epoch: 8 })
    expect([readCheckpoint(path)?.epoch, existsSync(`${path}.tmp`)]).toEqual([8, false])
  })

  it('is refused in the format before', () => {
    const before = encodeCheckpoint(checkpoint)
    before[7] = '1'.charCodeAt(0)
    expect(() => decodeCheckpoint(before, 'the.file')).toThrow('is not a checkpoint of this version')
  })

  it('says what it could not write, and leaves nothing half written', () => {
    const path = join(folder(), 'p.checkpoint')
    mkdirSync(join(path, 'in the way'), { recursive: true })
    expect(() => writeCheckpoint(path, checkpoint)).toThrow(expect.objectContaining({ code: 'OUTPUT_UNWRITABLE', at: { path } }))
    expect(existsSync(`${path}.tmp`)).toBe(false)
  })

  it('says that it cannot be below a file, nor below a link to nowhere', () => {
    const dir = folder()
    writeFileSync(join(dir, 'file'), '')
    symlinkSync('/nowhere/at/all', join(dir, 'link'))
    mkdirSync(join(dir, 'p.checkpoint.tmp'))
    for (const path of [join(dir, 'file', 'p.checkpoint'), join(dir, 'link', 'p.checkpoint'), join(dir, 'p.checkpoint')]) {
      expect(() => writeCheckpoint(path, checkpoint), path).toThrow(expect.objectContaining({ code: 'OUTPUT_UNWRITABLE', at: { path } }))
    }
  })
})
