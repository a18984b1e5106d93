import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { fetchPrograms } from '../../connectors/kafka/dev/fetch.ts'
import { startServices } from '../../connectors/kafka/dev/services.ts'

/** Where the broker and the registry of a test run are. */
export interface SharedKafka {
  /** host:port of each broker. */
  readonly brokers: readonly string[]
  /** URL of the registry. */
  readonly registry: string
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Answers with a SharedKafka, and starts it for the first who asks. */
    kafkaDoor: string
  }
}

interface Running extends SharedKafka {
  stop(): Promise<void>
}

/** One broker and one registry for all files of a vitest run, started only when the first of them asks for it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let running: Promise<Running> | undefined
  const door = createServer((_, answer) => {
    running ??= start()
    running.then(
      ({ brokers, registry }) => answer.end(JSON.stringify({ brokers, registry })),
      (cause: Error) => answer.writeHead(500).end(`${cause.message}\n${cause.cause ?? ''}`),
    )
  })
  // The first fetch of the programs takes longer than a request usually may.
  door.requestTimeout = 0
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  project.provide('kafkaDoor', `http://127.0.0.1:${(door.address() as AddressInfo).port}`)
  return async () => {
    door.closeAllConnections()
    door.close()
    // A start that failed was told to everybody who asked.
    await (await running?.catch(() => undefined))?.stop()
  }
}

async function start(): Promise<Running> {
  const programs = await fetchPrograms({ say: (text) => process.stderr.write(`tests: ${text}\n`) })
  const data = mkdtempSync(join(tmpdir(), 'tickloom-kafka-'))
  const remove = (): void => rmSync(data, { recursive: true, force: true })
  try {
    const { cluster, registry, stop } = await startServices({ programs, data, registry: 'anywhere' })
    return { brokers: cluster.brokers, registry: registry!.url, stop: () => stop(0).finally(remove) }
  } catch (cause) {
    remove()
    throw cause
  }
}
