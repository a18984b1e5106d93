import { mkdirSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { TickloomError } from '../../../core/errors.ts'
import { type Jvm, smallJvm, startJvm } from './jvm.ts'
import { freePorts, requireFree } from './ports.ts'

export interface RegistryOptions {
  /** Folder of the program: `registry` of fetchPrograms. */
  readonly program: string
  /** Folder of its log, and of its schemas when they are kept. */
  readonly data: string
  /** A free one by default. */
  readonly port?: number
  /** Keep the schemas for the next start; otherwise they are in memory only. */
  readonly keep?: boolean
  /** Milliseconds until it must answer; 90 s by default. */
  readonly patience?: number
  /** Gives it up while it starts. */
  readonly signal?: AbortSignal
}

/** A schema registry of this machine, on the loopback address. It dies with this process. */
export interface DevRegistry {
  /** Root of Confluent's API. */
  readonly url: string
  readonly pid: number
  /** Resolves when it ends without having been asked to, and never otherwise. */
  readonly failed: Promise<TickloomError>
  /** SIGTERM, and SIGKILL after `grace` milliseconds (5 s by default; 0: at once). */
  stop(grace?: number): Promise<void>
}

/** Starts Apicurio Registry and returns when it answers, compatibility BACKWARD. Throws SERVICE_FAILED with the end of its log, INTERRUPTED. */
export async function startRegistry(options: RegistryOptions): Promise<DevRegistry> {
  const { program, data, port, keep = false, patience = 90_000, signal } = options
  const folder = resolve(data)
  mkdirSync(folder, { recursive: true })
  if (port !== undefined) await requireFree([port])
  const [free, management] = await freePorts(2)
  const at = port ?? free
  const url = `http://127.0.0.1:${at}/apis/ccompat/v7`
  const store = keep ? `jdbc:h2:file:${join(folder, 'registry')}` : `jdbc:h2:mem:registry${at};DB_CLOSE_DELAY=-1`
  const jvm = await startJvm({
    name: 'the registry',
    cwd: program,
    args: [
      ...smallJvm,
      '-Dquarkus.http.host=127.0.0.1',
      `-Dquarkus.http.port=${at}`,
      '-Dquarkus.management.host=127.0.0.1',
      `-Dquarkus.management.port=${management}`,
      '-Dapicurio.storage.kind=sql',
      '-Dapicurio.storage.sql.kind=h2',
      `-Dapicurio.datasource.url=${store}`,
      '-jar',
      runnerIn(program),
    ],
    log: join(folder, 'registry.log'),
    ready: () => answers(url),
    patience,
    signal,
  })
  await setBackward(url, jvm)
  return { url, pid: jvm.pid, failed: jvm.failed, stop: (grace = 5000) => jvm.stop(grace) }
}

function runnerIn(program: string): string {
  const runner = readdirSync(program).find((name) => name.endsWith('-runner.jar'))
  if (runner === undefined) throw new TickloomError('SERVICE_FAILED', 'the folder of the registry holds no registry', { folder: program })
  return runner
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(5000) })).ok
  } catch {
    // Not listening yet; whether it ever will, the caller's patience decides.
    return false
  }
}

/** Apicurio starts with no compatibility at all, where Confluent's registry has BACKWARD. */
async function setBackward(url: string, jvm: Jvm): Promise<void> {
  try {
    const answer = await fetch(`${url}/config`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/vnd.schemaregistry.v1+json' },
      body: '{"compatibility":"BACKWARD"}',
      signal: AbortSignal.timeout(10_000),
    })
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`)
  } catch (cause) {
    await jvm.stop(0)
    throw new TickloomError('SERVICE_FAILED', 'the registry did not take BACKWARD as its compatibility', { url }, cause)
  }
}
