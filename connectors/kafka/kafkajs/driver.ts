import type { KafkaConfig } from '../config.ts'
import { within } from '../deadline.ts'
import type { Admin, GroupMember, GroupReader, KafkaDriver, Producer, RangeReader, TransactionalProducer } from '../driver.ts'
import type { KafkaLog } from '../log.ts'
import { WireRangeReader } from '../reading/range.ts'
import { openAdmin } from './admin.ts'
import { kafkajsClient } from './client.ts'
import { failureOf } from './failures.ts'
import { joinGroup } from './group.ts'
import { openProducer, openTransactional } from './producers.ts'
import { KafkajsWire } from './wire.ts'

/** kafkajs behind the port. Resolves when a broker has answered. */
export async function openKafkajs(config: KafkaConfig, log: KafkaLog | undefined): Promise<KafkaDriver> {
  const probe = kafkajsClient(config, log, config.connectTimeout).admin()
  try {
    await within(config.connectTimeout, `no broker at ${config.brokers.join(',')}`, probe.connect())
  } catch (error) {
    throw failureOf(config, 'Connecting', error)
  } finally {
    await probe.disconnect()
  }
  return new Kafkajs(config, log)
}

class Kafkajs implements KafkaDriver {
  readonly name = 'kafkajs'
  readonly #config: KafkaConfig
  readonly #kafka: ReturnType<typeof kafkajsClient>
  readonly #open = new Set<() => Promise<void>>()

  constructor(config: KafkaConfig, log: KafkaLog | undefined) {
    this.#config = config
    this.#kafka = kafkajsClient(config, log, config.requestTimeout)
  }

  async join(options: { group: string; topic: string; member: GroupMember }): Promise<GroupReader> {
    const reader = await joinGroup({ kafka: this.#kafka, config: this.#config, ...options })
    this.#open.add(() => reader.leave())
    return reader
  }

  async producer(): Promise<Producer> {
    return this.#kept(await openProducer(this.#kafka, this.#config))
  }

  async transactional(options: { id: string; timeout?: number }): Promise<TransactionalProducer> {
    return this.#kept(await openTransactional(this.#kafka, this.#config, options))
  }

  async admin(): Promise<Admin> {
    return this.#kept(await openAdmin(this.#kafka, this.#config))
  }

  async reader(): Promise<RangeReader> {
    const wire = new KafkajsWire(this.#kafka, this.#config)
    await within(this.#config.requestTimeout, 'connecting', wire.connect())
    return this.#kept(new WireRangeReader(wire, this.#config))
  }

  async close(): Promise<void> {
    const closing = [...this.#open]
    this.#open.clear()
    await Promise.allSettled(closing.map((close) => within(this.#config.connectTimeout, 'closing', close())))
  }

  #kept<T extends { close(): Promise<void> }>(opened: T): T {
    const whole = opened.close.bind(opened)
    const close = async (): Promise<void> => {
      this.#open.delete(close)
      await whole()
    }
    this.#open.add(close)
    return Object.assign(opened, { close })
  }
}
