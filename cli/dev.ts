import { Argument, type Command, InvalidArgumentError } from 'commander'
import type { Services } from '../connectors/kafka/dev/services.ts'
import { onShutdown } from '../runtime/shutdown.ts'
import { type CommonFlags, count, verb } from './flags.ts'

interface DevFlags extends CommonFlags {
  readonly data: string
  readonly brokers: number
  readonly port: number
  readonly registryPort: number
  readonly registry: boolean
}

/** `tickloom dev`: a Kafka and a schema registry for a machine without containers. */
export function devVerb(): Command {
  return verb('dev', 'Run Apache Kafka and a schema registry on this machine, without containers, until Ctrl-C.', [
    'tickloom dev up',
    'tickloom dev up --data /tmp/kafka --brokers 3 --port 19092 --registry-port 18081',
    'tickloom dev up --no-registry --json',
  ])
    .addArgument(new Argument('<action>', 'up: start them and stay').choices(['up']))
    .option('--data <dir>', 'folder of topics, schemas and logs; they are there again at the next start', '.tickloom/dev')
    .option('--brokers <n>', 'how many brokers; from 3 on, topics have three copies', count, 1)
    .option('--port <p>', 'port of the first broker, its controller one above; the others 10, 20, ... higher', portNumber, 9092)
    .option('--registry-port <p>', 'port of the registry', portNumber, 8081)
    .option('--no-registry', 'brokers only')
    .action((_action: 'up', flags: DevFlags) => up(flags))
}

/** Returns when it was asked to stop. Throws DEV_TOOLS_MISSING, SERVICE_FAILED, OPTION_INVALID, INTERRUPTED. */
async function up({ data, brokers, port, registryPort, registry, json }: DevFlags): Promise<void> {
  const [{ fetchPrograms }, { startServices }] = await Promise.all([
    import('../connectors/kafka/dev/fetch.ts'),
    import('../connectors/kafka/dev/services.ts'),
  ])
  const say = (text: string): void => {
    if (!json) process.stderr.write(`${text}\n`)
  }
  const shutdown = onShutdown(undefined, () => say('\nstopping; once more ends it at once'))
  const { signal } = shutdown
  try {
    const programs = await fetchPrograms({ say, signal })
    say(`starting ${brokers === 1 ? 'a broker' : `${brokers} brokers`}${registry ? ' and the registry' : ''}, logs in ${data}`)
    const at = registry ? registryPort : undefined
    const services = await startServices({ programs, data, brokers, basePort: port, registry: at, keepSchemas: true, signal })
    try {
      process.stdout.write(json ? `${JSON.stringify(addresses(services, data))}\n` : described(services, data))
      const failure = await Promise.race([services.failed, aborted(signal)])
      if (failure !== undefined) throw failure
    } finally {
      await services.stop()
    }
  } finally {
    shutdown.release()
  }
}

function portNumber(text: string): number {
  const port = count(text)
  if (port > 65_535) throw new InvalidArgumentError('It is a port, 65535 at most.')
  return port
}

interface Addresses {
  readonly brokers: readonly string[]
  readonly registry: string | undefined
  readonly data: string
}

function addresses({ cluster, registry }: Services, data: string): Addresses {
  return { brokers: cluster.brokers, registry: registry?.url, data }
}

function described(services: Services, folder: string): string {
  const { brokers, registry } = addresses(services, folder)
  const lines = [
    `Kafka      ${brokers.join(', ')}`,
    ...(registry ? [`registry   ${registry}`] : []),
    `data       ${folder}`,
    '',
    'For another terminal:',
    `  export TICKLOOM_BROKERS=${brokers.join(',')}`,
    ...(registry ? [`  export TICKLOOM_REGISTRY=${registry}`] : []),
    '',
    'Ctrl-C stops it; topics and schemas are kept.',
  ]
  return `${lines.join('\n')}\n`
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
