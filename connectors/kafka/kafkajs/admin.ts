import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs, { type Kafka, type Admin as KafkajsAdmin } from 'kafkajs'
import { TickloomError } from '../../../core/errors.ts'
import type { KafkaConfig } from '../config.ts'
import { within } from '../deadline.ts'
import type { Admin, PartitionOffsets, TopicSpec } from '../driver.ts'
import { patiently } from '../reading/patiently.ts'
import type { Wire } from '../reading/wire.ts'
import { failureOf, typeOf } from './failures.ts'
import { KafkajsWire } from './wire.ts'

const { ConfigResourceTypes } = kafkajs

export async function openAdmin(kafka: Kafka, config: KafkaConfig): Promise<Admin> {
  const [admin, wire] = [kafka.admin(), new KafkajsWire(kafka, config)]
  try {
    await within(config.requestTimeout, 'connecting', Promise.all([admin.connect(), wire.connect()]))
  } catch (error) {
    await Promise.allSettled([admin.disconnect(), wire.close()])
    throw failureOf(config, 'Connecting', error)
  }
  return new KafkajsAdminister(admin, wire, config)
}

class KafkajsAdminister implements Admin {
  readonly #admin: KafkajsAdmin
  readonly #wire: Wire
  readonly #config: KafkaConfig

  constructor(admin: KafkajsAdmin, wire: Wire, config: KafkaConfig) {
    this.#admin = admin
    this.#wire = wire
    this.#config = config
  }

  topics(): Promise<readonly string[]> {
    return this.#call('Listing topics', () => this.#admin.listTopics())
  }

  partitions(topic: string): Promise<number | undefined> {
    return this.#call(`Looking for ${topic}`, () => this.#partitions(topic), topic)
  }

  config(topic: string): Promise<Readonly<Record<string, string>>> {
    const what = { includeSynonyms: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }] }
    return this.#call(
      `Reading the configuration of ${topic}`,
      async () => {
        const { resources } = await this.#admin.describeConfigs(what)
        return Object.fromEntries(resources[0].configEntries.map(({ configName, configValue }) => [configName, configValue]))
      },
      topic,
    )
  }

  create({ name, partitions, replicas = -1, config = {} }: TopicSpec): Promise<boolean> {
    const configEntries = Object.entries(config).map(([key, value]) => ({ name: key, value }))
    const topics = [{ topic: name, numPartitions: partitions, replicationFactor: replicas, configEntries }]
    return this.#call(
      `Creating ${name}`,
      async () => {
        // Its own waiting for leaders fails while another topic is being made or removed.
        const created = await this.#admin.createTopics({ topics, waitForLeaders: false }).catch((error: unknown) => {
          throw firstOf(error)
        })
        while ((await this.#partitions(name)) === undefined) await sleep(20)
        return created
      },
      name,
    )
  }

  remove(topic: string): Promise<void> {
    return this.#call(`Removing ${topic}`, () => this.#admin.deleteTopics({ topics: [topic] }), topic)
  }

  offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    return this.#call(`Asking where ${topic} ends`, () => patiently(this.#wire, this.#config, topic, () => this.#wire.offsets(topic)), topic)
  }

  async committed(group: string, topic: string): Promise<ReadonlyMap<number, number>> {
    const doing = `Asking what ${group} has committed`
    // kafkajs asks once: not again when the connection breaks, nor while a coordinator loads what it took over.
    const ask = () =>
      this.#admin.fetchOffsets({ groupId: group, topics: [topic] }).catch((error: unknown) => {
        throw failureOf(this.#config, doing, error, { topic })
      })
    const [found] = await this.#call(doing, () => patiently(this.#wire, this.#config, topic, ask), topic)
    const offsets = (found?.partitions ?? []).map(({ partition, offset }): [number, number] => [partition, Number(offset)])
    return new Map(offsets.filter(([, offset]) => offset >= 0))
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#admin.disconnect(), this.#wire.close()])
  }

  async #partitions(topic: string): Promise<number | undefined> {
    try {
      const { topics } = await this.#admin.fetchTopicMetadata({ topics: [topic] })
      return topics.find(({ name }) => name === topic)?.partitions.length
    } catch (error) {
      if (typeOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined
      throw error
    }
  }

  async #call<T>(doing: string, call: () => Promise<T>, topic?: string): Promise<T> {
    try {
      return await within(this.#config.requestTimeout, doing, call())
    } catch (error) {
      throw failureOf(this.#config, doing, error, topic === undefined ? {} : { topic })
    }
  }
}

/** kafkajs gathers what went wrong with each topic. */
function firstOf(error: unknown): unknown {
  if (error instanceof TickloomError) return error
  const gathered = (error as { errors?: unknown }).errors
  return Array.isArray(gathered) && gathered.length > 0 ? gathered[0] : error
}
