import { RecordEncoder, recordIds } from '../../connectors/avro/encoder.ts'
import type { SchemaSource } from '../../connectors/avro/schemaSource.ts'
import type { Producer } from '../../connectors/kafka/driver.ts'
import { partitionOf } from '../../connectors/kafka/partitioner.ts'
import type { Batch, Schema } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'

/** Sends batches to a topic as a feed does: ticks to the partition of their underlying, the watermark as a heartbeat to all of them. */
export class LiveFeed {
  readonly #producer: Producer
  readonly #encoder: RecordEncoder
  readonly #topic: string
  readonly #partitions: number
  readonly #instruments: Instruments

  private constructor(producer: Producer, encoder: RecordEncoder, topic: string, partitions: number, instruments: Instruments) {
    this.#producer = producer
    this.#encoder = encoder
    this.#topic = topic
    this.#partitions = partitions
    this.#instruments = instruments
  }

  static async open(producer: Producer, schemas: SchemaSource, topic: string, partitions: number, instruments: Instruments): Promise<LiveFeed> {
    return new LiveFeed(producer, new RecordEncoder(await recordIds(schemas), instruments), topic, partitions, instruments)
  }

  /** The batches in their order, a request a partition. */
  async send<S extends Schema>(...batches: Batch<S>[]): Promise<void> {
    const byPartition = Array.from({ length: this.#partitions }, () => [] as { key: string | null; value: Buffer }[])
    for (const batch of batches) this.#add(batch, byPartition)
    for (const [partition, records] of byPartition.entries())
      if (records.length > 0) await this.#producer.send({ topic: this.#topic, partition, records })
  }

  #add<S extends Schema>(batch: Batch<S>, byPartition: readonly { key: string | null; value: Buffer }[][]): void {
    const ids = batch.col['instrument'] as Int32Array
    for (let i = 0; i < batch.n; i++) {
      const { underlying } = this.#instruments.contract(ids[i])
      byPartition[partitionOf(underlying, this.#partitions)].push({ key: underlying, value: this.#encoder.encodeTick(batch, i) })
    }
    if (Number.isFinite(batch.watermark))
      for (const records of byPartition) records.push({ key: null, value: this.#encoder.encodeHeartbeat(batch.watermark) })
  }
}
