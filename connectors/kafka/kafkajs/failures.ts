import { type ErrorCode, messageOf, TickloomError } from '../../../core/errors.ts'
import type { KafkaConfig } from '../config.ts'
import { codeOfName, isOfTls } from '../errorNames.ts'

/** PRODUCER_FENCED, which kafkajs does not know by name. */
const UNKNOWN_FENCED = /Unknown error code 90\b/

interface Failure {
  readonly name?: unknown
  readonly type?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly cause?: unknown
}

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
  if (chain.some(({ message }) => UNKNOWN_FENCED.test(String(message)))) return 'FENCED'
  if (chain.some(({ name, message, code }) => name === 'KafkaJSSASLAuthenticationError' || isOfTls(message, code))) return 'KAFKA_REFUSED'
  return codeOfName(typeOf(thrown) ?? '')
}

function causes(thrown: unknown): Failure[] {
  const chain: Failure[] = []
  for (let cause = thrown; typeof cause === 'object' && cause !== null && chain.length < 8; cause = (cause as Failure).cause) chain.push(cause)
  return chain
}
