import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TickloomError } from '../../../core/errors.ts'
import { locked } from './lock.ts'
import { requireJava, requireMaven } from './tools.ts'

/** Folders of the programs. */
export interface Programs {
  /** Jars of Apache Kafka. */
  readonly kafka: string
  /** Apicurio Registry, unpacked. */
  readonly registry: string
}

export interface FetchOptions {
  /** Where programs are kept: TICKLOOM_DEV_CACHE, else ~/.cache/tickloom/kafka. */
  readonly cache?: string
  /** Told what is being fetched, when something is. */
  readonly say?: (text: string) => void
  /** Gives the fetching up. */
  readonly signal?: AbortSignal
}

const pom = fileURLToPath(new URL('pom.xml', import.meta.url))
const kafkaVersion = '4.4.0'
// 3.1 and later ask for a newer Java than Kafka does.
const registryVersion = '3.0.9'
const fetchMinutes = 20
const prefix = '.fetching-'

/**
 * Apache Kafka and Apicurio Registry, from the cache or else through Maven (155 MB in all). A program is in the cache
 * whole or not at all, whoever else fetches at the same time. Throws DEV_TOOLS_MISSING, SERVICE_FAILED, INTERRUPTED.
 */
export async function fetchPrograms({ cache = cacheFolder(), say = () => undefined, signal }: FetchOptions = {}): Promise<Programs> {
  requireJava()
  const programs = programsIn(cache)
  const there = (): boolean => existsSync(programs.kafka) && existsSync(programs.registry)
  if (there()) return programs
  requireMaven()
  mkdirSync(cache, { recursive: true })
  try {
    await locked({ file: join(cache, 'fetch.lock'), patience: fetchMinutes * 60_000, signal }, async () => {
      removeAbandoned(cache)
      const kafka = (folder: string): Promise<void> => fetchKafka(folder, signal)
      await place(cache, programs.kafka, kafka, () => say(`fetching Apache Kafka ${kafkaVersion}, 45 MB, this once`))
      const registry = (folder: string): Promise<void> => fetchRegistry(folder, signal)
      await place(cache, programs.registry, registry, () => say(`fetching Apicurio Registry ${registryVersion}, 110 MB, this once`))
    })
  } catch (cause) {
    if (signal?.aborted) throw new TickloomError('INTERRUPTED', 'interrupted while programs were fetched', { cache })
    throw cause
  }
  return programs
}

/** Where the programs of this version lie once they are fetched. */
export function programsIn(cache: string = cacheFolder()): Programs {
  return { kafka: join(cache, `kafka-${kafkaVersion}`), registry: join(cache, `registry-${registryVersion}`) }
}

function cacheFolder(): string {
  return process.env['TICKLOOM_DEV_CACHE'] || join(homedir(), '.cache', 'tickloom', 'kafka')
}

/** Fills a folder aside and moves it to its place, unless somebody was faster. */
async function place(cache: string, target: string, fill: (folder: string) => Promise<void>, starting: () => void): Promise<void> {
  if (existsSync(target)) return
  starting()
  const aside = mkdtempSync(join(cache, prefix))
  try {
    await fill(aside)
    renameSync(aside, target)
  } catch (cause) {
    if (!existsSync(target)) throw cause
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
}

/** What fetches that were killed have left. */
function removeAbandoned(cache: string): void {
  for (const name of readdirSync(cache).filter((entry) => entry.startsWith(prefix))) {
    const folder = join(cache, name)
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (age > 2 * fetchMinutes * 60_000) rmSync(folder, { recursive: true, force: true })
  }
}

function fetchKafka(folder: string, signal?: AbortSignal): Promise<void> {
  return command(
    'mvn',
    ['-B', '-q', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`],
    folder,
    signal,
  )
}

async function fetchRegistry(folder: string, signal?: AbortSignal): Promise<void> {
  const artifact = `io.apicurio:apicurio-registry-app:${registryVersion}:tar.gz:all`
  await command(
    'mvn',
    ['-B', '-q', 'dependency:copy', `-Dartifact=${artifact}`, '-Dmdep.useBaseVersion=true', `-DoutputDirectory=${folder}`],
    folder,
    signal,
  )
  const packed = readdirSync(folder).filter((name) => name.endsWith('.tar.gz'))
  await command('tar', ['xzf', ...packed], folder, signal)
  for (const name of packed) rmSync(join(folder, name))
}

/** Runs a command to its end in the folder. Throws SERVICE_FAILED with the end of what it said. */
function command(name: string, args: readonly string[], cwd: string, signal?: AbortSignal): Promise<void> {
  const child = spawn(name, args, { cwd, signal, stdio: ['ignore', 'pipe', 'pipe'], timeout: fetchMinutes * 60_000 })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
  return new Promise((resolve, reject) => {
    const failed = (how: string, cause?: unknown): void =>
      reject(
        new TickloomError('SERVICE_FAILED', `${name} could not fetch a program: it ${how}`, { command: name }, cause ?? new Error(said.slice(-2000))),
      )
    child.on('error', (cause) => failed('did not start', cause))
    child.on('close', (code, signal) => (code === 0 ? resolve() : failed(`ended with ${signal ?? code}`)))
  })
}
