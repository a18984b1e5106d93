import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

/**
 * Options of Node's for a `tickloom VERB` that sends itself a signal as soon as `when` is true of a file's text, looked at
 * between two things it does: however long the machine stalls, it does not get further. `when` is passed as text, so it
 * uses nothing but the file's. `group`: the signal is for all that it started, too.
 */
export function endingItself(verb: string, file: string, when: (text: string) => boolean, signal: NodeJS.Signals, group = false): string[] {
  const code = `
import { existsSync, readFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
const [file, when] = [${JSON.stringify(file)}, ${when}]
const look = () => {
  if (!existsSync(file) || !when(readFileSync(file, 'utf8'))) return
  clearInterval(looking)
  process.kill(${group ? '-' : ''}process.pid, '${signal}')
}
const looking = isMainThread && process.argv[2] === '${verb}' ? setInterval(look, 2).unref() : undefined`
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`]
}

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
