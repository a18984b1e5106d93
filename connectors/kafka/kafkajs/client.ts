import { connect as connectPlain, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import kafkajs, { type KafkaConfig as KafkajsConfig, type SASLOptions } from 'kafkajs'
import type { KafkaConfig } from '../config.ts'
import type { KafkaLog } from '../log.ts'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs

/** What kafkajs calls an error it also throws, or gets over: who asked decides how bad it is. */
const LEVELS = { [logLevel.ERROR]: 'warn', [logLevel.WARN]: 'warn', [logLevel.INFO]: 'info', [logLevel.DEBUG]: 'debug' } as const

/** Milliseconds. */
const KEEP_ALIVE = 60_000

const zstd = { compress: ({ buffer }: { buffer: Buffer }) => promisify(zstdCompress)(buffer), decompress: promisify(zstdDecompress) }

/**
 * kafkajs as the configuration says; its retries end after about so many milliseconds. `broken` hears of each socket's
 * failure: a certificate refused is one of them, as kafkajs takes it for a broken connection and tries again.
 */
export function kafkajsClient(
  config: KafkaConfig,
  log: KafkaLog | undefined,
  patience: number,
  broken?: (error: Error) => void,
): InstanceType<typeof Kafka> {
  CompressionCodecs[CompressionTypes.ZSTD] = () => zstd
  const tls = config.tls()
  return new Kafka({
    brokers: [...config.brokers],
    clientId: config.clientId,
    connectionTimeout: Math.min(config.connectTimeout, 5_000),
    authenticationTimeout: config.connectTimeout,
    requestTimeout: config.requestTimeout,
    // A little less than callers wait: the reason of the last failure says more than that time is up.
    retry: retriesFor(0.7 * patience),
    ssl: tls === undefined ? undefined : { ca: tls.ca, cert: tls.cert, key: tls.key },
    sasl: saslOptions(config),
    socketFactory({ host, port, ssl, onConnect }) {
      const servername = isIP(host) === 0 ? host : ''
      const socket = ssl ? connectTls({ host, port, servername, ...ssl }, onConnect) : connectPlain({ host, port }, onConnect)
      if (broken !== undefined) socket.on('error', broken)
      return socket.setKeepAlive(true, KEEP_ALIVE)
    },
    logLevel: log === undefined ? logLevel.NOTHING : logLevel.INFO,
    logCreator: () => (entry) => {
      const level = LEVELS[entry.level as keyof typeof LEVELS]
      if (level !== undefined)
        log?.(level, config.redact([entry.namespace, entry.log.message, entry.log['error']].filter((part) => typeof part === 'string').join(': ')))
    },
  } satisfies KafkajsConfig)
}

/** From 10 ms doubling to one second, so that it takes about this long in all. */
export function retriesFor(milliseconds: number): {
  initialRetryTime: number
  maxRetryTime: number
  factor: number
  multiplier: number
  retries: number
} {
  return { initialRetryTime: 10, maxRetryTime: 1000, factor: 0, multiplier: 2, retries: Math.max(7, 7 + Math.floor((milliseconds - 1270) / 1000)) }
}

export function codecOf(compression: KafkaConfig['compression']): number {
  return { none: CompressionTypes.None, gzip: CompressionTypes.GZIP, zstd: CompressionTypes.ZSTD }[compression]
}

function saslOptions(config: KafkaConfig): SASLOptions | undefined {
  const sasl = config.sasl()
  if (sasl === undefined) return undefined
  const { mechanism, username, password } = sasl
  if (mechanism === 'plain') return { mechanism, username, password }
  return mechanism === 'scram-sha-256' ? { mechanism, username, password } : { mechanism, username, password }
}
