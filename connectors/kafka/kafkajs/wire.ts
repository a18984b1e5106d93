import type { Kafka } from 'kafkajs'
import type { PartitionOffsets } from '../driver.ts'
import { type AbortedTransaction, type RecordSet, readLong } from './recordSet.ts'

/** What of kafkajs' own cluster is used here: connections, metadata and authentication of a pinned version. */
interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  refreshMetadata(): Promise<void>
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
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

export interface FetchPosition {
  readonly partition: number
  readonly offset: number
}

export interface Fetched extends RecordSet {
  /** Kafka's error code; 0 is none. */
  readonly error: number
  /** The offset below which all transactions are decided. */
  readonly stable: number
  /** The broker answered with nothing because a quota was used up. */
  readonly throttled: boolean
}

export interface FetchLimits {
  /** Milliseconds until an answer without records. */
  readonly wait: number
  readonly bytes: number
  readonly bytesPerPartition: number
}

const FETCH = { apiKey: 1, apiVersion: 11, apiName: 'Fetch' } as const

/**
 * Fetches of records on connections that kafkajs keeps.
 *
 * kafkajs itself reads only as a member of a group, builds an object a record, and chooses an offset of its own where
 * the one asked for is gone; docs/decisions/kafka-drivers.md says why the request is made here instead.
 */
export class Wire {
  readonly #cluster: Cluster

  constructor(kafka: Kafka) {
    const key = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === 'private:Kafka:createCluster')
    const create = key && (kafka as unknown as Record<symbol, (options: object) => Cluster>)[key]
    if (create === undefined)
      throw new Error('This version of kafkajs keeps its cluster elsewhere: 2.2.4 is what connectors/kafka/kafkajs/wire.ts knows')
    // Isolation level 0 makes the end of a partition the one after its newest record, decided or not.
    this.#cluster = create({ metadataMaxAge: 300_000, allowAutoTopicCreation: false, isolationLevel: 0 })
  }

  connect(): Promise<void> {
    return this.#cluster.connect()
  }

  disconnect(): Promise<void> {
    return this.#cluster.disconnect()
  }

  /** Learns who leads the partitions of the topic. */
  async learn(topic: string): Promise<void> {
    await this.#cluster.addMultipleTargetTopics([topic])
  }

  /** Forgets a broker that hung up, and asks the others who leads now. */
  async relearn(failure: unknown): Promise<void> {
    const { host, port } = failure as { host?: unknown; port?: unknown }
    if (typeof host === 'string' && typeof port === 'number') this.#cluster.removeBroker({ host, port })
    await this.#cluster.connect()
    await this.#cluster.refreshMetadata()
  }

  /** By partition. */
  leaders(topic: string): Map<number, number> {
    return new Map(this.#cluster.findTopicPartitionMetadata(topic).map(({ partitionId, leader }) => [partitionId, leader]))
  }

  async offsets(topic: string, partitions?: readonly number[]): Promise<PartitionOffsets[]> {
    await this.learn(topic)
    const asked = (partitions ?? [...this.leaders(topic).keys()]).map((partition) => ({ partition }))
    const [low, high] = await Promise.all(
      [true, false].map(async (fromBeginning) => {
        const [found] = await this.#cluster.fetchTopicsOffset([{ topic, partitions: asked, fromBeginning }])
        return new Map(found?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
      }),
    )
    return asked
      .filter(({ partition }) => high.has(partition))
      .map(({ partition }) => ({ partition, low: low.get(partition)!, high: high.get(partition)! }))
  }

  async fetch(leader: number, topic: string, positions: readonly FetchPosition[], limits: FetchLimits): Promise<Fetched[]> {
    const { connectionPool } = await this.#cluster.findBroker({ nodeId: leader })
    const buffer = encodeFetch(topic, positions, limits)
    return (await connectionPool.send({
      request: { ...FETCH, encode: async () => ({ buf: buffer, buffer }) },
      response: { decode: async (payload) => payload, parse: async (payload) => decodeFetch(payload as Buffer) },
    })) as Fetched[]
  }
}

/** Version 11: read committed, without a fetch session. */
function encodeFetch(topic: string, positions: readonly FetchPosition[], { wait, bytes, bytesPerPartition }: FetchLimits): Buffer {
  const name = Buffer.from(topic)
  const out = Buffer.alloc(25 + 4 + 2 + name.length + 4 + positions.length * 28 + 4 + 2)
  let at = 0
  const int32 = (value: number): void => void (at = out.writeInt32BE(value, at))
  const int64 = (value: number): void => void (at = out.writeBigInt64BE(BigInt(value), at))
  for (const value of [-1, wait, 1, bytes]) int32(value)
  at = out.writeInt8(1, at)
  for (const value of [0, -1, 1]) int32(value)
  at = out.writeInt16BE(name.length, at)
  at += name.copy(out, at)
  int32(positions.length)
  for (const { partition, offset } of positions) {
    int32(partition)
    int32(-1)
    int64(offset)
    int64(-1)
    int32(bytesPerPartition)
  }
  int32(0)
  out.writeInt16BE(0, at)
  return out
}

function decodeFetch(payload: Buffer): Fetched[] {
  const fetched: Fetched[] = []
  const throttled = payload.readInt32BE(0) > 0
  const topError = payload.readInt16BE(4)
  let at = 14
  for (let topics = payload.readInt32BE(10); topics > 0; topics--) {
    const length = payload.readInt16BE(at)
    const topic = payload.toString('utf8', at + 2, (at += 2 + length))
    let partitions = payload.readInt32BE(at)
    at += 4
    for (; partitions > 0; partitions--) {
      const partition = payload.readInt32BE(at)
      const error = payload.readInt16BE(at + 4) || topError
      const stable = readLong(payload, at + 14)
      const aborted: AbortedTransaction[] = []
      let count = payload.readInt32BE(at + 30)
      at += 34
      for (; count > 0; count--, at += 16) aborted.push({ producer: payload.readBigInt64BE(at), firstOffset: readLong(payload, at + 8) })
      // The broker lists them by where they end.
      aborted.sort((a, b) => a.firstOffset - b.firstOffset)
      const size = Math.max(payload.readInt32BE(at + 4), 0)
      at += 8
      const bytes = payload.subarray(at, (at += size))
      fetched.push({ topic, partition, error, stable, throttled, aborted, bytes })
    }
  }
  return fetched
}
