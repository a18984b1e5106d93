import type { KafkaConfig } from '../config.ts'

const FIRST_DELAY = 10
const LONGEST_DELAY = 500
/** Delays until the longest, and how long they take together. */
const [DOUBLING, DOUBLED] = [6, 630]

/**
 * What every client of the library is opened with; its retries end after about so many milliseconds. `failing` hears of
 * each failure that is tried again: a login refused is one of them, as the library takes it for a broken connection.
 */
export function clientOptions(config: KafkaConfig, patience: number, failing?: (error: unknown) => void): object {
  const [tls, sasl] = [config.tls(), config.sasl()]
  return {
    clientId: config.clientId,
    bootstrapBrokers: [...config.brokers],
    connectTimeout: Math.min(config.connectTimeout, 5_000),
    requestTimeout: config.requestTimeout,
    timeout: config.requestTimeout,
    retries: DOUBLING + Math.max(0, Math.floor((patience - DOUBLED) / LONGEST_DELAY)),
    retryDelay(_client: unknown, _operation: string, attempt: number, _retries: number, error: unknown) {
      failing?.(error)
      return Math.min(FIRST_DELAY * 2 ** (attempt - 1), LONGEST_DELAY)
    },
    metadataMaxAge: 300_000,
    autocreateTopics: false,
    tls,
    sasl: sasl && { mechanism: sasl.mechanism.toUpperCase(), username: sasl.username, password: sasl.password },
  }
}
