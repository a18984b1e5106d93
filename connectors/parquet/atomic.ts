import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { messageOf, TickloomError } from '../../core/errors.ts'

/**
 * Makes a file appear whole or not at all: `write` fills a temporary neighbour, which is synced and renamed.
 * Answers its bytes. Throws DISK_FULL or OUTPUT_UNWRITABLE naming the path; the temporary file is gone then.
 */
export async function writeAtomically(path: string, write: (temporary: string) => Promise<void>, temporary = `${path}.tmp`): Promise<number> {
  try {
    mkdirSync(dirname(path), { recursive: true })
    await write(temporary)
    sync(temporary)
    const { size } = statSync(temporary)
    renameSync(temporary, path)
    sync(dirname(path))
    return size
  } catch (cause) {
    discard(temporary)
    throw failureOf(path, cause)
  }
}

export function writeTextAtomically(path: string, text: string): Promise<number> {
  return writeAtomically(path, async (temporary) => writeFileSync(temporary, text))
}

let written = 0

/**
 * A temporary neighbour that nobody else has: a process, or an earlier owner in this one, that lost its partition and
 * does not know it yet may be writing the same file. Processes of two containers may well have one number.
 */
export function ownTemporary(path: string): string {
  return `${path}.${encodedHost()}-${process.pid}-${++written}.tmp`
}

/** Milliseconds after which a temporary of another machine is a crash's leftover: no flush takes as long. */
const ABANDONED = 3_600_000

/**
 * Whether the file is an `ownTemporary` that another process may still be writing: it lost its partition and will hear of
 * it when it commits, but its write must not fail for want of the file.
 */
export function isBeingWritten(path: string): boolean {
  const [, host, pid] = /\.([^./]+)-(\d+)-\d+\.tmp$/.exec(path) ?? []
  if (host === undefined) return false
  if (host === encodedHost()) return Number(pid) !== process.pid && isAlive(Number(pid))
  const changed = statSync(path, { throwIfNoEntry: false })?.mtimeMs
  return changed !== undefined && Date.now() - changed < ABANDONED
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (cause) {
    // Somebody else's process, but a process.
    return (cause as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Without the dots, which separate it in a temporary's name. */
function encodedHost(): string {
  return encodeURIComponent(hostname()).replaceAll('.', '%2E')
}

/** Adds a line to the end of a file, durably; what a crash left of a line before it is cut off. Throws DISK_FULL or OUTPUT_UNWRITABLE. */
export function appendLine(path: string, line: string): void {
  try {
    const descriptor = openSync(path, 'a+')
    try {
      const size = cutTornLine(descriptor)
      writeSync(descriptor, `${line}\n`)
      fsyncSync(descriptor)
      if (size === 0) sync(dirname(path))
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    throw failureOf(path, cause)
  }
}

/** Cuts off what follows the last whole line, and answers how long the file is then. */
function cutTornLine(descriptor: number): number {
  const { size } = fstatSync(descriptor)
  const piece = Buffer.alloc(Math.min(size, 4096))
  let end = size
  while (end > 0) {
    const start = Math.max(0, end - piece.length)
    readSync(descriptor, piece, 0, end - start, start)
    const newline = piece.lastIndexOf(10, end - start - 1)
    end = start + newline + 1
    if (newline >= 0) break
  }
  if (end < size) ftruncateSync(descriptor, end)
  return end
}

/** Makes the folder and tries to write in it, before any work is done for it. Throws OUTPUT_UNWRITABLE or DISK_FULL. */
export function probeFolder(folder: string): void {
  const probe = join(folder, `.probe-${process.pid}`)
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(probe, 'probe')
    // Another container's process of the same number may have been quicker.
    rmSync(probe, { force: true })
  } catch (cause) {
    discard(probe)
    throw failureOf(folder, cause)
  }
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Removes what is half written, if anything is: why it is only half written is what the caller wants to know. */
function discard(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // Where it could not be made, it cannot be removed either.
  }
}

/** A failure to write as DISK_FULL or OUTPUT_UNWRITABLE, any other as it is. The engine tells of the system's in words, Node by code. */
export function failureOf(path: string, cause: unknown): unknown {
  const message = messageOf(cause)
  if (/ENOSPC|EDQUOT|No space left|quota exceeded/i.test(message))
    return new TickloomError('DISK_FULL', `no space left to write ${path}`, { file: path }, cause)
  const node = /EACCES|EPERM|EROFS|ENOTDIR|EEXIST|EISDIR|ENOENT|ELOOP|ENAMETOOLONG/
  const engine = /Permission denied|Read-only|Not a directory|Is a directory|No such file|symbolic links|name too long/i
  if (node.test(message) || engine.test(message)) {
    return new TickloomError('OUTPUT_UNWRITABLE', `cannot write ${path}: ${message}`, { file: path }, cause)
  }
  return cause
}
