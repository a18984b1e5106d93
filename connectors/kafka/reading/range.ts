import { TickloomError } from '../../../core/errors.ts'
import type { KafkaConfig } from '../config.ts'
import type { PartitionOffsets, RangeReader, RecordBatch } from '../driver.ts'
import { fetchFailure, WAIT } from './assigned.ts'
import type { Fetched } from './fetchProtocol.ts'
import { patiently } from './patiently.ts'
import { decodeRecords } from './recordSet.ts'
import type { Wire } from './wire.ts'

type Range = Parameters<RangeReader['read']>[0]

/** Empty answers in a row, with everything decided, after which nothing is left: compaction may have taken the tail. */
const ENOUGH_EMPTY = 2

/** Reads ranges over a wire, which it closes. */
export class WireRangeReader implements RangeReader {
  readonly #wire: Wire
  readonly #config: KafkaConfig

  constructor(wire: Wire, config: KafkaConfig) {
    this.#wire = wire
    this.#config = config
  }

  async *read({ topic, partition, from, to, signal }: Range): AsyncGenerator<RecordBatch> {
    const { low, high } = await this.#ends(topic, partition)
    const end = Math.min(to ?? high, high)
    let next = from ?? low
    for (let empty = 0; next < end && empty < ENOUGH_EMPTY; ) {
      signal?.throwIfAborted()
      const fetched = await this.#fetch(topic, partition, next)
      const batch = decodeRecords(fetched, next, end)
      const nothing = fetched.bytes.length === 0 && !fetched.throttled && fetched.stable >= end
      empty = nothing ? empty + 1 : 0
      next = batch.next
      if (batch.n > 0) yield batch
    }
  }

  async close(): Promise<void> {
    await this.#wire.close()
  }

  async #ends(topic: string, partition: number): Promise<PartitionOffsets> {
    const [ends] = await patiently(this.#wire, this.#config, topic, () => this.#wire.offsets(topic, [partition]))
    if (ends === undefined) throw new TickloomError('KAFKA_TOPIC', `${topic} has no partition ${partition}`, { topic, partition })
    return ends
  }

  #fetch(topic: string, partition: number, offset: number): Promise<Fetched> {
    return patiently(this.#wire, this.#config, topic, async () => {
      const leader = this.#wire.leaders(topic).get(partition) ?? -1
      const bytes = this.#config.fetchBytes
      const [fetched] = await this.#wire.fetch(leader, topic, [{ partition, offset }], { wait: WAIT, bytes, bytesPerPartition: bytes })
      if (fetched.error !== 0) throw await fetchFailure(this.#wire, fetched, offset)
      return fetched
    })
  }
}
