import { z } from 'zod'

const UNITS = { ms: 1, s: 1000, m: 60_000 } as const

const text = z.string('is text').trim().min(1, 'is empty')

const milliseconds = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s|m)$/, 'is a duration such as 500ms, 10s or 1m')
  .transform((value) => {
    const [, amount, unit] = /^([\d.]+)(\D+)$/.exec(value) as unknown as [string, string, keyof typeof UNITS]
    return Math.round(Number(amount) * UNITS[unit])
  })
  .refine((value) => value >= 100 && value <= 3_600_000, 'is between 100ms and 60m')

const broker = z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^\s:,/]+):\d{1,5}$/, 'is a list such as host:9092,host:9093')

const brokers = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').map((entry) => entry.trim()) : value),
  z.array(broker).min(1, 'is a list such as host:9092,host:9093'),
)

const yesNo = z.preprocess((value) => (value === 'true' ? true : value === 'false' ? false : value), z.boolean('is true or false'))

const bytes = z.preprocess(
  (value) => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value),
  z
    .number('is a number of bytes')
    .int()
    .min(1024, 'is at least 1024 bytes')
    .max(1 << 30, 'is at most 1 GiB'),
)

/** Every setting: its key in flags and in the file, and how a value of it is read. */
export const settings = {
  brokers,
  driver: z.enum(['kafkajs', 'platformatic'], 'is kafkajs or platformatic'),
  clientId: text,
  tls: yesNo,
  ca: text,
  cert: text,
  key: text,
  sasl: z.enum(['plain', 'scram-sha-256', 'scram-sha-512'], 'is plain, scram-sha-256 or scram-sha-512'),
  user: text,
  password: z.string('is text').min(1, 'is empty'),
  connectTimeout: milliseconds,
  requestTimeout: milliseconds,
  sessionTimeout: milliseconds,
  fetchBytes: bytes,
  compression: z.enum(['none', 'gzip', 'zstd'], 'is none, gzip or zstd'),
} as const

export type Setting = keyof typeof settings
export type Settings = { [K in Setting]?: z.output<(typeof settings)[K]> }

/** The environment's name of each setting; with `_FILE` after it, the name of a file that holds the value. */
export const variables: Readonly<Record<Setting, string>> = {
  brokers: 'TICKLOOM_BROKERS',
  driver: 'TICKLOOM_KAFKA_DRIVER',
  clientId: 'TICKLOOM_KAFKA_CLIENT_ID',
  tls: 'TICKLOOM_KAFKA_TLS',
  ca: 'TICKLOOM_KAFKA_CA',
  cert: 'TICKLOOM_KAFKA_CERT',
  key: 'TICKLOOM_KAFKA_KEY',
  sasl: 'TICKLOOM_KAFKA_SASL',
  user: 'TICKLOOM_KAFKA_USER',
  password: 'TICKLOOM_KAFKA_PASSWORD',
  connectTimeout: 'TICKLOOM_KAFKA_CONNECT_TIMEOUT',
  requestTimeout: 'TICKLOOM_KAFKA_REQUEST_TIMEOUT',
  sessionTimeout: 'TICKLOOM_KAFKA_SESSION_TIMEOUT',
  fetchBytes: 'TICKLOOM_KAFKA_FETCH_BYTES',
  compression: 'TICKLOOM_KAFKA_COMPRESSION',
}
