import type { PartitionOffsets } from '../driver.ts'
import type { Fetched, FetchLimits, FetchPosition } from './fetchProtocol.ts'

/**
 * A client library's connections, with fetches made on them.
 *
 * Throws TickloomErrors; KAFKA_UNREACHABLE for what may succeed in a moment, after which `relearn` is the thing to do.
 */
export interface Wire {
  /** Learns who leads the partitions of the topic. Throws KAFKA_TOPIC when there is none. */
  learn(topic: string): Promise<void>
  /** Asks again, whoever answers. */
  relearn(topic: string): Promise<void>
  /** By partition, as far as learned. */
  leaders(topic: string): ReadonlyMap<number, number>
  /** Of all partitions by default; an end is the offset after the newest record, its transaction decided or not. */
  offsets(topic: string, partitions?: readonly number[]): Promise<PartitionOffsets[]>
  fetch(leader: number, topic: string, positions: readonly FetchPosition[], limits: FetchLimits): Promise<Fetched[]>
  close(): Promise<void>
}
