import { type ErrorCode, messageOf, TickloomError } from '../../../core/errors.ts'
import type { KafkaConfig } from '../config.ts'

const FENCED = new Set([
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_TXN_STATE',
  'INVALID_PRODUCER_ID_MAPPING',
  'TRANSACTION_COORDINATOR_FENCED',
  'UNKNOWN_PRODUCER_ID',
])
const REFUSED = /AUTHORIZATION_FAILED|SASL|AUTHENTICATION|SECURITY_DISABLED/
const OF_TOPIC = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_ALREADY_EXISTS',
  'INVALID_PARTITIONS',
  'INVALID_REPLICATION_FACTOR',
  'INVALID_CONFIG',
  'POLICY_VIOLATION',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'INVALID_RECORD',
])
const CERTIFICATE = /certificate|self.signed|altnames|SSL routines|ERR_TLS|tlsv1|bad decrypt/i
/** PRODUCER_FENCED, which kafkajs does not know by name. */
const UNKNOWN_FENCED = /Unknown error code 90\b/

/** What kafkajs throws, as a failure of the catalogue: `doing` says what was tried. Secrets are taken out. */
export function failureOf(config: KafkaConfig, doing: string, thrown: unknown, at: Readonly<Record<string, unknown>> = {}): TickloomError {
  const known = causes(thrown).find((cause) => cause instanceof TickloomError)
  if (known !== undefined) return known
  const message = config.redact(messageOf(thrown))
  return new TickloomError(codeOf(thrown), `${doing}: ${message}`, { brokers: config.brokers.join(','), ...at })
}

/** Kafka's name of the error, where it is one of its protocol. */
export function typeOf(thrown: unknown): string | undefined {
  return causes(thrown)
    .map(({ type }) => type)
    .find((type) => typeof type === 'string')
}

function codeOf(thrown: unknown): ErrorCode {
  const chain = causes(thrown)
  const known = chain.find((cause) => cause instanceof TickloomError)
  if (known instanceof TickloomError) return known.code
  const type = typeOf(thrown)
  if ((type !== undefined && FENCED.has(type)) || chain.some(({ message }) => UNKNOWN_FENCED.test(String(message)))) return 'FENCED'
  if (type !== undefined && OF_TOPIC.has(type)) return 'KAFKA_TOPIC'
  if ((type !== undefined && REFUSED.test(type)) || chain.some(({ name }) => name === 'KafkaJSSASLAuthenticationError')) return 'KAFKA_REFUSED'
  if (chain.some(({ message, code }) => CERTIFICATE.test(`${message} ${code}`))) return 'KAFKA_REFUSED'
  return 'KAFKA_UNREACHABLE'
}

interface Failure {
  readonly name?: unknown
  readonly type?: unknown
  readonly code?: unknown
  readonly message?: unknown
}

function causes(thrown: unknown): (Failure & { cause?: unknown })[] {
  const chain: (Failure & { cause?: unknown })[] = []
  for (let cause = thrown; typeof cause === 'object' && cause !== null && chain.length < 8; cause = (cause as { cause?: unknown }).cause) {
    chain.push(cause)
  }
  return chain
}
