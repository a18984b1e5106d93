#!/usr/bin/env node
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const sources = join(root, 'cli', 'main.ts')
// A checkout runs its sources, even beside an old build; the published package has only the build.
const main = existsSync(sources) ? sources : join(root, 'dist', 'cli', 'main.js')
const wanted = 24

if (Number(process.versions.node.split('.')[0]) >= wanted) await import(pathToFileURL(main).href)
else runWithNewerNode()

/** The `node` package, where it is installed, brings a Node of the version wanted. */
function runWithNewerNode() {
  const node = newerNode()
  if (node === undefined) {
    process.stderr.write(
      `tickloom needs Node ${wanted} or later; this is ${process.versions.node}.\nInstall it from https://nodejs.org, or \`npm install node@${wanted}\` beside tickloom.\n`,
    )
    process.exit(1)
  }
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  // A terminal sends Ctrl-C to the child as well, and two of them mean "at once".
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

function newerNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'))
    return [join(folder, 'bin', 'node'), join(folder, 'bin', 'node.exe')].find((path) => existsSync(path))
  } catch (cause) {
    if (cause.code === 'MODULE_NOT_FOUND') return undefined
    throw cause
  }
}
