import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TickloomError } from '../../../core/errors.ts'
import { type Jvm, runJvm, smallJvm, startJvm } from './jvm.ts'
import { freePorts, requireFree } from './ports.ts'

export interface ClusterOptions {
  /** Folder of the jars: `kafka` of fetchPrograms. */
  readonly jars: string
  /** Folder of logs and topics; what an earlier cluster left there comes back. Use it with one number of brokers only. */
  readonly data: string
  /** 1 by default. From 3 on, topics have three copies and writes need two. */
  readonly brokers?: number
  /** Broker i listens on this + 10 i, its controller one above. Free ones by default. */
  readonly basePort?: number
  /** Settings of every broker that differ from ours, such as `log.retention.ms`. */
  readonly properties?: Readonly<Record<string, string>>
  /** Milliseconds until a broker must be ready; 60 s by default. */
  readonly patience?: number
  /** Gives it up while it starts. */
  readonly signal?: AbortSignal
}

/** Brokers of this machine, on the loopback address. They die with this process. */
export interface KafkaCluster {
  /** host:port of each. */
  readonly brokers: readonly string[]
  /** Process id of each; that of the last life when it is down. */
  pids(): number[]
  /** Resolves when a broker ends without having been asked to, and never otherwise. */
  readonly failed: Promise<TickloomError>
  /** kill -9, as when the machine goes. Returns when the process is gone. */
  kill(broker: number): Promise<void>
  /** Starts a broker that was killed, on its data; returns when it serves. Throws SERVICE_FAILED. */
  restart(broker: number): Promise<void>
  /** Ends them all: SIGTERM, and SIGKILL after `grace` milliseconds (5 s by default; 0: at once, for data nobody wants). */
  stop(grace?: number): Promise<void>
}

interface Broker {
  readonly port: number
  readonly controller: number
}

const loggers = fileURLToPath(new URL('log4j2.yaml', import.meta.url))

/** Starts Apache Kafka and returns when every broker serves. Throws SERVICE_FAILED with the end of the log, OPTION_INVALID, INTERRUPTED. */
export async function startCluster(options: ClusterOptions): Promise<KafkaCluster> {
  const { jars, data, brokers = 1, basePort, properties, patience = 60_000, signal } = options
  const folder = resolve(data)
  mkdirSync(folder, { recursive: true })
  const places = await placesOf(brokers, basePort)
  const id = clusterId(folder, brokers)
  const start = async (i: number): Promise<Jvm> => {
    const conf = join(folder, `n${i}.properties`)
    writeFileSync(conf, settings(folder, places, i, properties))
    if (!existsSync(join(folder, `n${i}`, 'meta.properties')))
      await runJvm({
        name: `formatting broker ${i}`,
        args: [...smallJvm, '-cp', `${jars}/*`, 'kafka.tools.StorageTool', 'format', `--cluster-id=${id}`, '-c', conf, '--ignore-formatted'],
        log: join(folder, `n${i}.format.log`),
        patience,
      })
    return startJvm({
      name: `broker ${i}`,
      args: [...smallJvm, `-Dlog4j2.configurationFile=file:${loggers}`, `-Dkafka.logs.dir=${folder}`, '-cp', `${jars}/*`, 'kafka.Kafka', conf],
      log: join(folder, `n${i}.log`),
      ready: (said) => said.includes('Kafka Server started'),
      patience,
      signal,
    })
  }
  const started = await Promise.allSettled(places.map((_, i) => start(i)))
  const jvms = started.flatMap((s) => (s.status === 'fulfilled' ? [s.value] : []))
  const failure = started.find((s) => s.status === 'rejected')
  if (failure) {
    await Promise.all(jvms.map((jvm) => jvm.stop(0)))
    throw failure.reason
  }
  const { promise: failed, resolve: fail } = Promise.withResolvers<TickloomError>()
  for (const jvm of jvms) void jvm.failed.then(fail)
  return {
    failed,
    brokers: places.map(({ port }) => `127.0.0.1:${port}`),
    pids: () => jvms.map(({ pid }) => pid),
    kill: (broker) => jvms[broker].stop(0),
    async restart(broker) {
      jvms[broker] = await start(broker)
      void jvms[broker].failed.then(fail)
    },
    async stop(grace = 5000) {
      await Promise.all(jvms.map((jvm) => jvm.stop(grace)))
    },
  }
}

async function placesOf(brokers: number, basePort: number | undefined): Promise<Broker[]> {
  const numbers = Array.from({ length: brokers }, (_, i) => i)
  if (basePort === undefined) {
    const ports = await freePorts(2 * brokers)
    return numbers.map((i) => ({ port: ports[2 * i], controller: ports[2 * i + 1] }))
  }
  const places = numbers.map((i) => ({ port: basePort + 10 * i, controller: basePort + 10 * i + 1 }))
  await requireFree(places.flatMap(({ port, controller }) => [port, controller]))
  return places
}

/** The cluster's id, made the first time. A quorum cannot be resized by starting it with another number of brokers. */
function clusterId(folder: string, brokers: number): string {
  const file = join(folder, 'cluster.json')
  if (!existsSync(file)) writeFileSync(file, JSON.stringify({ id: randomBytes(16).toString('base64url'), brokers }))
  const kept = JSON.parse(readFileSync(file, 'utf8')) as { id: string; brokers: number }
  if (kept.brokers !== brokers)
    throw new TickloomError('OPTION_INVALID', `the data was made by a cluster of ${kept.brokers}, not ${brokers}`, {
      option: 'brokers',
      data: folder,
    })
  return kept.id
}

function settings(folder: string, places: readonly Broker[], i: number, own: Readonly<Record<string, string>> = {}): string {
  const { port, controller } = places[i]
  const copies = places.length < 3 ? 1 : 3
  const agreeing = copies === 1 ? 1 : 2
  const lines: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': i + 1,
    'controller.quorum.voters': places.map((place, at) => `${at + 1}@127.0.0.1:${place.controller}`).join(','),
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(folder, `n${i}`),
    'num.network.threads': 2,
    'num.io.threads': 2,
    'default.replication.factor': copies,
    'min.insync.replicas': agreeing,
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': agreeing,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': agreeing,
    'share.coordinator.state.topic.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': false,
    'log.cleaner.dedupe.buffer.size': 4_194_304,
    'log.segment.bytes': 67_108_864,
    // A broker that comes back waits until its former life has lost its session: 9 s by default.
    'broker.session.timeout.ms': 2000,
    'broker.heartbeat.interval.ms': 500,
  }
  return Object.entries({ ...lines, ...own })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
