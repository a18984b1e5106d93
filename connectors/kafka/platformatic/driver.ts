import { TickloomError } from '../../../core/errors.ts'
import type { KafkaConfig } from '../config.ts'
import type { KafkaDriver } from '../driver.ts'
import type { KafkaLog } from '../log.ts'

/** @platformatic/kafka behind the port. Throws DRIVER_MISSING where the package is not installed. */
export async function openPlatformatic(_config: KafkaConfig, _log: KafkaLog | undefined): Promise<KafkaDriver> {
  throw new TickloomError('DRIVER_MISSING', 'The platformatic driver needs a package: npm install @platformatic/kafka@2.12.1', {
    package: '@platformatic/kafka',
  })
}
