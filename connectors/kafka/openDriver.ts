import type { KafkaConfig } from './config.ts'
import type { KafkaDriver } from './driver.ts'
import type { KafkaLog } from './log.ts'

/**
 * The driver of the configuration, once a broker has answered.
 *
 * What the client library says goes to `log`, or nowhere. Throws KAFKA_UNREACHABLE after `connectTimeout`, KAFKA_REFUSED, and DRIVER_MISSING for an optional package that is not installed.
 */
export async function openDriver(config: KafkaConfig, { log }: { readonly log?: KafkaLog } = {}): Promise<KafkaDriver> {
  if (config.driver === 'kafkajs') {
    const { openKafkajs } = await import('./kafkajs/driver.ts')
    return openKafkajs(config, log)
  }
  const { openPlatformatic } = await import('./platformatic/driver.ts')
  return openPlatformatic(config, log)
}
