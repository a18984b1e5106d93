import { Kafka, KafkaJSNumberOfRetriesExceeded, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { describeKafka, freshTopic, type OwnKafka, ownKafka } from '../kit/kafka.ts'

const clientOf = (brokers: readonly string[]): Kafka => new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 10 } })

async function make(own: OwnKafka, topic: string, copies: number): Promise<void> {
  const admin = clientOf(own.brokers).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, replicationFactor: copies }], waitForLeaders: true })
  await admin.disconnect()
}

/** Sends one at a time until each is acknowledged: kafkajs gives up early on a connection that is refused. */
async function sent(producer: Producer, topic: string, values: readonly number[]): Promise<void> {
  for (const value of values) {
    const send = async (): Promise<boolean> => {
      try {
        await producer.send({ topic, acks: -1, messages: [{ partition: 0, value: String(value) }] })
        return true
      } catch (cause) {
        if (cause instanceof KafkaJSNumberOfRetriesExceeded || (cause as { retriable?: boolean }).retriable) return false
        throw cause
      }
    }
    await vi.waitUntil(send, { timeout: 30_000, interval: 200 })
  }
}

/** The values of the topic's one partition until there were n different ones; a value may be there twice. */
async function received(brokers: readonly string[], topic: string, n: number): Promise<number[]> {
  const consumer = clientOf(brokers).consumer({ groupId: freshTopic('reader') })
  const values = new Set<number>()
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachMessage: async ({ message }) => {
          if (values.add(Number(message.value)).size === n) resolve()
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return [...values]
}

describeKafka(
  'brokers of a test of its own',
  () => {
    describe.each([1, 3])('%i of them', (brokers) => {
      let own: OwnKafka
      beforeAll(async () => {
        own = await ownKafka({ brokers })
      })
      afterAll(() => own?.stop())

      test('keep what was acknowledged through kill -9 and restart of one after the other', async () => {
        const topic = freshTopic('kept')
        await make(own, topic, brokers)
        const producer = clientOf(own.brokers).producer()
        await producer.connect()
        const values: number[] = []
        for (let broker = 0; broker < Math.min(brokers, 2); broker++) {
          const [before, during, after] = [0, 1, 2].map((i) => Array.from({ length: 10 }, (_, k) => 100 * broker + 10 * i + k))
          await sent(producer, topic, before)
          await own.kill(broker)
          // Two of three go on by themselves; one alone has to come back first.
          if (brokers === 3) await sent(producer, topic, during)
          await own.restart(broker)
          await sent(producer, topic, after)
          values.push(...before, ...(brokers === 3 ? during : []), ...after)
        }
        await producer.disconnect()
        expect(await received(own.brokers, topic, values.length)).toEqual(values)
      })

      test('each has its own process and port', () => {
        expect(new Set(own.brokers).size).toBe(brokers)
        expect(new Set(own.pids()).size).toBe(brokers)
        expect(own.registry).toBeUndefined()
      })
    })
  },
  { shared: false },
)
