import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Lock {
  readonly file: string
  /** Milliseconds to wait for it. */
  readonly patience: number
  /** Gives the waiting up, with its reason. */
  readonly signal?: AbortSignal
}

/**
 * Does the work while no other process that asks for the same file does. A courtesy that saves doing it twice: a holder
 * that died is passed over, and when patience ends one goes on without, so the work must bear company.
 */
export async function locked<T>({ file, patience, signal }: Lock, work: () => Promise<T>): Promise<T> {
  const until = Date.now() + patience
  while (!taken(file)) {
    if (Date.now() > until) return work()
    if (abandoned(file)) rmSync(file, { force: true })
    else await sleep(200, undefined, { signal })
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

function taken(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw cause
  }
}

function abandoned(file: string): boolean {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    // Made and not yet written into, or left so by a process that died right then.
    if (pid === 0) return Date.now() - statSync(file).mtimeMs > 5000
    process.kill(pid, 0)
    return false
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ESRCH') return true
    // ENOENT: given back meanwhile; EPERM: alive, another user's.
    if (code === 'ENOENT' || code === 'EPERM') return false
    throw cause
  }
}
