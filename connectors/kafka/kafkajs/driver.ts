import type { KafkaConfig } from '../config.ts'
import { within } from '../deadline.ts'
import type { KafkaDriver } from '../driver.ts'
import type { KafkaLog } from '../log.ts'
import { OpenedDriver } from '../opened.ts'
import { WireRangeReader } from '../reading/range.ts'
import { openAdmin } from './admin.ts'
import { kafkajsClient } from './client.ts'
import { failureOf } from './failures.ts'
import { joinGroup } from './group.ts'
import { openProducer, openTransactional } from './producers.ts'
import { KafkajsWire } from './wire.ts'

/** kafkajs behind the port. Resolves when a broker has answered. */
export async function openKafkajs(config: KafkaConfig, log: KafkaLog | undefined): Promise<KafkaDriver> {
  await reach(config, log)
  const kafka = kafkajsClient(config, log, config.requestTimeout)
  return new OpenedDriver('kafkajs', config, {
    join: (options) => joinGroup({ kafka, config, ...options }),
    producer: () => openProducer(kafka, config),
    transactional: (options) => openTransactional(kafka, config, options),
    admin: () => openAdmin(kafka, config),
    async reader() {
      const wire = new KafkajsWire(kafka, config)
      await within(config.requestTimeout, 'connecting', wire.connect())
      return new WireRangeReader(wire, config)
    },
  })
}

/** Resolves when a broker has answered. */
async function reach(config: KafkaConfig, log: KafkaLog | undefined): Promise<void> {
  const refused = Promise.withResolvers<never>()
  const broken = (error: Error): void => {
    const failure = failureOf(config, 'Connecting', error)
    if (failure.code === 'KAFKA_REFUSED') refused.reject(failure)
  }
  const probe = kafkajsClient(config, log, config.connectTimeout, broken).admin()
  try {
    await within(config.connectTimeout, `no broker at ${config.brokers.join(',')}`, Promise.race([probe.connect(), refused.promise]))
  } catch (error) {
    throw failureOf(config, 'Connecting', error)
  } finally {
    await probe.disconnect()
  }
}
