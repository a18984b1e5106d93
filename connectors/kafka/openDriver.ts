import type { KafkaConfig } from './config.ts'
import type { KafkaDriver } from './driver.ts'

/** What a client library has to say while it works; without secrets. */
export type KafkaLog = (level: 'error' | 'warn' | 'info' | 'debug', message: string) => void

export interface OpenOptions {
  /** Nowhere by default. */
  readonly log?: KafkaLog
}

/**
 * The driver of the configuration, once a broker has answered.
 *
 * Throws KAFKA_UNREACHABLE after `connectTimeout`, KAFKA_REFUSED, and DRIVER_MISSING for an optional package that is not installed.
 */
export async function openDriver(config: KafkaConfig, options: OpenOptions = {}): Promise<KafkaDriver> {
  if (config.driver === 'kafkajs') {
    const { openKafkajs } = await import('./kafkajs/driver.ts')
    return openKafkajs(config, options)
  }
  const { openPlatformatic } = await import('./platformatic/driver.ts')
  return openPlatformatic(config, options)
}
