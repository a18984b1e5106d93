import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { version } from '../../cli/version.ts'
import { type Answer, answerOf } from '../kit/commandLine.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const launcher = join(root, 'bin', 'tickloom.mjs')
const folder = mkdtempSync(join(tmpdir(), 'tickloom-bin-'))
afterAll(() => rmSync(folder, { recursive: true }))

const old = `--import=data:text/javascript,${encodeURIComponent("Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })")}`

function launch(args: readonly string[], node: readonly string[] = []): Promise<Answer> {
  return answerOf(spawn(process.execPath, [...node, ...args], { cwd: folder }))
}

test("the version is the package's", async () => {
  expect(version).toBe(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version)
  expect(await launch([launcher, '--version'])).toMatchObject({ code: 0, stdout: `${version}\n` })
})

describe('on an older Node', () => {
  test('goes on with the one that the node package brings, and passes on its exit code', async () => {
    expect(await launch([launcher, '--version'], [old])).toMatchObject({ code: 0, stdout: `${version}\n` })
    expect(await launch([launcher, 'replay'], [old])).toMatchObject({ code: 2 })
  })

  test('says what is missing where there is none', async () => {
    cpSync(launcher, join(folder, 'bin', 'tickloom.mjs'))
    const { code, stderr } = await launch([join(folder, 'bin', 'tickloom.mjs')], [old])
    expect(code).toBe(1)
    expect(stderr).toContain('tickloom needs Node 24 or later; this is 20.1.0')
  })
})

test('a published package has its build only', async () => {
  mkdirSync(join(folder, 'package', 'dist', 'cli'), { recursive: true })
  cpSync(launcher, join(folder, 'package', 'bin', 'tickloom.mjs'))
  writeFileSync(join(folder, 'package', 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'package', 'dist', 'cli', 'main.js'), "console.log('built', process.argv[2])")
  expect(await launch([join(folder, 'package', 'bin', 'tickloom.mjs'), 'x'])).toMatchObject({ code: 0, stdout: 'built x\n' })
})

test('a signal to the launcher reaches the run', async () => {
  mkdirSync(join(folder, 'slow', 'dist', 'cli'), { recursive: true })
  cpSync(launcher, join(folder, 'slow', 'bin', 'tickloom.mjs'))
  mkdirSync(join(folder, 'slow', 'node_modules'))
  symlinkSync(join(root, 'node_modules', 'node'), join(folder, 'slow', 'node_modules', 'node'))
  writeFileSync(join(folder, 'slow', 'package.json'), '{"type":"module"}')
  writeFileSync(
    join(folder, 'slow', 'dist', 'cli', 'main.js'),
    "process.on('SIGTERM', () => process.exit(130)); setInterval(() => {}, 1000); console.log('ready')",
  )
  const child = spawn(process.execPath, [old, join(folder, 'slow', 'bin', 'tickloom.mjs')])
  const answer = answerOf(child)
  await new Promise((resolve) => child.stdout.once('data', resolve))
  child.kill('SIGTERM')
  expect(await answer).toMatchObject({ code: 130, signal: null })
})
