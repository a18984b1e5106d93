import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import type { SchemaSource } from '../connectors/avro/schemaSource.ts'
import { type KafkaConfig, readKafkaConfig } from '../connectors/kafka/config.ts'
import type { KafkaDriver } from '../connectors/kafka/driver.ts'
import { messageOf } from '../core/errors.ts'
import { wrongFlag } from './flags.ts'

/** The flags of `withKafkaFlags`, as commander gives them. No flag takes a password: it would stand in every list of processes. */
export interface KafkaFlags {
  readonly brokers?: string
  readonly registry?: string
  readonly registryUser?: string
  readonly driver?: string
  /** Path of a JSON file with settings. */
  readonly kafka?: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** Adds what every verb takes that talks to Kafka. */
export function withKafkaFlags(command: Command): Command {
  return command
    .option('--brokers <list>', 'brokers, such as host:9092,host:9093; else TICKLOOM_BROKERS')
    .option('--registry <url>', 'schema registry; else TICKLOOM_REGISTRY, else the schemas that come with tickloom')
    .option('--registry-user <name>', 'its user, whose password is TICKLOOM_REGISTRY_PASSWORD')
    .addOption(new Option('--driver <name>', 'Kafka client').choices(['kafkajs', 'platformatic']))
    .option('--kafka <file>', 'JSON file with settings of the connection; flags and environment win over it')
}

/** How to reach Kafka: flags win over the environment, the environment over the file. Throws OPTION_INVALID. */
export function kafkaOf({ brokers, driver, kafka }: KafkaFlags, env: Environment = process.env): KafkaConfig {
  return readKafkaConfig({ flags: { brokers, driver }, env, file: kafka })
}

/** The driver of the flags, once a broker has answered; with `verbose`, what the client library says goes to stderr. Throws as `openDriver`. */
export async function openKafka(flags: KafkaFlags & { readonly verbose?: boolean }): Promise<KafkaDriver> {
  const config = kafkaOf(flags)
  const { openDriver } = await import('../connectors/kafka/openDriver.ts')
  return openDriver(config, flags.verbose ? { log: (level, message) => process.stderr.write(`kafka ${level}: ${message}\n`) } : {})
}

/**
 * The registry of the flags or the environment; where there is none, the embedded schemas. `say` is told which, once,
 * without secrets. Throws OPTION_INVALID; nothing is asked of the registry yet.
 */
export async function schemasOf(
  { registry, registryUser }: KafkaFlags,
  say: (message: string) => void,
  env: Environment = process.env,
): Promise<SchemaSource> {
  const url = registry ?? setting('TICKLOOM_REGISTRY', env)
  const user = registryUser ?? setting('TICKLOOM_REGISTRY_USER', env)
  if (url === undefined && registryUser !== undefined) throw wrongFlag('--registry-user', '--registry-user needs --registry or TICKLOOM_REGISTRY')
  const schemas =
    url === undefined
      ? (await import('../connectors/avro/embedded.ts')).embeddedSchemas()
      : (await import('../connectors/avro/registry.ts')).registrySchemas({ url, user, password: setting('TICKLOOM_REGISTRY_PASSWORD', env) })
  say(schemas.describe())
  return schemas
}

/** A variable's value, or what is in the file that the variable with `_FILE` after its name names. */
function setting(name: string, env: Environment): string | undefined {
  const [value, path] = [env[name], env[`${name}_FILE`]]
  if (value !== undefined && value !== '') return value
  if (path === undefined || path === '') return undefined
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (cause) {
    throw wrongFlag(`${name}_FILE`, `${name}_FILE names ${path}, which cannot be read: ${messageOf(cause)}`)
  }
}
