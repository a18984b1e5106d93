import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { topologyNames } from '../../cli/loadTopology.ts'
import { type Answer, tickloom } from '../kit/commandLine.ts'

const folder = mkdtempSync(join(tmpdir(), 'tickloom-user-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return name
}

// A process of its own, because the test runner resolves imports in its own way.
async function load(
  given: string,
): Promise<{ answer: Answer; drawing?: { topology: string; edges: unknown[] }; error?: { code: string; message: string; at: object } }> {
  const answer = await tickloom(['graph', '--topology', given, '--json'], { cwd: folder })
  return answer.code === 0 ? { answer, drawing: JSON.parse(answer.stdout) } : { answer, error: JSON.parse(answer.stderr).error }
}

const spec = (
  name: string,
) => `topology({ name: '${name}', version: 1, memory: 'day', params: z.object({}), inputs: { ticks: Trade }, outputs: { kept: Trade },
  wire: ({ ticks }, at) => ({ kept: ticks.pipe(dedup(at('dedup'), { schema: Trade })) }) })`
const imports = "import { dedup, topology, Trade } from 'tickloom'\nimport { map } from 'rxjs/operators'\nimport { z } from 'zod'\nvoid map\n"

describe('a file outside the repository', () => {
  test('imports tickloom, rxjs and zod from where tickloom runs', async () => {
    const { drawing } = await load(file('mine.ts', `${imports}const t: unknown = ${spec('mine')}\nexport default t\n`))
    expect(drawing?.topology).toBe('mine')
    expect(drawing?.edges).toEqual([
      { from: 'input:ticks', to: 'step:dedup' },
      { from: 'step:dedup', to: 'output:kept' },
    ])
  })

  test('may be JavaScript, and export its one topology by name, beside other things', async () => {
    const { drawing } = await load(file('named.mjs', `${imports}export const answer = 42\nexport const mine = ${spec('named')}\n`))
    expect(drawing?.topology).toBe('named')
  })

  test('prefers an rxjs of its own', async () => {
    mkdirSync(join(folder, 'node_modules/rxjs'), { recursive: true })
    writeFileSync(join(folder, 'node_modules/rxjs/package.json'), '{"name":"rxjs","type":"module","exports":{"./own":"./own.js"}}')
    writeFileSync(join(folder, 'node_modules/rxjs/own.js'), "export const word = 'own-rxjs'\n")
    const text = imports.replace("import { map } from 'rxjs/operators'", "import { word } from 'rxjs/own'").replace('void map', '')
    const { drawing } = await load(file('own.mjs', `${text}export default ${spec('x').replace("'x'", 'word')}\n`))
    rmSync(join(folder, 'node_modules'), { recursive: true })
    expect(drawing?.topology).toBe('own-rxjs')
  })
})

describe('what cannot be loaded', () => {
  test('a name that no folder has: the names there are', async () => {
    const { answer, error } = await load('volum-burst')
    expect(answer.code).toBe(2)
    expect(error?.code).toBe('TOPOLOGY_NOT_FOUND')
    for (const name of topologyNames()) expect(error?.message).toContain(name)
  })

  test('a path where there is no file', async () => {
    const { error } = await load('./gone.ts')
    expect(error).toMatchObject({ code: 'TOPOLOGY_NOT_FOUND', at: { file: join(folder, 'gone.ts') } })
  })

  test.each([
    ['throws.ts', "throw new Error('no data today')", 'no data today'],
    ['misspelt.ts', "import { dedupe } from 'tickloom'\nexport default dedupe", 'dedupe'],
    ['absent.ts', "import x from 'left-pad'\nexport default x", 'left-pad'],
    ['enum.ts', 'enum A { B }\nexport default A', 'enum'],
    ['nothing.ts', 'export const a = 1', 'exports no topology; it exports a'],
    ['empty.ts', 'export {}', 'exports no topology; it exports nothing'],
    [
      'shape.ts',
      "export default { name: 'Big Name', version: '1', memory: 'week', params: {}, inputs: {}, outputs: 1 }",
      "name is text in lower case, digits and dashes; version is a whole number; memory is 'day' or 'everything'; params is a zod object; inputs names at least one stream with its schema; outputs names at least one stream with its schema; wire is a function",
    ],
    ['almost.ts', 'export const mine = { wire() {} }', 'exports "mine", which is no topology'],
    ['null.ts', 'export default null', 'it is null'],
    ['two.mjs', `${imports}export const a = ${spec('a')}\nexport const b = ${spec('b')}`, 'exports 2 topologies (a, b)'],
  ])('%s', async (name, text, said) => {
    const { answer, error } = await load(`./${file(name, text)}`)
    expect(answer.code).toBe(2)
    expect(error).toMatchObject({ code: 'TOPOLOGY_INVALID', at: { file: join(folder, name) } })
    expect(error?.message).toContain(said)
  })
})
