import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaConfig } from '../config.ts'
import { within } from '../deadline.ts'
import type { Admin, PartitionOffsets, TopicSpec } from '../driver.ts'
import { patiently } from '../reading/patiently.ts'
import { failureOf, namesOf, translated } from './failures.ts'
import type { Library, LibraryAdmin } from './library.ts'
import { clientOptions } from './options.ts'
import { PlatformaticWire } from './wire.ts'

export async function openAdmin(library: Library, config: KafkaConfig): Promise<Admin> {
  const admin = new library.Admin(clientOptions(config, 0.7 * config.requestTimeout))
  const wire = new PlatformaticWire(library, config)
  try {
    await within(config.requestTimeout, 'connecting', Promise.all([admin.metadata({ topics: [] }), wire.connect()]))
  } catch (error) {
    await Promise.allSettled([admin.close(), wire.close()])
    throw failureOf(config, 'Connecting', error)
  }
  return new PlatformaticAdminister(admin, wire, config)
}

const TOPIC = 2

class PlatformaticAdminister implements Admin {
  readonly #admin: LibraryAdmin
  readonly #wire: PlatformaticWire
  readonly #config: KafkaConfig

  constructor(admin: LibraryAdmin, wire: PlatformaticWire, config: KafkaConfig) {
    this.#admin = admin
    this.#wire = wire
    this.#config = config
  }

  topics(): Promise<readonly string[]> {
    return this.#call('Listing topics', () => this.#admin.listTopics())
  }

  async partitions(topic: string): Promise<number | undefined> {
    if (!(await this.topics()).includes(topic)) return undefined
    return this.#call(
      `Looking for ${topic}`,
      async () => (await this.#admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic)?.partitions.length,
    )
  }

  config(topic: string): Promise<Readonly<Record<string, string>>> {
    return this.#call(`Reading the configuration of ${topic}`, async () => {
      const [found] = await this.#admin.describeConfigs({ resources: [{ resourceType: TOPIC, resourceName: topic, configurationKeys: null }] })
      return Object.fromEntries(found.configs.map(({ name, value }) => [name, value ?? '']))
    })
  }

  create({ name, partitions, replicas = -1, config = {} }: TopicSpec): Promise<boolean> {
    const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }))
    return this.#call(`Creating ${name}`, async () => {
      try {
        await this.#admin.createTopics({ topics: [{ topic: name, partitions, replicas }], configs })
      } catch (error) {
        if (namesOf(error).includes('TOPIC_ALREADY_EXISTS')) return false
        throw error
      }
      while ((await this.partitions(name)) === undefined) await sleep(20)
      return true
    })
  }

  remove(topic: string): Promise<void> {
    return this.#call(`Removing ${topic}`, async () => void (await this.#admin.deleteTopics({ topics: [topic] })))
  }

  offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    return this.#call(`Asking where ${topic} ends`, () => patiently(this.#wire, this.#config, topic, () => this.#wire.offsets(topic)))
  }

  async committed(group: string, topic: string): Promise<ReadonlyMap<number, number>> {
    const partitions = (await this.partitions(topic)) ?? 0
    const topics = [{ name: topic, partitionIndexes: Array.from({ length: partitions }, (_, i) => i) }]
    return this.#call(`Asking what ${group} has committed`, async () => {
      const [found] = await this.#admin.listConsumerGroupOffsets({ groups: [{ groupId: group, topics }], requireStable: true })
      const offsets = found.topics.flatMap((one) => one.partitions).map((one): [number, number] => [one.partitionIndex, Number(one.committedOffset)])
      return new Map(offsets.filter(([, offset]) => offset >= 0))
    })
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#admin.close(), this.#wire.close()])
  }

  #call<T>(doing: string, call: () => Promise<T>): Promise<T> {
    return translated(this.#config, doing, () => within(this.#config.requestTimeout, doing, call()))
  }
}
