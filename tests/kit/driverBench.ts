import kafkajs, { type Kafka } from 'kafkajs'
import { type KafkaConfig, readKafkaConfig } from '../../connectors/kafka/config.ts'
import type { Admin, GroupReader, KafkaDriver, NewRecord, Producer, RangeReader, RecordBatch } from '../../connectors/kafka/driver.ts'
import { openDriver } from '../../connectors/kafka/openDriver.ts'
import type { Setting } from '../../connectors/kafka/settings.ts'
import { freshTopic } from './kafka.ts'

/** One driver, opened once, and what the tests of its contract ask of it again and again. */
export class DriverBench {
  readonly driver: KafkaDriver
  readonly admin: Admin
  readonly producer: Producer
  readonly reader: RangeReader
  readonly brokers: string
  /** For what the port does not do: aborting, deleting records. */
  readonly raw: Kafka

  private constructor(driver: KafkaDriver, admin: Admin, producer: Producer, reader: RangeReader, brokers: string) {
    this.driver = driver
    this.admin = admin
    this.producer = producer
    this.reader = reader
    this.brokers = brokers
    this.raw = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING, retry: { initialRetryTime: 20 } })
  }

  static async open(name: KafkaDriver['name'], brokers: string, settings: Partial<Record<Setting, string>> = {}): Promise<DriverBench> {
    const driver = await openDriver(configOf(name, brokers, { sessionTimeout: '6s', requestTimeout: '15s', ...settings }))
    return new DriverBench(driver, await driver.admin(), await driver.producer(), await driver.reader(), brokers)
  }

  /** A driver of its own, to be closed by who asked for it. */
  another(settings: Partial<Record<Setting, string>>): Promise<KafkaDriver> {
    return openDriver(configOf(this.driver.name, this.brokers, settings))
  }

  async topic(partitions = 1, config: Record<string, string> = {}): Promise<string> {
    const name = freshTopic('contract')
    await this.admin.create({ name, partitions, config })
    return name
  }

  /** Sends texts to partition 0. */
  async send(topic: string, values: readonly string[], partition = 0): Promise<void> {
    await this.producer.send({ topic, partition, records: values.map(record) })
  }

  /** What a reader finds in the range: the texts of the values. */
  async range(topic: string, range: { from?: number; to?: number; partition?: number } = {}): Promise<string[]> {
    const found: string[] = []
    for await (const batch of this.reader.read({ topic, partition: 0, ...range })) found.push(...texts(batch))
    return found
  }

  /** Sends within transactions, one a list, so many records at a time in turns; all are aborted at the end. */
  async sendAborted(topic: string, lists: readonly (readonly string[])[], atOnce = 100): Promise<void> {
    const options = { maxInFlightRequests: 1, createPartitioner: kafkajs.Partitioners.DefaultPartitioner }
    const producers = lists.map(() => this.raw.producer({ transactionalId: freshTopic('aborted'), ...options }))
    await Promise.all(producers.map((producer) => producer.connect()))
    const transactions = await Promise.all(producers.map((producer) => producer.transaction()))
    for (let at = 0; at < Math.max(...lists.map(({ length }) => length)); at += atOnce) {
      for (const [i, values] of lists.entries()) {
        await transactions[i].send({ topic, messages: values.slice(at, at + atOnce).map((value) => ({ value, partition: 0 })) })
      }
    }
    for (const transaction of transactions) await transaction.abort()
    await Promise.all(producers.map((producer) => producer.disconnect()))
  }

  /** Deletes what lies before the offset of partition 0. */
  async deleteBefore(topic: string, offset: number): Promise<void> {
    const admin = this.raw.admin()
    await admin.connect()
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] })
    await admin.disconnect()
  }

  join(topic: string, options: { group?: string; driver?: KafkaDriver; from?: number | null } = {}): Promise<Reading> {
    return Reading.join(options.driver ?? this.driver, topic, options.group ?? freshTopic('group'), options.from === undefined ? 0 : options.from)
  }

  close(): Promise<void> {
    return this.driver.close()
  }
}

/** A member that notes all it hears. */
export class Reading {
  readonly assignments: (readonly number[])[] = []
  readonly batches: RecordBatch[] = []
  rebalancings = 0
  reader!: GroupReader

  /** `from`: where every partition is sought to as soon as it is assigned; null leaves that to the test. */
  static async join(driver: KafkaDriver, topic: string, group: string, from: number | null): Promise<Reading> {
    const reading = new Reading()
    reading.reader = await driver.join({
      group,
      topic,
      member: {
        onAssigned: (partitions) => {
          reading.assignments.push(partitions)
          if (from !== null) for (const partition of partitions) reading.reader.seek(partition, from)
        },
        onRebalancing: () => void reading.rebalancings++,
        onRecords: (batch) => void reading.batches.push(batch),
      },
    })
    return reading
  }

  get partitions(): readonly number[] {
    return this.assignments.at(-1) ?? []
  }

  values(partition = 0): string[] {
    return this.batches.filter((batch) => batch.partition === partition).flatMap(texts)
  }
}

export function configOf(driver: string, brokers: string, settings: Partial<Record<Setting, string>> = {}): KafkaConfig {
  return readKafkaConfig({ flags: { driver, brokers, ...settings } })
}

export function texts(batch: RecordBatch): string[] {
  return batch.values.slice(0, batch.n).map(String)
}

export function record(value: string): NewRecord {
  return { value: Buffer.from(value) }
}

/** `prefix0`, `prefix1`, ... */
export function numbered(prefix: string, n: number, from = 0): string[] {
  return Array.from({ length: n }, (_, i) => `${prefix}${from + i}`)
}
