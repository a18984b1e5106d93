import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { findCycle, importsOf, readImports, sourcesBelow } from './kit/imports.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Who may import whom; everybody may import his own room. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  core: [],
  operators: ['core'],
  connectors: ['core'],
  markets: ['core'],
  runtime: ['core'],
  graph: ['core', 'operators', 'markets'],
  deploy: ['core', 'connectors', 'graph'],
  cli: ['core', 'operators', 'connectors', 'markets', 'runtime', 'graph', 'deploy', 'index'],
  index: ['core', 'operators', 'connectors', 'markets', 'runtime', 'graph', 'deploy'],
  bench: ['core', 'operators', 'connectors', 'markets', 'runtime', 'graph', 'deploy', 'index', 'cli', 'tests'],
}

/** The room a file belongs to; a topology has two, its graph and its deployment. */
function roomOf(file: string): string {
  const [first, folder, name] = file.split('/')
  if (first === 'index.ts') return 'index'
  if (first !== 'topologies') return first
  return name === 'deploy.ts' || folder === 'deploy.ts' ? 'deploy' : 'graph'
}

const production = ['core', 'operators', 'connectors', 'markets', 'runtime', 'topologies', 'cli'].filter((room) => existsSync(join(root, room)))
const graph = readImports(root, [...production, ...['bench'].filter((room) => existsSync(join(root, room)))])
const withIndex = new Map([...graph, ['index.ts', importsOf('index.ts', read('index.ts'))] as const])

describe('who imports whom', () => {
  test('along the arrows of docs/map.md only', () => {
    const wrong = [...withIndex].flatMap(([file, imports]) =>
      imports
        .filter((target) => roomOf(target) !== roomOf(file) && !arrows[roomOf(file)].includes(roomOf(target)))
        .map((target) => `${file} imports ${target}`),
    )
    expect(wrong).toEqual([])
  })

  test('one topology leaves the others alone', () => {
    const wrong = [...graph].flatMap(([file, imports]) =>
      imports
        .filter((to) => to.startsWith('topologies/') && file.startsWith('topologies/') && to.split('/')[1] !== file.split('/')[1])
        .map((to) => `${file} imports ${to}`),
    )
    expect(wrong).toEqual([])
  })

  test('in no circle', () => {
    expect(findCycle(withIndex)).toBeUndefined()
  })

  test('what is imported exists', () => {
    const gone = [...withIndex].flatMap(([file, imports]) =>
      imports.filter((target) => !existsSync(join(root, target))).map((target) => `${file} imports ${target}`),
    )
    expect(gone).toEqual([])
  })
})

describe('operators are pure', () => {
  const clocks =
    /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bsetTimeout\b|\bsetInterval\b|\bsetImmediate\b|\bqueueMicrotask\b|\bprocess\.|\basync\b|\bawait\b|\bMath\.random\b|\bcrypto\.|from 'node:/

  test('they read no clock, wait for nothing, roll no dice', () => {
    const wrong = sourcesBelow(join(root, 'operators')).flatMap((path) =>
      withoutComments(readFileSync(path, 'utf8'))
        .split('\n')
        .filter((line) => clocks.test(line))
        .map((line) => `${path.slice(root.length)}: ${line.trim()}`),
    )
    expect(wrong).toEqual([])
  })

  test('they import RxJS, core and each other, nothing else', () => {
    const packages = sourcesBelow(join(root, 'operators')).flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/from '([^.'][^']*)'/g)].map((m) => m[1]),
    )
    expect([...new Set(packages)].filter((name) => name !== 'rxjs' && !name.startsWith('rxjs/'))).toEqual([])
  })
})

describe('files stay small', () => {
  test('none over 300 lines', () => {
    const long = [...graph.keys()].map((file) => ({ file, lines: read(file).split('\n').length - 1 })).filter(({ lines }) => lines > 300)
    expect(long).toEqual([])
  })
})

describe('docs/map.md', () => {
  test('lists the rooms there are, and no others', () => {
    const listed = [...read('docs/map.md').matchAll(/^\| `([a-z]+)\/` \|/gm)].map((m) => m[1])
    expect(listed.sort()).toEqual(roomsOfTree().sort())
  })

  test('names the arrows that are checked here', () => {
    const drawn = new Map(
      [...read('docs/map.md').matchAll(/^\| `([a-z]+)\/` \|[^|]*\| ([^|]*) \|/gm)].map((m) => [
        m[1],
        [...m[2].matchAll(/`([a-z]+)\/`/g)].map((n) => n[1]),
      ]),
    )
    for (const room of ['core', 'operators', 'connectors', 'markets', 'runtime']) expect(drawn.get(room), room).toEqual(arrows[room])
  })
})

describe('the checks themselves', () => {
  test('imports are found in every form', () => {
    const text = `import { a } from './a.ts'
import type { B } from '../core/b.ts'
import {
  c,
} from './c.ts'
import './d.ts'
export * from './e.ts'
const f = await import('./f.ts')
const g = new Worker(new URL('./g.ts', import.meta.url))
// import { h } from './h.ts'
import rx from 'rxjs'`
    expect(importsOf('runtime/x.ts', text).sort()).toEqual(['core/b.ts', ...['a', 'c', 'd', 'e', 'f', 'g'].map((n) => `runtime/${n}.ts`)].sort())
  })

  test('a circle is found and named', () => {
    expect(
      findCycle(
        new Map([
          ['a', ['b']],
          ['b', ['c', 'd']],
          ['c', []],
          ['d', ['b']],
        ]),
      ),
    ).toEqual(['b', 'd', 'b'])
  })
})

/** Folders of the tree that hold a file; what a run or a build leaves behind is none of them. */
function roomsOfTree(): string[] {
  const left = ['node_modules', 'dist', 'runs', 'demo-data']
  const names = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith('.') && !left.includes(entry.name),
  )
  return names
    .map((entry) => entry.name)
    .filter((name) => readdirSync(join(root, name), { withFileTypes: true, recursive: true }).some((entry) => entry.isFile()))
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '')
}
