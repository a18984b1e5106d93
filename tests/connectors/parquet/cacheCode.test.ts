import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { codeDigest, filesOfCode, readingModule } from '../../../connectors/parquet/cacheCode.ts'
import { readImports } from '../../kit/imports.ts'
import { folder } from './fixtures.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const entries = { ticks: [readingModule()], seconds: [join(root, 'topologies/seconds/graph.ts'), readingModule()] }

describe.each(Object.entries(entries))('the code that makes %s', (_, modules) => {
  const files = filesOfCode(modules).map((file) => relative(root, file))

  it('is everything that its modules import, as the architecture tests see imports', () => {
    const graph = readImports(root, ['core', 'operators', 'connectors', 'markets', 'topologies'])
    const reached = new Set(modules.map((path) => relative(root, path)))
    for (const file of reached) for (const target of graph.get(file) ?? []) reached.add(target)
    expect([...reached].filter((file) => !files.includes(file))).toEqual([])
  })

  it('has another digest when one byte of any of its files changes, or a package, and the same in another folder', () => {
    const copy = folder()
    for (const file of [...files, 'package.json']) cpSync(join(root, file), join(copy, file))
    const digest = () => codeDigest(modules.map((path) => join(copy, relative(root, path))))
    const before = digest()
    expect(before).toBe(codeDigest(modules))
    const unnoticed = [...files, 'package.json'].filter((file) => {
      const text = readFileSync(join(copy, file), 'utf8')
      if (file === 'package.json') writeFileSync(join(copy, file), text.replace('"rxjs": "', '"rxjs": "9'))
      else appendFileSync(join(copy, file), ' ')
      const same = digest() === before
      writeFileSync(join(copy, file), text)
      return same
    })
    expect(unnoticed).toEqual([])
  })
})

it('what makes rows is named: decoding, merging, and for seconds every operator of theirs', () => {
  const [ticks, seconds] = Object.values(entries).map((modules) => filesOfCode(modules).map((file) => relative(root, file)))
  for (const name of ['readDuck', 'readNative', 'merge', 'chunk', 'columns', 'plan', 'prune', 'layout', 'manifest', 'cacheFile'])
    expect(ticks).toContain(`connectors/parquet/${name}.ts`)
  expect(ticks.filter((file) => file.startsWith('operators/'))).toEqual([])
  for (const name of ['eventTime', 'sessionFilter', 'dedup', 'volDelta', 'perSecond', 'sortByTime']) expect(seconds).toContain(`operators/${name}.ts`)
  for (const file of ['markets/nse/calendar.ts', 'core/sessionWindows.ts', 'topologies/seconds/graph.ts']) expect(seconds).toContain(file)
})

it('files of data beside the code count', () => {
  const [module, table] = ['module.ts', 'table.csv'].map((name) => join(folder(), name))
  writeFileSync(module, '')
  writeFileSync(table, '1')
  const before = codeDigest([module], [table])
  writeFileSync(table, '2')
  expect(codeDigest([module], [table])).not.toBe(before)
})
