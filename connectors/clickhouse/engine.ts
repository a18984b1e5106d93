import { existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import type { Session } from 'chdb'
import { messageOf, TickloomError } from '../../core/errors.ts'

interface Engine {
  readonly session: Session
  /** undefined: a directory of the engine's own, deleted when the process ends. */
  readonly directory: string | undefined
}

const load = createRequire(import.meta.url)
let engine: Engine | undefined
const readers = new Set<Session>()
const idle: Session[] = []
let holds = 0

/** The library is loaded with the first session: it costs 170 MB of resident memory, and most verbs need none. */
function newSession(directory?: string): Session {
  const { Session } = load('chdb') as typeof import('chdb')
  return new Session(directory)
}

/**
 * The ClickHouse engine inside this process.
 *
 * A process has one engine and an engine has one data directory. Without `directory` the answer is whatever this
 * process has open already, else an engine in a temporary directory; so who only reads files needs to know nothing.
 * Asking for a directory while only an idle temporary one is open replaces that.
 *
 * Throws CLICKHOUSE_BUSY when another process owns the directory, or this one owns a different directory.
 */
export function embeddedEngine(directory?: string): Session {
  if (directory === undefined) return (engine ??= { session: newSession(), directory: undefined }).session
  mkdirSync(directory, { recursive: true })
  const path = realpathSync(resolve(directory))
  if (engine?.directory === path) return engine.session
  if (engine !== undefined && (engine.directory !== undefined || readers.size > 0)) {
    const other = engine.directory ?? 'a temporary directory, which a reader is using: open the destination before the source'
    throw new TickloomError('CLICKHOUSE_BUSY', `cannot open ${path}: this process already has the embedded engine on ${other}`, { directory: path })
  }
  closeEmbeddedEngine()
  try {
    engine = { session: newSession(path), directory: path }
  } catch (cause) {
    throw busy(path, cause)
  }
  return engine.session
}

/**
 * A session of its own on the engine's directory: a session carries one stream at a time, so whoever streams takes one.
 * Close it with `closeReader`.
 */
export function embeddedReader(): Session {
  const path = embeddedEngine().path
  const reader = idle.pop() ?? newSession(path)
  readers.add(reader)
  return reader
}

/** Gives a reader back, whose stream has ended or was cancelled; the next one to ask takes it over, as a session costs 12 ms and megabytes. */
export function closeReader(reader: Session): void {
  if (readers.delete(reader)) idle.push(reader)
}

/**
 * Keeps the engine open on that directory until released; the last release closes it, unless a reader goes on.
 * Throws like `embeddedEngine`.
 */
export function holdEmbeddedEngine(directory: string): { readonly path: string; release(): void } {
  const { path } = embeddedEngine(directory)
  holds++
  let held = true
  return {
    path,
    release() {
      if (!held) return
      held = false
      if (--holds === 0 && readers.size === 0) closeEmbeddedEngine()
    },
  }
}

/** The data directory this process owns, undefined when there is none or only a temporary one. */
export function embeddedDirectory(): string | undefined {
  return engine?.directory
}

/** Closes the engine and every reader of it; the directory is free for another process afterwards. */
export function closeEmbeddedEngine(): void {
  for (const reader of [...readers, ...idle.splice(0)]) reader.close()
  readers.clear()
  engine?.session.close()
  engine = undefined
  holds = 0
}

/**
 * The engine holds a kernel lock on the file `status`, which dies with its process, and writes its pid there. It says
 * only that it failed, so a directory whose status names another live process is taken to be open there.
 */
function busy(directory: string, cause: unknown): TickloomError {
  const status = join(directory, 'status')
  const pid = Number(existsSync(status) ? /^PID: (\d+)/m.exec(readFileSync(status, 'utf8'))?.[1] : NaN)
  const where = Number.isNaN(pid) ? messageOf(cause) : `it is open in process ${pid}`
  return new TickloomError('CLICKHOUSE_BUSY', `cannot open the embedded database ${directory}: ${where}`, { directory, pid }, cause)
}
