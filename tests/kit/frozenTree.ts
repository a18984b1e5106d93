import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Answer, answerOf } from './commandLine.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const rooms = ['cli', 'connectors', 'core', 'markets', 'operators', 'runtime', 'topologies', 'index.ts', 'package.json']

/** The command line as it is now, wherever it was copied to. */
export interface FrozenTree {
  run(args: readonly string[]): Promise<Answer>
  /** In a process group of its own, for `kill` to meet whole. `node`: options of Node's. */
  start(args: readonly string[], node?: readonly string[]): ChildProcess
  remove(): void
}

/**
 * A copy of the command line that stays as it is. What tells a sweep from another is a digest of the code, among other
 * things, so an edit while a test runs would make of its second half another sweep.
 */
export function frozenTree(): FrozenTree {
  const folder = mkdtempSync(join(tmpdir(), 'tickloom-frozen-'))
  for (const room of rooms) cpSync(join(root, room), join(folder, room), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const main = join(folder, 'cli', 'main.ts')
  return {
    run: (args) => answerOf(spawn(process.execPath, [main, ...args])),
    start: (args, node = []) => spawn(process.execPath, [...node, main, ...args], { stdio: ['ignore', 'ignore', 'pipe'], detached: true }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Kills the process and all that it started; resolves when it is gone. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
  process.kill(-(child.pid as number), signal)
  return gone
}
