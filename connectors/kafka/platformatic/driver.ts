import type { KafkaConfig } from '../config.ts'
import { within } from '../deadline.ts'
import type { KafkaDriver } from '../driver.ts'
import type { KafkaLog } from '../log.ts'
import { OpenedDriver } from '../opened.ts'
import { WireRangeReader } from '../reading/range.ts'
import { openAdmin } from './admin.ts'
import { failureOf } from './failures.ts'
import { joinGroup } from './group.ts'
import { loadLibrary } from './library.ts'
import { clientOptions } from './options.ts'
import { openProducer, openTransactional } from './producers.ts'
import { PlatformaticWire } from './wire.ts'

/** @platformatic/kafka behind the port. Throws DRIVER_MISSING where the package is not installed. It has nothing to log. */
export async function openPlatformatic(config: KafkaConfig, _log: KafkaLog | undefined): Promise<KafkaDriver> {
  const library = await loadLibrary()
  const probe = new library.Admin(clientOptions(config, config.connectTimeout))
  try {
    await within(config.connectTimeout, `no broker at ${config.brokers.join(',')}`, probe.metadata({ topics: [] }))
  } catch (error) {
    throw failureOf(config, 'Connecting', error)
  } finally {
    await probe.close()
  }
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
