import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { TickloomError } from '../../../core/errors.ts'
import { javaCommand } from './tools.ts'

export interface JvmOptions {
  /** As messages name it. */
  readonly name: string
  readonly args: readonly string[]
  /** What it says is added to this file. */
  readonly log: string
  readonly cwd?: string
  /** Does it serve? Asked again and again, with what it has said so far. */
  ready(said: string): boolean | Promise<boolean>
  /** Milliseconds until it must. */
  readonly patience: number
  /** Gives it up while it starts. */
  readonly signal?: AbortSignal
}

/** A Java process of ours. It dies with this process, even when this one is killed. */
export interface Jvm {
  readonly pid: number
  /** Resolves when it ends without having been asked to, and never otherwise. */
  readonly failed: Promise<TickloomError>
  /** SIGTERM, and SIGKILL to what is still there after so many milliseconds; 0 is SIGKILL at once. Returns when it is gone. */
  stop(grace: number): Promise<void>
}

/** Little memory and a quick start: with the collector and the compiler of a server, three brokers do not fit beside their tests. */
export const smallJvm = ['-Xms64m', '-Xmx384m', '-Xss512k', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:MaxDirectMemorySize=128m']

/** Bytes of a log that are looked at. */
const longestSaid = 1_000_000

// The shell becomes the JVM; its child waits for our end of the pipe, which a line closes well and our death does not.
const bound = 'exec 3<&0; ( read -r _ <&3 || kill -9 $$ ) & exec "$0" "$@" 3<&- </dev/null'

/** Starts Java and waits until it serves. Throws SERVICE_FAILED with the end of its log, INTERRUPTED, and leaves nothing running then. */
export async function startJvm({ name, args, log, cwd, ready, patience, signal }: JvmOptions): Promise<Jvm> {
  const java = spawnBound(name, args, log, cwd)
  const until = Date.now() + patience
  for (;;) {
    // First: somebody else may answer where this one could not.
    if (java.ended()) throw java.failure(`ended with ${await java.end} before it was ready`)
    if (await ready(java.said())) return java
    if (Date.now() > until || signal?.aborted) {
      await java.stop(0)
      if (signal?.aborted) throw new TickloomError('INTERRUPTED', `interrupted while ${name} started`, {})
      throw java.failure(`was not ready after ${patience / 1000} s`)
    }
    await sleep(50)
  }
}

/** Runs Java to its end. Throws SERVICE_FAILED when it fails. */
export async function runJvm({ name, args, log, patience }: Pick<JvmOptions, 'name' | 'args' | 'log' | 'patience'>): Promise<void> {
  const java = spawnBound(name, args, log)
  const timer = setTimeout(() => void java.stop(0), patience)
  const code = await java.end
  clearTimeout(timer)
  if (code !== 0) throw java.failure(`ended with ${code}`)
}

interface Bound extends Jvm {
  /** Its exit code, or the signal that ended it. */
  readonly end: Promise<number | string>
  ended(): boolean
  /** What this life of it has added to the log. */
  said(): string
  failure(how: string): TickloomError
}

function spawnBound(name: string, args: readonly string[], log: string, cwd?: string): Bound {
  const file = openSync(log, 'a')
  const from = fstatSync(file).size
  // A group of its own, so that Ctrl-C reaches us alone and we choose how services stop.
  const child = spawn('sh', ['-c', bound, javaCommand(), ...args], { cwd, stdio: ['pipe', file, file], detached: true })
  closeSync(file)
  const said = (): string => saidIn(log, from)
  const failure = (how: string): TickloomError => new TickloomError('SERVICE_FAILED', `${name} ${how}`, { log }, new Error(tail(said())))
  const { promise: failed, resolve: fail } = Promise.withResolvers<TickloomError>()
  let over = false
  let asked = false
  const end = new Promise<number | string>((resolve) => {
    const ending = (how: number | string): void => {
      over = true
      child.stdin?.end('gone\n')
      if (!asked) fail(failure(`ended with ${how}`))
      resolve(how)
    }
    child.once('error', (cause) => ending(cause.message))
    child.once('exit', (code, signal) => ending(code ?? signal ?? 'no code'))
  })
  // The waiting shell may be gone before the line is written.
  child.stdin?.on('error', () => undefined)
  const stop = async (grace: number): Promise<void> => {
    asked = true
    if (over) return
    if (grace > 0) await asksToEnd(child, end, grace)
    if (!over) child.kill('SIGKILL')
    await end
  }
  return { pid: child.pid ?? 0, failed, end, ended: () => over, said, failure, stop }
}

async function asksToEnd(child: ChildProcess, end: Promise<unknown>, grace: number): Promise<void> {
  const waiting = new AbortController()
  child.kill('SIGTERM')
  await Promise.race([end, sleep(grace, undefined, { signal: waiting.signal }).catch(() => undefined)])
  waiting.abort()
}

/** The last megabyte at most, and nothing when whoever asked for the log has removed it. */
function saidIn(log: string, from: number): string {
  if (!existsSync(log)) return ''
  const file = openSync(log, 'r')
  try {
    const { size } = fstatSync(file)
    const start = Math.max(from, size - longestSaid)
    const bytes = Buffer.alloc(Math.max(0, size - start))
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, start))
  } finally {
    closeSync(file)
  }
}

function tail(said: string): string {
  return said.trimEnd().split('\n').slice(-20).join('\n')
}
