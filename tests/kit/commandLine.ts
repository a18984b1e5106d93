import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Answer {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

/** Runs the command line as a user does, in a process of its own. */
export function tickloom(args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Promise<Answer> {
  return answerOf(spawn(process.execPath, [main, ...args], { cwd: options.cwd, env: { ...process.env, ...options.env } }))
}

/** What a child process said, once it has ended. */
export function answerOf(child: ChildProcess): Promise<Answer> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}
