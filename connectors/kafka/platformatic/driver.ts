import type { KafkaConfig } from '../config.ts'
import { within } from '../deadline.ts'
import type { KafkaDriver } from '../driver.ts'
import type { KafkaLog } from '../log.ts'
import { OpenedDriver } from '../opened.ts'
import { WireRangeReader } from '../reading/range.ts'
import { openAdmin } from './admin.ts'
import { failureOf } from './failures.ts'
import { joinGroup } from './group.ts'
import { type Library, loadLibrary } from './library.ts'
import { clientOptions } from './options.ts'
import { openProducer, openTransactional } from './producers.ts'
import { PlatformaticWire } from './wire.ts'

/** @platformatic/kafka behind the port. Throws DRIVER_MISSING where the package is not installed. It has nothing to log. */
export async function openPlatformatic(config: KafkaConfig, _log: KafkaLog | undefined): Promise<KafkaDriver> {
  const library = await loadLibrary()
  await reach(library, config)
  return new OpenedDriver('platformatic', config, {
    join: (options) => joinGroup({ library, config, ...options }),
    producer: () => openProducer(library, config),
    transactional: (options) => openTransactional(library, config, options),
    admin: () => openAdmin(library, config),
    async reader() {
      const wire = new PlatformaticWire(library, config)
      await within(config.requestTimeout, 'connecting', wire.connect())
      return new WireRangeReader(wire, config)
    },
  })
}

/** Resolves when a broker has answered. */
async function reach(library: Library, config: KafkaConfig): Promise<void> {
  const refused = Promise.withResolvers<never>()
  const failing = (error: unknown): void => {
    const failure = failureOf(config, 'Connecting', error)
    if (failure.code === 'KAFKA_REFUSED') refused.reject(failure)
  }
  const probe = new library.Admin(clientOptions(config, config.connectTimeout, failing))
  try {
    const answer = Promise.race([probe.metadata({ topics: [] }), refused.promise])
    await within(config.connectTimeout, `no broker at ${config.brokers.join(',')}`, answer)
  } catch (error) {
    throw failureOf(config, 'Connecting', error)
  } finally {
    await probe.close()
  }
}
