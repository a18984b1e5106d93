import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeConfig, type KafkaConfig, type KafkaConfigSources, readKafkaConfig } from '../../../connectors/kafka/config.ts'
import { settings, variables } from '../../../connectors/kafka/settings.ts'

const SECRET = 'pa55-w0rd'
const PEM = '-----BEGIN PRIVATE KEY-----\nMIIsecret\n-----END PRIVATE KEY-----\n'
const env = { TICKLOOM_BROKERS: 'a:9092, b:9093' }
let dir: string

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'tickloom-config-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

function fileOf(name: string, content: unknown): string {
  const path = join(dir, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

function failureOf(sources: KafkaConfigSources): unknown {
  try {
    return readKafkaConfig(sources)
  } catch (error) {
    return error
  }
}

describe('the configuration of Kafka', () => {
  test('flags win over the environment, the environment over the file', () => {
    const file = fileOf('kafka.json', { clientId: 'file', sessionTimeout: '7s', requestTimeout: '9s', tls: true, fetchBytes: 65536 })
    const config = readKafkaConfig({
      flags: { clientId: 'flag', sessionTimeout: undefined },
      env: { ...env, TICKLOOM_KAFKA_CLIENT_ID: 'env', TICKLOOM_KAFKA_SESSION_TIMEOUT: '6s', TICKLOOM_KAFKA_COMPRESSION: 'zstd' },
      file,
    })
    expect(config).toMatchObject({
      ...{ brokers: ['a:9092', 'b:9093'], clientId: 'flag', sessionTimeout: 6000, requestTimeout: 9000 },
      ...{ connectTimeout: 10_000, fetchBytes: 65536, compression: 'zstd', driver: 'kafkajs' },
    })
    expect(config.tls()).toEqual({ ca: undefined, cert: undefined, key: undefined })
    expect(config.sasl()).toBeUndefined()
  })

  test('every variable may be a file that holds the value', () => {
    const password = fileOf('password', `${SECRET}\n`)
    const key = fileOf('key.pem', PEM)
    const config = readKafkaConfig({
      env: {
        ...{ TICKLOOM_BROKERS_FILE: fileOf('brokers', 'c:9092\n'), TICKLOOM_KAFKA_SASL: 'scram-sha-512', TICKLOOM_KAFKA_USER: 'u' },
        ...{ TICKLOOM_KAFKA_PASSWORD_FILE: password, TICKLOOM_KAFKA_KEY: key, TICKLOOM_KAFKA_CERT_FILE: key },
      },
    })
    expect(config.brokers).toEqual(['c:9092'])
    expect(config.sasl()).toEqual({ mechanism: 'scram-sha-512', username: 'u', password: SECRET })
    expect(config.tls()?.key).toBe(PEM)
    expect(config.tls()?.cert?.trim()).toBe(PEM.trim())
  })

  test.each([
    ['a flag', { flags: { sessionTimeout: 'soon' } }, '--session-timeout is a duration'],
    ['a variable', { env: { ...env, TICKLOOM_KAFKA_TLS: 'yes' } }, 'TICKLOOM_KAFKA_TLS is true or false'],
    ['a broker', { env: { TICKLOOM_BROKERS: 'a:9092,b' } }, 'TICKLOOM_BROKERS is a list such as host:9092'],
    ['a file that is not there', { env: { TICKLOOM_BROKERS_FILE: '/nowhere/at/all' } }, 'TICKLOOM_BROKERS_FILE names /nowhere/at/all'],
    ['no brokers', {}, 'TICKLOOM_BROKERS'],
    ['half of a login', { env: { ...env, TICKLOOM_KAFKA_USER: 'u' } }, 'come together'],
    ['a certificate without its key', { env: { ...env, TICKLOOM_KAFKA_CERT: PEM } }, 'TICKLOOM_KAFKA_CERT and TICKLOOM_KAFKA_KEY come together'],
    ['a driver nobody knows', { flags: { driver: 'librdkafka' } }, '--driver is kafkajs or platformatic'],
  ] as [string, KafkaConfigSources, string][])('refuses %s and names it', (_, sources, message) => {
    expect(failureOf(sources)).toMatchObject({ code: 'OPTION_INVALID', message: expect.stringContaining(message) })
  })

  test('refuses a key of the file that it does not know, and names it', () => {
    const file = fileOf('typo.json', { brokers: ['a:9092'], pasword: SECRET })
    expect(failureOf({ file })).toMatchObject({ code: 'OPTION_INVALID', message: expect.stringContaining('pasword in') })
  })

  test('has a variable for every setting, and a line of the how-to', () => {
    expect(Object.keys(variables)).toEqual(Object.keys(settings))
    const page = readFileSync(new URL('../../../docs/howto/connect-to-kafka.md', import.meta.url), 'utf8')
    const lines = [...page.matchAll(/^\| `(TICKLOOM_\w+)` \| `(\w+)`/gm)].map(([, variable, key]) => [key, variable])
    expect(lines).toEqual(Object.entries(variables))
  })
})

describe('secrets', () => {
  const whole = (): KafkaConfig =>
    readKafkaConfig({
      flags: { password: SECRET, key: PEM, cert: PEM },
      env: { ...env, TICKLOOM_KAFKA_SASL: 'plain', TICKLOOM_KAFKA_USER: 'u', TICKLOOM_KAFKA_TLS: 'true' },
    })

  test('are in nothing that prints the configuration', () => {
    const config = whole()
    const shown = [JSON.stringify(config), JSON.stringify({ config }), inspect(config, { depth: 9, showHidden: true }), String(config)]
    shown.push(JSON.stringify({ ...config }), JSON.stringify(describeConfig(config)), JSON.stringify(structuredClone({ ...config })))
    for (const text of shown) {
      expect(text).not.toContain(SECRET)
      expect(text).not.toContain('MIIsecret')
    }
    expect(config.sasl()?.password).toBe(SECRET)
  })

  test('are taken out of what others say', () => {
    expect(whole().redact(`login u/${SECRET} refused, ${SECRET}`)).toBe('login u/*** refused, ***')
  })

  test.each([
    ['a file that is not JSON', `{"brokers":["a:1"],"password":"${SECRET}" oops`],
    ['a password of the wrong type', { brokers: ['a:1'], password: [SECRET] }],
    ['a value in the wrong place', { brokers: ['a:1'], sasl: SECRET }],
  ])('are not in the failure of %s', (_, content) => {
    const failure = failureOf({ file: fileOf('bad.json', content) })
    expect(failure).toMatchObject({ code: 'OPTION_INVALID' })
    expect(inspect(failure, { depth: 9 })).not.toContain(SECRET)
    expect(JSON.stringify(failure)).not.toContain(SECRET)
  })
})
