import type { KafkaConfig } from '../config.ts'
import type { PartitionOffsets } from '../driver.ts'
import { decodeFetch, encodeFetch, FETCH, type Fetched, type FetchLimits, type FetchPosition } from '../reading/fetchProtocol.ts'
import type { Wire } from '../reading/wire.ts'
import { translated } from './failures.ts'
import type { Library, LibraryAdmin, Metadata } from './library.ts'
import { clientOptions } from './options.ts'

const [LATEST, EARLIEST] = [-1n, -2n]

/**
 * Fetches of records on connections that the library keeps. Its own consumer shows records of aborted transactions
 * whose end a fetch does not reach; docs/decisions/kafka-drivers.md.
 */
export class PlatformaticWire implements Wire {
  readonly #config: KafkaConfig
  readonly #client: LibraryAdmin
  readonly #fetch: { async(connection: unknown, ...given: unknown[]): Promise<unknown> }
  readonly #leaders = new Map<string, ReadonlyMap<number, number>>()

  constructor(library: Library, config: KafkaConfig) {
    this.#config = config
    // Reading asks again by itself.
    this.#client = new library.Admin(clientOptions(config, 1000))
    const request = (bytes: Buffer): unknown => library.Writer.create().append(bytes)
    this.#fetch = library.createAPI(
      FETCH.apiKey,
      FETCH.apiVersion,
      request,
      (_, __, ___, reader) => decodeFetch(reader.buffer.slice(reader.position)),
      false,
      false,
    )
  }

  connect(): Promise<void> {
    return this.#call('Connecting', async () => void (await this.#client.metadata({ topics: [] })))
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  learn(topic: string): Promise<void> {
    return this.#leaders.has(topic) ? Promise.resolve() : this.relearn(topic)
  }

  relearn(topic: string): Promise<void> {
    return this.#call(`Looking for ${topic}`, async () => {
      const metadata = await this.#client.metadata({ topics: [topic], forceUpdate: true })
      this.#leaders.set(topic, leadersOf(metadata, topic))
    })
  }

  leaders(topic: string): ReadonlyMap<number, number> {
    return this.#leaders.get(topic) ?? new Map()
  }

  async offsets(topic: string, partitions?: readonly number[]): Promise<PartitionOffsets[]> {
    await this.learn(topic)
    const there = [...this.leaders(topic).keys()]
    const asked = partitions?.filter((partition) => there.includes(partition)) ?? there
    const ends = (timestamp: bigint) => async (): Promise<Map<number, number>> => {
      const topics = [{ name: topic, partitions: asked.map((partitionIndex) => ({ partitionIndex, timestamp })) }]
      const [found] = await this.#client.listOffsets({ topics, isolationLevel: 0 })
      return new Map(found.partitions.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)]))
    }
    if (asked.length === 0) return []
    const low = await this.#call(`Asking where ${topic} begins`, ends(EARLIEST))
    const high = await this.#call(`Asking where ${topic} ends`, ends(LATEST))
    return asked.map((partition) => ({ partition, low: low.get(partition)!, high: high.get(partition)! }))
  }

  fetch(leader: number, topic: string, positions: readonly FetchPosition[], limits: FetchLimits): Promise<Fetched[]> {
    return this.#call(`Reading ${topic}`, async () => {
      const connection = (await this.#client.connectToBrokers([leader])).get(leader)
      if (connection === undefined) throw new Error(`broker ${leader} is not there`)
      return (await this.#fetch.async(connection, encodeFetch(topic, positions, limits))) as Fetched[]
    })
  }

  #call<T>(doing: string, call: () => Promise<T>): Promise<T> {
    return translated(this.#config, doing, call)
  }
}

function leadersOf(metadata: Metadata, topic: string): Map<number, number> {
  return new Map(metadata.topics.get(topic)?.partitions.map(({ leader }, partition) => [partition, leader]))
}
