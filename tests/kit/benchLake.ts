import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cache = join(root, 'node_modules', '.cache', 'tickloom')
export const peersFolder = join(root, 'bench', 'peers')

export interface BenchLake {
  /** One file a contract and day, the layout of the seed users. */
  readonly perContract: string
  /** One file a day in time order. */
  readonly merged: string
}

/** A Python with what bench/peers/requirements.txt asks for, made once; undefined where there is no Python. */
export function peersPython(): string | undefined {
  const venv = join(cache, 'venv')
  const python = join(venv, 'bin', 'python')
  const ready = join(venv, 'ready')
  if (existsSync(ready)) return python
  if (!hasPython()) return undefined
  mkdirSync(cache, { recursive: true })
  rmSync(venv, { recursive: true, force: true })
  execFileSync('python3', ['-m', 'venv', venv], { stdio: 'pipe', timeout: 120_000 })
  execFileSync(join(venv, 'bin', 'pip'), ['install', '-q', '-r', join(peersFolder, 'requirements.txt')], { stdio: 'pipe', timeout: 600_000 })
  mkdirSync(ready)
  return python
}

/** The benchmark market of so many days from 2025-01-06, generated once; undefined where there is no Python. */
export function benchLake(days: number): BenchLake | undefined {
  const folder = join(cache, `bench-${days}`)
  const lake = { perContract: join(folder, 'lake'), merged: join(folder, 'merged') }
  if (existsSync(folder)) return lake
  const python = peersPython()
  if (python === undefined) return undefined
  const building = `${folder}.building`
  rmSync(building, { recursive: true, force: true })
  execFileSync(python, [join(peersFolder, 'gen.py'), join(building, 'lake'), '--merged', join(building, 'merged'), '--days', String(days)], {
    stdio: 'pipe',
    timeout: 600_000,
  })
  renameSync(building, folder)
  return lake
}

function hasPython(): boolean {
  try {
    execFileSync('python3', ['-c', 'import venv, ensurepip'], { stdio: 'pipe', timeout: 20_000 })
    return true
  } catch {
    // No Python, or one without venv: the caller says what is skipped.
    return false
  }
}
