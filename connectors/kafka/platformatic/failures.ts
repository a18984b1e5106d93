import { type ErrorCode, messageOf, TickloomError } from '../../../core/errors.ts'
import type { KafkaConfig } from '../config.ts'
import { codeOfName, isOfTls } from '../errorNames.ts'

interface Failure {
  readonly code?: unknown
  /** Kafka's name of the error. */
  readonly apiId?: unknown
  readonly message?: unknown
  readonly errors?: readonly unknown[]
  readonly cause?: unknown
}

/** The library's own word for a topic that is not there. */
const UNKNOWN_TOPIC = /^Unknown topic /

/** What the library throws, as a failure of the catalogue: `doing` says what was tried. Secrets are taken out. */
export function failureOf(config: KafkaConfig, doing: string, thrown: unknown, at: Readonly<Record<string, unknown>> = {}): TickloomError {
  const all = gathered(thrown)
  const known = all.find((failure) => failure instanceof TickloomError)
  if (known !== undefined) return known
  // The innermost says what happened; those around it count attempts.
  const message = config.redact(messageOf(all.at(-1) ?? thrown))
  return new TickloomError(codeOf(all), `${doing}: ${message}`, { brokers: config.brokers.join(','), ...at })
}

/** Runs it, so that what it throws is of the catalogue. */
export async function translated<T>(
  config: KafkaConfig,
  doing: string,
  run: () => Promise<T>,
  at: Readonly<Record<string, unknown>> = {},
): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw failureOf(config, doing, error, at)
  }
}

/** Kafka's names of all that went wrong. */
export function namesOf(thrown: unknown): string[] {
  return gathered(thrown)
    .map(({ apiId }) => apiId)
    .filter((name) => typeof name === 'string')
}

function codeOf(all: readonly Failure[]): ErrorCode {
  if (all.some(({ code, message }) => code === 'PLT_KFK_AUTHENTICATION' || isOfTls(message, code))) return 'KAFKA_REFUSED'
  if (all.some(({ message }) => UNKNOWN_TOPIC.test(String(message)))) return 'KAFKA_TOPIC'
  const codes = namesOf({ errors: all }).map(codeOfName)
  return codes.find((code) => code !== 'KAFKA_UNREACHABLE') ?? 'KAFKA_UNREACHABLE'
}

/** The error and all those within it, innermost last. */
function gathered(thrown: unknown, depth = 0): Failure[] {
  if (typeof thrown !== 'object' || thrown === null || depth > 6) return []
  const failure: Failure = thrown
  return [failure, ...gathered(failure.cause, depth + 1), ...(failure.errors ?? []).flatMap((inner) => gathered(inner, depth + 1))]
}
