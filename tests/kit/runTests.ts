import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// What `npm test` and `npm run test:storm` run: every check prints as it goes, and the last line is `N passed, N failed`.

interface Tally {
  readonly passed: number
  readonly failed: number
}

/** The part read of the report vitest writes. */
interface VitestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[]
}

const root = join(import.meta.dirname, '..', '..')
const [config, ...more] = process.argv.slice(2)
if (config === undefined) {
  const checks = [
    await check('typecheck', ['typescript/bin/tsc']),
    await check('lint', ['@biomejs/biome/bin/biome', 'check', '.']),
    await vitest('vitest.config.ts', []),
  ]
  end(checks)
} else {
  end([await vitest(config, more)])
}

function end(tallies: readonly Tally[]): void {
  const passed = tallies.reduce((sum, t) => sum + t.passed, 0)
  const failed = tallies.reduce((sum, t) => sum + t.failed, 0)
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
  process.exitCode = failed > 0 ? 1 : 0
}

async function check(name: string, command: readonly string[]): Promise<Tally> {
  const ok = (await node(command)) === 0
  process.stdout.write(`${ok ? 'passed' : 'FAILED'}  ${name}\n`)
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1 }
}

async function vitest(configuration: string, filters: readonly string[]): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'tickloom-tests-'))
  const report = join(folder, 'report.json')
  try {
    const flags = ['--config', configuration, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const code = await node(['vitest/vitest.mjs', 'run', ...flags, ...filters])
    return existsSync(report) ? tallyOf(JSON.parse(readFileSync(report, 'utf8')), code) : { passed: 0, failed: 1 }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function tallyOf({ numPassedTests, numFailedTests, testResults }: VitestReport, code: number): Tally {
  // A file that does not even load has no tests to count, and an error outside any test shows in the exit code alone.
  const unloadable = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length
  const failed = numFailedTests + unloadable
  return { passed: numPassedTests, failed: code !== 0 && failed === 0 ? 1 : failed }
}

function node([script, ...args]: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [join(root, 'node_modules', script), ...args], { cwd: root, stdio: 'inherit' })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}
