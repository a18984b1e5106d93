import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The one that the benchmark's peers made, where they have run (kit/benchLake.ts). */
const ofPeers = fileURLToPath(new URL('../../node_modules/.cache/tickloom/venv/bin/python', import.meta.url))

/** A Python that has Polars: that of TICKLOOM_PYTHON, python3, or the peers'; undefined where there is none. */
export function pythonWithPolars(): string | undefined {
  const candidates = [process.env['TICKLOOM_PYTHON'], 'python3', existsSync(ofPeers) ? ofPeers : undefined]
  return candidates.find((python) => python !== undefined && hasPolars(python))
}

function hasPolars(python: string): boolean {
  try {
    execFileSync(python, ['-c', 'import polars'], { stdio: 'pipe', timeout: 30_000 })
    return true
  } catch {
    // Not that one: the caller says what is skipped when none is left.
    return false
  }
}

/** What a script prints, as JSON. */
export function askPython(python: string, script: string): unknown {
  return JSON.parse(execFileSync(python, ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'], timeout: 60_000, encoding: 'utf8' }))
}
