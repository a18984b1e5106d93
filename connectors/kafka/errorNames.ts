import type { ErrorCode } from '../../core/errors.ts'

const FENCED = new Set([
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_TXN_STATE',
  'INVALID_PRODUCER_ID_MAPPING',
  'TRANSACTION_COORDINATOR_FENCED',
  'UNKNOWN_PRODUCER_ID',
])
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
const REFUSED = /AUTHORIZATION_FAILED|SASL|AUTHENTICATION|SECURITY_DISABLED/
const CERTIFICATE = /certificate|self.signed|altnames|SSL routines|ERR_TLS|tlsv1|bad decrypt/i

/** What an error of Kafka's protocol means, by its name there; anything not named may pass. */
export function codeOfName(name: string): ErrorCode {
  if (FENCED.has(name)) return 'FENCED'
  if (OF_TOPIC.has(name)) return 'KAFKA_TOPIC'
  return REFUSED.test(name) ? 'KAFKA_REFUSED' : 'KAFKA_UNREACHABLE'
}

/** Whether a failure to connect is one of TLS, which no waiting mends. */
export function isOfTls(message: unknown, code: unknown): boolean {
  return CERTIFICATE.test(`${message} ${code}`)
}
