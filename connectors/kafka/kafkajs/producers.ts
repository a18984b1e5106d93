import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka, Producer as KafkajsProducer, Transaction as KafkajsTransaction, Message } from 'kafkajs'
import type { TickloomError } from '../../../core/errors.ts'
import type { KafkaConfig } from '../config.ts'
import { within } from '../deadline.ts'
import type { NewRecord, Outgoing, Producer, Transaction, TransactionalProducer } from '../driver.ts'
import { slices } from '../slices.ts'
import { expectTaken } from '../taken.ts'
import { codecOf } from './client.ts'
import { failureOf, typeOf } from './failures.ts'

type Sender = Pick<KafkajsProducer, 'send'>

const createPartitioner =
  () =>
  ({ message }: { message: Message }): number =>
    message.partition!

export async function openProducer(kafka: Kafka, config: KafkaConfig): Promise<Producer> {
  const producer = kafka.producer({ createPartitioner, allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
  try {
    await within(config.requestTimeout, 'opening a producer', producer.connect())
  } catch (error) {
    await producer.disconnect()
    throw failureOf(config, 'Opening a producer', error)
  }
  return {
    async send(outgoing) {
      try {
        await within(config.requestTimeout, `sending to ${outgoing.topic}`, sendAll(producer, config, outgoing))
      } catch (error) {
        throw failureOf(config, `Sending to partition ${outgoing.partition} of ${outgoing.topic}`, error, { topic: outgoing.topic })
      }
    },
    close: () => producer.disconnect(),
  }
}

/** One partition a request: kafkajs may lose acknowledged records of a request over several when a broker fails. */
async function sendAll(sender: Sender, config: KafkaConfig, outgoing: Outgoing): Promise<void> {
  const { topic, partition, records } = outgoing
  const compression = codecOf(config.compression)
  for (const slice of slices(records)) {
    const messages = slice.map((record) => messageOf(record, partition))
    expectTaken(outgoing, await sender.send({ topic, acks: -1, timeout: config.requestTimeout, compression, messages }))
  }
}

function messageOf({ key, value, headers, timestamp }: NewRecord, partition: number): Message {
  return { partition, key: key ?? null, value, headers, timestamp: timestamp === undefined ? undefined : String(timestamp) }
}

export async function openTransactional(
  kafka: Kafka,
  config: KafkaConfig,
  { id, timeout = 60_000 }: { id: string; timeout?: number },
): Promise<TransactionalProducer> {
  const producer = kafka.producer({
    ...{ createPartitioner, allowAutoTopicCreation: false, maxInFlightRequests: 1 },
    ...{ transactionalId: id, transactionTimeout: timeout },
  })
  try {
    // kafkajs takes the id over when the first transaction begins, so that one is begun now and kept.
    const first = within(
      config.requestTimeout,
      `taking over ${id}`,
      producer.connect().then(() => producer.transaction()),
    )
    return new KafkajsTransactional(producer, config, id, await first)
  } catch (error) {
    await producer.disconnect()
    throw failureOf(config, `Taking over the transactional id ${id}`, error, { id })
  }
}

/** Milliseconds between two attempts while the markers of the transaction before are being written. */
const AGAIN = 5

class KafkajsTransactional implements TransactionalProducer {
  readonly #producer: KafkajsProducer
  readonly #config: KafkaConfig
  readonly #id: string
  #begun: KafkajsTransaction | undefined
  #spent: TickloomError | undefined

  constructor(producer: KafkajsProducer, config: KafkaConfig, id: string, begun: KafkajsTransaction) {
    this.#producer = producer
    this.#config = config
    this.#id = id
    this.#begun = begun
  }

  async commit(transaction: Transaction): Promise<void> {
    if (this.#spent !== undefined) throw this.#spent
    let begun: KafkajsTransaction | undefined
    try {
      begun = this.#begun ?? (await this.#producer.transaction())
      this.#begun = undefined
      await within(this.#config.requestTimeout, `committing as ${this.#id}`, this.#write(begun, transaction))
    } catch (error) {
      this.#spent = failureOf(this.#config, `Committing as ${this.#id}`, error, { id: this.#id })
      if (this.#spent.code !== 'FENCED') await this.#abort(begun)
      throw this.#spent
    }
  }

  async close(): Promise<void> {
    await this.#producer.disconnect()
  }

  async #write(begun: KafkajsTransaction, { outgoing, offsets }: Transaction): Promise<void> {
    await Promise.all(outgoing.map((part) => sendAll(begun, this.#config, part)))
    if (offsets !== undefined) {
      const { group, topic, partition, offset } = offsets
      await again(() => begun.sendOffsets({ consumerGroupId: group, topics: [{ topic, partitions: [{ partition, offset: String(offset) }] }] }))
    }
    await begun.commit()
  }

  /** So that readers need not wait until the broker gives the transaction up; whoever opens the id next does it for sure. */
  async #abort(begun: KafkajsTransaction | undefined): Promise<void> {
    if (begun?.isActive())
      await within(1000, 'giving a transaction up', begun.abort()).catch((error: unknown) => failureOf(this.#config, 'Giving up', error))
  }
}

/** kafkajs does not repeat this request itself when the transaction before is still being finished. */
async function again(send: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await send()
    } catch (error) {
      if (typeOf(error) !== 'CONCURRENT_TRANSACTIONS') throw error
      await sleep(AGAIN)
    }
  }
}
