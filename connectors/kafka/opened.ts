import type { KafkaConfig } from './config.ts'
import { within } from './deadline.ts'
import type { Admin, GroupReader, KafkaDriver, Producer, RangeReader, TransactionalProducer } from './driver.ts'

type Joining = Parameters<KafkaDriver['join']>[0]
type Transactional = Parameters<KafkaDriver['transactional']>[0]

/** A driver of what opens each part; it knows what is open, and closes it. */
export class OpenedDriver implements KafkaDriver {
  readonly name: KafkaDriver['name']
  readonly #config: KafkaConfig
  readonly #parts: Omit<KafkaDriver, 'name' | 'close'>
  readonly #open = new Set<() => Promise<void>>()

  constructor(name: KafkaDriver['name'], config: KafkaConfig, parts: Omit<KafkaDriver, 'name' | 'close'>) {
    this.name = name
    this.#config = config
    this.#parts = parts
  }

  async join(options: Joining): Promise<GroupReader> {
    const reader = await this.#parts.join(options)
    const leave = (): Promise<void> => reader.leave()
    this.#open.add(leave)
    const forget = (): void => void this.#open.delete(leave)
    reader.ended.then(forget, forget)
    return reader
  }

  async producer(): Promise<Producer> {
    return this.#kept(await this.#parts.producer())
  }
  async transactional(options: Transactional): Promise<TransactionalProducer> {
    return this.#kept(await this.#parts.transactional(options))
  }
  async admin(): Promise<Admin> {
    return this.#kept(await this.#parts.admin())
  }
  async reader(): Promise<RangeReader> {
    return this.#kept(await this.#parts.reader())
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
