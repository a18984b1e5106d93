import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, inject } from 'vitest'
import type { KafkaCluster } from '../../connectors/kafka/dev/cluster.ts'
import { fetchPrograms, programsIn } from '../../connectors/kafka/dev/fetch.ts'
import { startServices } from '../../connectors/kafka/dev/services.ts'
import { requireJava, requireMaven } from '../../connectors/kafka/dev/tools.ts'
import type { SharedKafka } from './kafkaGlobal.ts'

export type { SharedKafka } from './kafkaGlobal.ts'

/** Long enough for the first fetch of the programs on a slow line. */
const startTimeout = 600_000

let shared: SharedKafka | undefined

/** Why nothing that needs a broker can run here; undefined where it can. */
export const kafkaMissing: string | undefined = whyNot()

/**
 * `describe` for what needs a real broker: the run's shared broker and registry serve before anything in it starts, and
 * where they cannot run at all it is skipped, saying why. `shared: false`: only the programs are there, for `ownKafka`.
 */
export function describeKafka(name: string, tests: () => void, options: { readonly shared?: boolean } = {}): void {
  if (kafkaMissing !== undefined) {
    process.stderr.write(`\nSKIPPED  ${name}: ${kafkaMissing}\n`)
    describe.skip(`${name} (skipped: ${kafkaMissing})`, tests)
    return
  }
  describe(name, () => {
    beforeAll(async () => {
      if (options.shared === false) await fetchPrograms()
      else shared ??= await askedFor(inject('kafkaDoor'))
    }, startTimeout)
    tests()
  })
}

/** The broker and the registry that all files of this run share. In hooks and tests of `describeKafka` only. */
export function kafkaHere(): SharedKafka {
  if (shared === undefined) throw new Error('kafkaHere() is for the hooks and tests of describeKafka')
  return shared
}

/** A name that no other test has, for a topic, a group or a subject. */
export function freshTopic(name: string): string {
  return `${name}-${randomBytes(5).toString('hex')}`
}

/** Brokers of one's own, to kill and restart. */
export interface OwnKafka extends Omit<KafkaCluster, 'stop'> {
  /** URL of the registry, when one was asked for. */
  readonly registry: string | undefined
  /** Folder of the data; `n<i>.log` in it is the log of broker i. Removed by `stop`. */
  readonly data: string
  /** kill -9 to all of it, and its data is removed. Safe to call twice. */
  stop(): Promise<void>
}

export interface OwnKafkaOptions {
  /** 1 by default; with 3, topics have three copies. */
  readonly brokers?: number
  /** With a registry in memory; without by default. */
  readonly registry?: boolean
  /** Settings of every broker that differ from the usual ones. */
  readonly properties?: Readonly<Record<string, string>>
}

/** Starts brokers of one's own (3 s for one, 6-10 s for three) in a folder of their own. Stop them in an afterAll. */
export async function ownKafka({ brokers = 1, registry = false, properties }: OwnKafkaOptions = {}): Promise<OwnKafka> {
  const programs = await fetchPrograms()
  const data = mkdtempSync(join(tmpdir(), 'tickloom-own-kafka-'))
  const remove = (): void => rmSync(data, { recursive: true, force: true })
  try {
    const services = await startServices({ programs, data, brokers, properties, registry: registry ? 'anywhere' : undefined })
    return { ...services.cluster, registry: services.registry?.url, data, stop: () => services.stop(0).finally(remove) }
  } catch (cause) {
    remove()
    throw cause
  }
}

function whyNot(): string | undefined {
  try {
    requireJava()
    if (!Object.values(programsIn()).every((folder) => existsSync(folder))) requireMaven()
    return undefined
  } catch (cause) {
    return (cause as Error).message
  }
}

// Not `fetch`: it gives up on an answer that takes five minutes.
function askedFor(door: string): Promise<SharedKafka> {
  return new Promise((resolve, reject) => {
    get(door, { agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk) => (text += chunk))
      answer.on('end', () => (answer.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(text))))
    }).on('error', reject)
  })
}
