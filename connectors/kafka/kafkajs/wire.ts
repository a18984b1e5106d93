import type { Kafka } from 'kafkajs'
import type { KafkaConfig } from '../config.ts'
import type { PartitionOffsets } from '../driver.ts'
import { decodeFetch, encodeFetch, FETCH, type Fetched, type FetchLimits, type FetchPosition } from '../reading/fetchProtocol.ts'
import type { Wire } from '../reading/wire.ts'
import { failureOf, typeOf } from './failures.ts'

/** What of kafkajs' own cluster is used here: connections, metadata and authentication of a pinned version. */
interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  refreshMetadata(): Promise<void>
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  /** All that a refresh asks for: it fails when one of them is gone. */
  readonly targetTopics: Set<string>
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number; readonly leader: number }[]
  findBroker(of: { nodeId: number }): Promise<{ readonly connectionPool: { send(message: Message): Promise<unknown> } }>
  removeBroker(at: { host: string; port: number }): void
  fetchTopicsOffset(
    topics: readonly { topic: string; partitions: readonly { partition: number }[]; fromBeginning: boolean }[],
  ): Promise<readonly { readonly partitions: readonly { readonly partition: number; readonly offset: string }[] }[]>
}

interface Message {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    encode(): Promise<{ buf: Buffer; buffer: Buffer }>
  }
  readonly response: { decode(payload: Buffer): Promise<unknown>; parse(decoded: unknown): Promise<unknown> }
}

/**
 * Fetches of records on connections that kafkajs keeps.
 *
 * kafkajs itself reads only as a member of a group, builds an object a record, and chooses an offset of its own where
 * the one asked for is gone; docs/decisions/kafka-drivers.md says why the request is made here instead.
 */
export class KafkajsWire implements Wire {
  readonly #cluster: Cluster
  readonly #config: KafkaConfig

  constructor(kafka: Kafka, config: KafkaConfig) {
    const key = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === 'private:Kafka:createCluster')
    const create = key && (kafka as unknown as Record<symbol, (options: object) => Cluster>)[key]
    if (create === undefined)
      throw new Error('This version of kafkajs keeps its cluster elsewhere: 2.2.4 is what connectors/kafka/kafkajs/wire.ts knows')
    // Isolation level 0 makes the end of a partition the one after its newest record, decided or not.
    this.#cluster = create({ metadataMaxAge: 300_000, allowAutoTopicCreation: false, isolationLevel: 0 })
    this.#config = config
  }

  connect(): Promise<void> {
    return this.#call('Connecting', () => this.#cluster.connect())
  }

  close(): Promise<void> {
    return this.#cluster.disconnect()
  }

  learn(topic: string): Promise<void> {
    return this.#call(`Looking for ${topic}`, () => this.#target(topic))
  }

  relearn(topic: string): Promise<void> {
    return this.#call(`Looking for ${topic}`, async () => {
      await this.#cluster.connect()
      this.#cluster.targetTopics.delete(topic)
      await this.#target(topic)
    })
  }

  leaders(topic: string): Map<number, number> {
    return new Map(this.#cluster.findTopicPartitionMetadata(topic).map(({ partitionId, leader }) => [partitionId, leader]))
  }

  async offsets(topic: string, partitions?: readonly number[]): Promise<PartitionOffsets[]> {
    await this.learn(topic)
    const asked = (partitions ?? [...this.leaders(topic).keys()]).map((partition) => ({ partition }))
    const ends = (fromBeginning: boolean) => async (): Promise<Map<number, number>> => {
      const [found] = await this.#cluster.fetchTopicsOffset([{ topic, partitions: asked, fromBeginning }])
      return new Map(found?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
    }
    const [low, high] = await Promise.all([true, false].map((beginning) => this.#call(`Asking where ${topic} ends`, ends(beginning))))
    return asked
      .filter(({ partition }) => high.has(partition))
      .map(({ partition }) => ({ partition, low: low.get(partition)!, high: high.get(partition)! }))
  }

  fetch(leader: number, topic: string, positions: readonly FetchPosition[], limits: FetchLimits): Promise<Fetched[]> {
    return this.#call(`Reading ${topic}`, async () => {
      const { connectionPool } = await this.#cluster.findBroker({ nodeId: leader })
      const buffer = encodeFetch(topic, positions, limits)
      return (await connectionPool.send({
        request: { ...FETCH, encode: async () => ({ buf: buffer, buffer }) },
        response: { decode: async (payload) => payload, parse: async (payload) => decodeFetch(payload as Buffer) },
      })) as Fetched[]
    })
  }

  async #target(topic: string): Promise<void> {
    try {
      await this.#cluster.addMultipleTargetTopics([topic])
    } catch (error) {
      if (typeOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
      // It may be another that is gone.
      this.#cluster.targetTopics.clear()
      await this.#cluster.addMultipleTargetTopics([topic])
    }
  }

  async #call<T>(doing: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      const { host, port } = error as { host?: unknown; port?: unknown }
      // A broker that hung up may come back elsewhere.
      if (typeof host === 'string' && typeof port === 'number') this.#cluster.removeBroker({ host, port })
      throw failureOf(this.#config, doing, error)
    }
  }
}
