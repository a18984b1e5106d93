import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { probeFolder, writeAtomically, writeTextAtomically } from '../../../connectors/parquet/atomic.ts'
import { folder } from './fixtures.ts'

/** Folders that nothing can be written into, by why; none of them depends on who runs the test. */
const unwritable: Record<string, () => string> = {
  'below a file': () => {
    const file = join(folder(), 'file')
    writeFileSync(file, '')
    return join(file, 'out')
  },
  'that is a file': () => {
    const file = join(folder(), 'file')
    writeFileSync(file, '')
    return file
  },
  'below a link to nowhere': () => {
    const link = join(folder(), 'link')
    symlinkSync('/nowhere/at/all', link)
    return join(link, 'out')
  },
  'with too long a name': () => join(folder(), 'x'.repeat(300)),
  'in a circle of links': () => {
    const link = join(folder(), 'link')
    symlinkSync(link, link)
    return join(link, 'out')
  },
}

describe.each(Object.entries(unwritable))('a folder %s is OUTPUT_UNWRITABLE', (_, make) => {
  it('to who probes it', () => {
    const at = make()
    expect(() => probeFolder(at)).toThrow(expect.objectContaining({ code: 'OUTPUT_UNWRITABLE', at: { file: at } }))
  })

  it('to who writes into it', async () => {
    const file = join(make(), 'a.txt')
    await expect(writeTextAtomically(file, 'x')).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE', at: { file } })
  })
})

describe('writeAtomically', () => {
  it('answers the bytes, and leaves nothing beside the file', async () => {
    const path = join(folder(), 'deep', 'a.txt')
    expect(await writeTextAtomically(path, 'twelve bytes')).toBe(12)
    expect([readFileSync(path, 'utf8'), readdirSync(dirname(path))]).toEqual(['twelve bytes', ['a.txt']])
  })

  it('leaves the old file whole when the writing fails, and throws what failed', async () => {
    const path = join(folder(), 'a.txt')
    await writeTextAtomically(path, 'old')
    const failing = writeAtomically(path, async (temporary) => {
      writeFileSync(temporary, 'ha')
      throw new Error('half way')
    })
    await expect(failing).rejects.toThrow('half way')
    expect([readFileSync(path, 'utf8'), existsSync(`${path}.tmp`)]).toEqual(['old', false])
  })

  it('says that the folder went away meanwhile', async () => {
    const path = join(folder(), 'deep', 'a.txt')
    const failing = writeAtomically(path, async (temporary) => {
      rmSync(dirname(path), { recursive: true })
      writeFileSync(temporary, 'x')
    })
    await expect(failing).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE', message: expect.stringContaining(path) })
  })

  it('says that a folder has the name of the temporary file', async () => {
    const path = join(folder(), 'a.txt')
    mkdirSync(`${path}.tmp`)
    await expect(writeTextAtomically(path, 'x')).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
  })
})
