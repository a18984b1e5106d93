import { describe, expect, it } from 'vitest'
import { exists, services, text } from './composeFile.ts'

interface Instruction {
  readonly word: string
  readonly rest: string
}

/** Instructions of each stage, lines that end in a backslash joined. */
const stages: Instruction[][] = []
for (const line of text('docker/Dockerfile')
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n/g, ' ')
  .split('\n')) {
  const [, word, rest] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? []
  if (word === undefined) continue
  if (word === 'FROM') stages.push([])
  stages[stages.length - 1].push({ word, rest })
}
const runtime = stages[stages.length - 1]
const last = (word: string) => runtime.filter((i) => i.word === word).at(-1)?.rest

describe('docker/Dockerfile', () => {
  it('builds on one pinned image with glibc: that of the Node in package.json', () => {
    const { devDependencies } = JSON.parse(text('package.json')) as { devDependencies: Record<string, string> }
    const bases = stages.map(([from]) => from.rest.split(' ')[0])
    expect(bases).toEqual([`node:${devDependencies['node']}-bookworm-slim`, `node:${devDependencies['node']}-bookworm-slim`])
  })

  it('does not run as root', () => {
    expect(last('USER')).toBe('node')
  })

  it('has an init as process 1, which hands SIGTERM on, and starts the launcher', () => {
    expect(JSON.parse(last('ENTRYPOINT') ?? '')).toEqual(['/usr/bin/tini', '--', 'node', '/app/bin/tickloom.mjs'])
    expect(runtime.some(({ word, rest }) => word === 'COPY' && rest.endsWith('/usr/bin/tini'))).toBe(true)
  })

  it('asks /healthz with what the image has, as compose does', () => {
    const check = last('HEALTHCHECK') ?? ''
    const asked = JSON.parse(check.slice(check.indexOf('[')))
    const worker = services.find(([name]) => name === 'worker')?.[1]
    expect(['CMD', ...asked]).toEqual(worker?.healthcheck?.test)
    expect(check).not.toMatch(/curl|wget/)
    expect(last('EXPOSE')).toBe('9464')
  })

  it('has no secret in ARG or ENV, and installs what the lockfile says without running scripts', () => {
    const set = stages.flat().filter(({ word }) => word === 'ARG' || word === 'ENV')
    expect(set.filter(({ rest }) => /PASSWORD|SECRET|TOKEN|KEY/i.test(rest))).toEqual([])
    const runs = stages.flat().filter(({ word }) => word === 'RUN')
    const npm = runs.flatMap(({ rest }) => rest.match(/npm (ci|install|prune)[^&]*/g) ?? [])
    expect(npm.map((command) => command.split(' ')[1])).toEqual(['ci', 'prune'])
    expect(npm.every((command) => command.includes('--ignore-scripts'))).toBe(true)
  })

  it('lets no package that it needs depend on an install script', () => {
    const { packages } = JSON.parse(text('package-lock.json')) as { packages: Record<string, { hasInstallScript?: boolean; dev?: boolean }> }
    const scripted = Object.entries(packages).filter(([, p]) => p.hasInstallScript && !p.dev)
    // chdb's does nothing, its engine is a package of its own; protobufjs only looks at version numbers.
    expect(scripted.map(([path]) => path.replace('node_modules/', '')).sort()).toEqual(['chdb', 'protobufjs'])
  })
})

describe('.dockerignore', () => {
  const lines = text('.dockerignore').split('\n')

  it('lets in what the build compiles and nothing that is not named', () => {
    const { include } = JSON.parse(text('tsconfig.build.json')) as { include: string[] }
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))[0]).toBe('*')
    for (const entry of [...include, 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'bin', 'LICENSE'])
      expect(lines, entry).toContain(`!${entry}`)
  })

  it('names what is there', () => {
    expect(lines.filter((line) => line.startsWith('!')).filter((line) => !exists(line.slice(1)))).toEqual([])
  })
})
