import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { TickloomError } from '../../core/errors.ts'
import { type Setting, type Settings, settings, variables } from './settings.ts'

export interface KafkaConfigSources {
  /** As the user typed them, by key; undefined where not given. */
  readonly flags?: Readonly<Partial<Record<Setting, unknown>>>
  readonly env?: Readonly<Record<string, string | undefined>>
  /** A JSON file with keys as in `flags`. */
  readonly file?: string
}

/** PEM texts, not file names. */
export interface Tls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export interface Sasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

/**
 * How to reach a cluster. Durations are milliseconds.
 *
 * Secrets leave it only through `tls()` and `sasl()`: printing, serialising or spreading it shows none.
 */
export class KafkaConfig {
  readonly brokers: readonly string[]
  readonly driver: 'kafkajs' | 'platformatic'
  readonly clientId: string
  /** Until a broker has answered for the first time, retries included. */
  readonly connectTimeout: number
  /** Of one call, retries included; a cluster away for longer is KAFKA_UNREACHABLE. */
  readonly requestTimeout: number
  /** After which a member of a group that says nothing loses its partitions. */
  readonly sessionTimeout: number
  /** Of one partition in one fetch. */
  readonly fetchBytes: number
  readonly compression: 'none' | 'gzip' | 'zstd'
  readonly #tls: Tls | undefined
  readonly #sasl: Sasl | undefined

  /** Throws OPTION_INVALID for settings that do not fit together. */
  constructor(given: Settings & { readonly brokers: readonly string[] }) {
    this.brokers = given.brokers
    this.driver = given.driver ?? 'kafkajs'
    this.clientId = given.clientId ?? 'tickloom'
    this.connectTimeout = given.connectTimeout ?? 10_000
    this.requestTimeout = given.requestTimeout ?? 30_000
    this.sessionTimeout = given.sessionTimeout ?? 10_000
    this.fetchBytes = given.fetchBytes ?? 4 << 20
    this.compression = given.compression ?? 'none'
    this.#tls = tlsOf(given)
    this.#sasl = saslOf(given)
  }

  tls(): Tls | undefined {
    return this.#tls
  }

  sasl(): Sasl | undefined {
    return this.#sasl
  }

  /** The text without any secret of this configuration: for what a library or a broker says. */
  redact(message: string): string {
    const secrets = [this.#sasl?.password, this.#tls?.key].filter((secret) => secret !== undefined)
    return secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), message)
  }

  toJSON(): Readonly<Record<string, unknown>> {
    return describeConfig(this)
  }

  [inspect.custom](): Readonly<Record<string, unknown>> {
    return describeConfig(this)
  }
}

/** The configuration for logs: no secret in it, only whether there is one. */
export function describeConfig(config: KafkaConfig): Readonly<Record<string, unknown>> {
  const { brokers, driver, clientId, connectTimeout, requestTimeout, sessionTimeout, fetchBytes, compression } = config
  const [tls, sasl] = [config.tls(), config.sasl()]
  return {
    ...{ brokers, driver, clientId, connectTimeout, requestTimeout, sessionTimeout, fetchBytes, compression },
    tls: tls === undefined ? false : { ca: tls.ca !== undefined, cert: tls.cert !== undefined, key: tls.key === undefined ? false : '***' },
    sasl: sasl === undefined ? false : { mechanism: sasl.mechanism, user: sasl.username, password: '***' },
  }
}

/** Flags win over the environment, the environment over the file. Throws OPTION_INVALID naming the variable or key. */
export function readKafkaConfig({ flags = {}, env = {}, file }: KafkaConfigSources): KafkaConfig {
  const found: Record<string, unknown> = {}
  const fromFile = file === undefined ? {} : parseFile(file)
  for (const key of Object.keys(settings) as Setting[]) {
    const given = [() => fromFlag(key, flags[key]), () => fromEnvironment(key, env), () => fromKey(key, fromFile[key], file ?? '')]
    for (const source of given) {
      if ((found[key] = source()) !== undefined) break
    }
  }
  const { brokers, ...rest } = found as Settings
  if (brokers === undefined)
    throw new TickloomError('OPTION_INVALID', `No brokers are named: give --brokers or ${variables.brokers}`, { option: 'brokers' })
  return new KafkaConfig({ ...rest, brokers })
}

function fromFlag(key: Setting, value: unknown): unknown {
  return value === undefined ? undefined : checked(key, value, `--${key.replace(/[A-Z]/g, (upper) => `-${upper.toLowerCase()}`)}`)
}

function fromEnvironment(key: Setting, env: NonNullable<KafkaConfigSources['env']>): unknown {
  const name = variables[key]
  const [value, path] = [env[name], env[`${name}_FILE`]]
  if (value !== undefined && value !== '') return checked(key, value, name)
  if (path === undefined || path === '') return undefined
  return checked(key, readText(path, `${name}_FILE`).replace(/\r?\n$/, ''), `${name}_FILE`)
}

function fromKey(key: Setting, value: unknown, file: string): unknown {
  return value === undefined ? undefined : checked(key, value, `${key} in ${file}`)
}

/** Names where a value came from, never the value: it may be a secret. */
function checked(key: Setting, value: unknown, from: string): unknown {
  const result = settings[key].safeParse(value)
  if (!result.success) throw new TickloomError('OPTION_INVALID', `${from} ${result.error.issues[0].message}`, { option: from })
  return result.data
}

function parseFile(file: string): Record<string, unknown> {
  let parsed: unknown
  try {
    parsed = JSON.parse(readText(file, '--kafka'))
  } catch (error) {
    if (error instanceof TickloomError) throw error
    // The parser's message quotes the text around the fault, which may be a secret.
    throw new TickloomError('OPTION_INVALID', `${file} is not JSON`, { option: '--kafka', file })
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new TickloomError('OPTION_INVALID', `${file} is not a JSON object`, { option: '--kafka', file })
  }
  const unknown = Object.keys(parsed).find((key) => !Object.hasOwn(settings, key))
  if (unknown !== undefined)
    throw new TickloomError('OPTION_INVALID', `${unknown} in ${file} is no setting; they are ${Object.keys(settings).join(', ')}`, { file })
  return parsed as Record<string, unknown>
}

function readText(path: string, from: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new TickloomError('OPTION_INVALID', `${from} names ${path}, which cannot be read`, { option: from, path }, error)
  }
}

function tlsOf({ tls, ca, cert, key }: Settings): Tls | undefined {
  if (tls === undefined && (ca ?? cert ?? key) === undefined) return undefined
  if (tls === false) return undefined
  if ((cert === undefined) !== (key === undefined)) {
    throw new TickloomError('OPTION_INVALID', `${variables.cert} and ${variables.key} come together`, { option: cert === undefined ? 'cert' : 'key' })
  }
  return { ca: pem(ca, variables.ca), cert: pem(cert, variables.cert), key: pem(key, variables.key) }
}

function pem(given: string | undefined, name: string): string | undefined {
  return given === undefined || given.startsWith('-----BEGIN') ? given : readText(given, name)
}

function saslOf({ sasl, user, password }: Settings): Sasl | undefined {
  if (sasl === undefined && user === undefined && password === undefined) return undefined
  if (sasl === undefined || user === undefined || password === undefined) {
    const missing = [sasl ?? variables.sasl, user ?? variables.user, password ?? variables.password].filter((name) => name.startsWith('TICKLOOM_'))
    throw new TickloomError('OPTION_INVALID', `${variables.sasl}, ${variables.user} and ${variables.password} come together`, { missing })
  }
  return { mechanism: sasl, username: user, password }
}
