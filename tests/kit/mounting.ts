import { execFileSync } from 'node:child_process'
import { messageOf } from '../../core/errors.ts'

/** Mounts a file system in memory on a folder; answers why not where that is refused, as it is to who is not root. */
export function mountInMemory(folder: string, options: string): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'pipe' })
    return undefined
  } catch (cause) {
    return messageOf(cause)
  }
}

/** Changes the options of a mount. */
export function remount(folder: string, options: string): void {
  execFileSync('mount', ['-o', `remount,${options}`, folder])
}

export function unmount(folder: string): void {
  execFileSync('umount', [folder])
}
