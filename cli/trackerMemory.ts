import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * What a process of little memory is started with; each was measured before 2,000 symbols (bench/tracker.md).
 *
 *     --max-semi-space-size=1   what is new dies young here: a bigger nursery only holds more of what is dead
 *     MALLOC_ARENA_MAX=1        one pool of memory for all threads, the others have little to do
 */
const nodeFlags = ['--max-semi-space-size=1']

/**
 * Begins anew as a process of little memory, with the same id, files and command line: flags of the heap count from
 * the start only. Returns where it is one already, or where processes cannot be replaced.
 */
export function asSmallProcess(): void {
  const { execve, execPath, execArgv, argv, env, platform, connected } = process
  const small = nodeFlags.every((flag) => execArgv.includes(flag))
  if (small || platform === 'win32' || execve === undefined || connected) return
  execve.call(process, execPath, [execPath, ...nodeFlags, ...execArgv, ...argv.slice(1)], { MALLOC_ARENA_MAX: '1', ...env })
}

/** Bytes of dead buffers that a tracker puts up with, and how often it looks, milliseconds. */
const [MOST, LOOK] = [5_000_000, 1000]

/**
 * Looks for garbage when buffers outside the heap have grown by `MOST` since the last time. Without it V8 lets some 30 MB
 * of dead ones gather: what sockets read lies outside its heap, and the little that refers to it gives it no reason to look.
 * A look takes 10 to 20 ms, and there is one in 15 s at 500 updates a second and in 5 s at 5,000: 0.1 to 0.3 % of a core.
 */
export function paceGarbage(): { stop(): void } {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // The first look is at what starting left.
  let kept = -Infinity
  const timer = setInterval(() => {
    const { arrayBuffers } = process.memoryUsage()
    if (arrayBuffers - kept < MOST) {
      kept = Math.min(kept, arrayBuffers)
      return
    }
    collect()
    kept = process.memoryUsage().arrayBuffers
  }, LOOK)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
