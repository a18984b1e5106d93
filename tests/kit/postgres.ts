import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { describe } from 'vitest'
import { freePorts } from '../../connectors/kafka/dev/ports.ts'

const folder = programsFolder()

/** Why no PostgreSQL can run here; undefined where it can. */
export const postgresMissing: string | undefined = folder === undefined ? "initdb is not there: install Debian's package postgresql" : undefined

/** `describe` for what needs a real server; where there is none it is skipped, saying so. */
export function describePostgres(name: string, tests: () => void): void {
  if (postgresMissing === undefined) {
    describe(name, tests)
    return
  }
  process.stderr.write(`\nSKIPPED  ${name}: ${postgresMissing}\n`)
  describe.skip(`${name} (skipped: ${postgresMissing})`, tests)
}

export interface PostgresServer {
  readonly url: string
  readonly port: number
  /** Ends the server as an administrator would (`fast`), or as a power cut does (`kill`). The data stay. */
  down(how: 'fast' | 'kill'): Promise<void>
  /** Starts it on the same data and port. */
  up(): Promise<void>
  /** Ends it and removes the data. Safe to call twice. */
  stop(): Promise<void>
}

/** A server of one's own on loopback, whose data are in a temporary folder. It refuses root, so root starts it as somebody else. */
export async function startPostgres(): Promise<PostgresServer> {
  const data = mkdtempSync(join(tmpdir(), 'tickloom-postgres-'))
  const user = process.getuid?.() === 0 ? otherUser() : undefined
  if (user !== undefined) chownSync(data, user.uid, user.gid)
  const made = spawnSync(program('initdb'), ['-D', data, '-A', 'trust', '-U', 'tickloom', '-E', 'UTF8', '--locale=C', '-N'], {
    ...user,
    cwd: data,
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (made.status !== 0) throw new Error(`initdb ended with ${made.status}: ${made.stderr}`)
  const [port] = await freePorts(1)
  let child: ChildProcess | undefined
  const killAtExit = () => child?.kill('SIGQUIT')
  process.on('exit', killAtExit)

  async function up(): Promise<void> {
    const settings = [
      '-F',
      '-h',
      '127.0.0.1',
      '-p',
      String(port),
      '-k',
      data,
      '-c',
      'shared_buffers=16MB',
      '-c',
      'max_connections=10',
      '-c',
      'autovacuum=off',
    ]
    child = spawn(program('postgres'), ['-D', data, ...settings], { ...user, cwd: data, stdio: ['ignore', 'ignore', 'pipe'] })
    let log = ''
    child.stderr?.on('data', (chunk) => {
      log += chunk
    })
    const end = Date.now() + 30_000
    while (!log.includes('ready to accept connections')) {
      if (child.exitCode !== null || Date.now() > end) throw new Error(`postgres did not start: ${log}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  async function down(how: 'fast' | 'kill'): Promise<void> {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const ended = once(running, 'exit')
    // SIGQUIT ends all its processes at once and without a checkpoint; SIGKILL would leave them.
    running.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT')
    const timer = setTimeout(() => running.kill('SIGKILL'), 15_000)
    await ended
    clearTimeout(timer)
  }

  await up()
  return {
    url: `postgres://tickloom@127.0.0.1:${port}/postgres`,
    port,
    up,
    down,
    async stop() {
      process.off('exit', killAtExit)
      await down('kill')
      rmSync(data, { recursive: true, force: true })
    },
  }
}

function program(name: string): string {
  return join(folder as string, name)
}

/** Debian keeps the server's programs, by version, off the path. */
function programsFolder(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [...versions.map((version) => join(debian, version, 'bin')), ...(process.env['PATH'] ?? '').split(delimiter)]
  return folders.find((path) => existsSync(join(path, 'initdb')) && existsSync(join(path, 'postgres')))
}

function otherUser(): { uid: number; gid: number } {
  const lines = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const found = lines.find(([name]) => name === 'postgres') ?? lines.find(([name]) => name === 'nobody')
  if (found === undefined) throw new Error('PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody')
  return { uid: Number(found[2]), gid: Number(found[3]) }
}
