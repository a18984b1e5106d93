import { afterAll, beforeAll } from 'vitest'
import { embeddedSchemas } from '../../../connectors/avro/embedded.ts'
import { RecordEncoder, recordIds } from '../../../connectors/avro/encoder.ts'
import { readKafkaConfig } from '../../../connectors/kafka/config.ts'
import type { KafkaDriver, NewRecord, Producer } from '../../../connectors/kafka/driver.ts'
import { liveLog } from '../../../connectors/kafka/liveLog.ts'
import { openDriver } from '../../../connectors/kafka/openDriver.ts'
import { checkpointTopic, deadLetterTopic, ensureTopics, planTopics } from '../../../connectors/kafka/topics.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Trade } from '../../../core/market.ts'
import { describeKafka, freshTopic, kafkaHere } from '../../kit/kafka.ts'
import { logContract } from '../../kit/logContract.ts'

const schemas = embeddedSchemas()

// One record a tick, and blocks of many: a position may lie inside a record.
for (const form of ['ticks', 'blocks'] as const) {
  let driver: KafkaDriver
  let producer: Producer

  describeKafka(`a topic of ${form} as a live log`, () => {
    beforeAll(async () => {
      driver = await openDriver(readKafkaConfig({ flags: { brokers: kafkaHere().brokers.join(',') } }))
      producer = await driver.producer()
    })
    afterAll(async () => {
      await producer?.close()
      await driver?.close()
    })

    logContract(async () => {
      const [topic, group] = [freshTopic('log'), freshTopic('group')]
      const admin = await driver.admin()
      await ensureTopics(admin, planTopics({ input: topic, group, partitions: 2 }))
      await admin.close()
      const instruments = new Instruments()
      const encoder = new RecordEncoder(await recordIds(schemas), instruments)
      const topics = { checkpoints: checkpointTopic(group), deadLetters: deadLetterTopic(topic) }
      return {
        instruments,
        member: () => liveLog({ driver, group, topic, topics, columns: Trade, instruments, schemas }),
        async append(partition, batch) {
          const records: NewRecord[] =
            form === 'blocks'
              ? [{ value: encoder.encodeBlock('NIFTY', batch, 0, batch.n) }]
              : Array.from({ length: batch.n }, (_, i) => ({ value: encoder.encodeTick(batch, i) }))
          if (Number.isFinite(batch.watermark)) records.push({ value: encoder.encodeHeartbeat(batch.watermark) })
          await producer.send({ topic, partition: Number(partition), records })
        },
      }
    })
  })
}
