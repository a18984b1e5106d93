import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
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
}

/** A Java process of ours. It dies with this process, even when this one is killed. */
export interface Jvm {
  readonly pid: number
  /** SIGTERM, and SIGKILL to what is still there after so many milliseconds; 0 is SIGKILL at once. Returns when it is gone. */
  stop(grace: number): Promise<void>
}

/** Little memory and a quick start: with the collector and the compiler of a server, three brokers do not fit beside their tests. */
export const smallJvm = ['-Xms64m', '-Xmx384m', '-Xss512k', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:MaxDirectMemorySize=128m']

// The shell becomes the JVM; its child waits for our end of the pipe, which a line closes well and our death does not.
const bound = 'exec 3<&0; ( read -r _ <&3 || kill -9 $$ ) & exec "$0" "$@" 3<&- </dev/null'

/** Starts Java and waits until it serves. Throws SERVICE_FAILED with the end of its log, and leaves nothing running then. */
export async function startJvm({ name, args, log, cwd, ready, patience }: JvmOptions): Promise<Jvm> {
  const file = openSync(log, 'a')
  try {
    const from = fstatSync(file).size
    const child = spawnBound(args, cwd, file)
    const until = Date.now() + patience
    const failed = (how: string): TickloomError => new TickloomError('SERVICE_FAILED', `${name} ${how}`, { log }, new Error(tail(saidIn(log, from))))
    while (!(await ready(saidIn(log, from)))) {
      if (child.ended()) throw failed('ended before it was ready')
      if (Date.now() > until) {
        await child.stop(0)
        throw failed(`was not ready after ${patience / 1000} s`)
      }
      await sleep(50)
    }
    return child
  } finally {
    closeSync(file)
  }
}

/** Runs Java to its end. Throws SERVICE_FAILED when it fails. */
export async function runJvm({ name, args, log, patience }: Pick<JvmOptions, 'name' | 'args' | 'log' | 'patience'>): Promise<void> {
  const file = openSync(log, 'a')
  try {
    const from = fstatSync(file).size
    const child = spawnBound(args, undefined, file)
    const timer = setTimeout(() => void child.stop(0), patience)
    const code = await child.end
    clearTimeout(timer)
    if (code !== 0) throw new TickloomError('SERVICE_FAILED', `${name} failed with ${code}`, { log }, new Error(tail(saidIn(log, from))))
  } finally {
    closeSync(file)
  }
}

interface Bound extends Jvm {
  /** Its exit code, or the signal that ended it. */
  readonly end: Promise<number | string>
  ended(): boolean
}

function spawnBound(args: readonly string[], cwd: string | undefined, log: number): Bound {
  // A group of its own, so that Ctrl-C reaches us alone and services stop in the order we choose.
  const child = spawn('sh', ['-c', bound, javaCommand(), ...args], { cwd, stdio: ['pipe', log, log], detached: true })
  const end = new Promise<number | string>((resolve) => {
    child.once('error', (cause) => resolve(cause.message))
    child.once('exit', (code, signal) => {
      child.stdin?.end('gone\n')
      resolve(code ?? signal ?? 'unknown')
    })
  })
  // The waiting shell may be gone before the line is written.
  child.stdin?.on('error', () => undefined)
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null || child.pid === undefined
  return { pid: child.pid ?? 0, end, ended, stop: (grace) => stopped(child, end, ended, grace) }
}

async function stopped(child: ChildProcess, end: Promise<unknown>, ended: () => boolean, grace: number): Promise<void> {
  if (ended()) return
  if (grace > 0) {
    child.kill('SIGTERM')
    const over = new AbortController()
    await Promise.race([end, sleep(grace, undefined, { signal: over.signal }).catch(() => undefined)])
    over.abort()
  }
  if (!ended()) child.kill('SIGKILL')
  await end
}

function saidIn(log: string, from: number): string {
  const file = openSync(log, 'r')
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - from))
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, from))
  } finally {
    closeSync(file)
  }
}

function tail(said: string): string {
  return said.trimEnd().split('\n').slice(-20).join('\n')
}
