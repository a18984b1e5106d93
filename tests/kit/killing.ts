import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

/** Starts `tickloom` with the arguments and kills it with SIGKILL after so many milliseconds; true when it had ended by itself. */
export async function killAfter(milliseconds: number, args: readonly string[]): Promise<boolean> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', resolve)
  })
  // The whole group: workers die with their parent, as they do when the machine goes.
  const timer = setTimeout(() => {
    process.kill(-(child.pid as number), 'SIGKILL')
  }, milliseconds)
  const code = await ended
  clearTimeout(timer)
  if (code !== null && code !== 0) throw new Error(`tickloom ${args[0]} ended with ${code} before it was killed: ${stderr}`)
  return code === 0
}
