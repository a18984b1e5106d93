import type { KafkaConfig } from '../config.ts'
import { within } from '../deadline.ts'
import type { NewRecord, Outgoing, Producer, Transaction, TransactionalProducer } from '../driver.ts'
import { slices } from '../slices.ts'
import { expectKnown, expectTaken } from '../taken.ts'
import { failureOf, translated } from './failures.ts'
import type { Library, LibraryAdmin, LibraryMessage, LibraryProducer, LibraryTransaction, Metadata } from './library.ts'
import { clientOptions } from './options.ts'

function producerOptions(config: KafkaConfig, more: object = {}): object {
  return {
    ...clientOptions(config, 0.7 * config.requestTimeout),
    idempotent: true,
    compression: config.compression,
    repeatOnStaleMetadata: true,
    ...more,
  }
}

export async function openProducer(library: Library, config: KafkaConfig): Promise<Producer> {
  const producer = new library.Producer(producerOptions(config))
  try {
    await within(config.requestTimeout, 'opening a producer', producer.initIdempotentProducer({}))
  } catch (error) {
    await producer.close()
    throw failureOf(config, 'Opening a producer', error)
  }
  return {
    send: (outgoing) =>
      translated(
        config,
        `Sending to partition ${outgoing.partition} of ${outgoing.topic}`,
        () => within(config.requestTimeout, `sending to ${outgoing.topic}`, sendKnown(producer, outgoing)),
        { topic: outgoing.topic },
      ),
    close: () => producer.close(),
  }
}

async function sendKnown(producer: LibraryProducer, outgoing: Outgoing): Promise<void> {
  await sendAll(producer, outgoing, await producer.metadata({ topics: [outgoing.topic] }))
}

async function sendAll(sender: Pick<LibraryProducer, 'send'>, outgoing: Outgoing, metadata: Metadata): Promise<void> {
  const { topic, partition, records } = outgoing
  // It would take them for another partition: the rest of the division by as many as it knows.
  expectKnown(outgoing, metadata.topics.get(topic)?.partitions.length ?? 0)
  for (const slice of slices(records)) {
    const { offsets } = await sender.send({ messages: slice.map((record) => messageOf(record, topic, partition)) })
    expectTaken(outgoing, offsets ?? [])
  }
}

function messageOf({ key, value, headers, timestamp }: NewRecord, topic: string, partition: number): LibraryMessage {
  return {
    topic,
    partition,
    key: typeof key === 'string' ? Buffer.from(key) : (key ?? null),
    value,
    headers: headers && new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
    timestamp: timestamp === undefined ? undefined : BigInt(timestamp),
  }
}

export async function openTransactional(
  library: Library,
  config: KafkaConfig,
  { id, timeout = 60_000 }: { id: string; timeout?: number },
): Promise<TransactionalProducer> {
  // The library's one timeout is the transaction's as well.
  const producer = new library.Producer(producerOptions(config, { transactionalId: id, timeout }))
  const admin = new library.Admin(clientOptions(config, 0.7 * config.requestTimeout))
  try {
    // Without these two numbers it asks for the producer 0 and takes nothing over.
    const begun = await within(config.requestTimeout, `taking over ${id}`, producer.beginTransaction({ producerId: -1n, producerEpoch: -1 }))
    return new PlatformaticTransactional(producer, admin, config, id, begun)
  } catch (error) {
    await Promise.allSettled([producer.close(), admin.close()])
    throw failureOf(config, `Taking over the transactional id ${id}`, error, { id })
  }
}

const GROUP_COORDINATOR = 0

class PlatformaticTransactional implements TransactionalProducer {
  readonly #producer: LibraryProducer
  readonly #admin: LibraryAdmin
  readonly #config: KafkaConfig
  readonly #id: string
  readonly #coordinators = new Map<string, number>()
  #begun: LibraryTransaction | undefined
  #spent: Error | undefined

  constructor(producer: LibraryProducer, admin: LibraryAdmin, config: KafkaConfig, id: string, begun: LibraryTransaction) {
    this.#producer = producer
    this.#admin = admin
    this.#config = config
    this.#id = id
    this.#begun = begun
  }

  async commit({ outgoing, offsets }: Transaction): Promise<void> {
    if (this.#spent !== undefined) throw this.#spent
    const parts = outgoing.filter(({ records }) => records.length > 0)
    // The broker refuses to end a transaction that has nothing in it.
    if (parts.length === 0 && offsets === undefined) return
    let begun: LibraryTransaction | undefined
    try {
      begun = this.#begun ?? (await this.#producer.beginTransaction())
      this.#begun = undefined
      await within(this.#config.requestTimeout, `committing as ${this.#id}`, this.#write(begun, { outgoing: parts, offsets }))
    } catch (error) {
      const failure = failureOf(this.#config, `Committing as ${this.#id}`, error, { id: this.#id })
      this.#spent = failure
      if (failure.code !== 'FENCED' && begun !== undefined) await this.#abort(begun)
      throw failure
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#producer.close(), this.#admin.close()])
  }

  async #write(begun: LibraryTransaction, { outgoing, offsets }: Transaction): Promise<void> {
    if (outgoing.length > 0) {
      // All at once: of two such requests side by side the library makes one, and forgets the other's partitions.
      const metadata = await this.#producer.metadata({ topics: [...new Set(outgoing.map(({ topic }) => topic))] })
      await begun.addPartitions(
        metadata,
        outgoing.map(({ topic, partition }) => ({ topic, partition })),
      )
      await Promise.all(outgoing.map((part) => sendAll(begun, part, metadata)))
    }
    if (offsets !== undefined) await this.#addOffsets(begun, offsets)
    await begun.commit()
  }

  async #addOffsets(begun: LibraryTransaction, { group, topic, partition, offset }: NonNullable<Transaction['offsets']>): Promise<void> {
    const coordinatorId =
      this.#coordinators.get(group) ?? (await this.#admin.findCoordinator({ keyType: GROUP_COORDINATOR, keys: [group] }))[0].nodeId
    this.#coordinators.set(group, coordinatorId)
    await begun.addConsumer({ groupId: group })
    // The library commits the offset after the message it is given; a member without name and generation is nobody's.
    const consumer = { groupId: group, generationId: -1, memberId: '', coordinatorId }
    await begun.addOffset({ topic, partition, offset: BigInt(offset) - 1n, metadata: { consumer } })
  }

  /** So that readers need not wait until the broker gives the transaction up; whoever opens the id next does it for sure. */
  async #abort(begun: LibraryTransaction): Promise<void> {
    await within(1000, 'giving a transaction up', begun.abort()).catch((error: unknown) => failureOf(this.#config, 'Giving up', error))
  }
}
