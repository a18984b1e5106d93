import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import kafkajs from 'kafkajs'
import { RecordDecoder } from '../connectors/avro/decoder.ts'
import { embeddedSchemas } from '../connectors/avro/embedded.ts'
import { readKafkaConfig } from '../connectors/kafka/config.ts'
import { Deliveries } from '../connectors/kafka/deliveries.ts'
import type { GroupReader, KafkaDriver, RecordBatch } from '../connectors/kafka/driver.ts'
import { liveLog } from '../connectors/kafka/liveLog.ts'
import { openDriver } from '../connectors/kafka/openDriver.ts'
import { checkpointTopic, deadLetterTopic, ensureTopics, planTopics } from '../connectors/kafka/topics.ts'
import { parquetDestination } from '../connectors/parquet/sink.ts'
import { Instruments } from '../core/instruments.ts'
import { Trade } from '../core/market.ts'
import { resolveParameters } from '../core/parameters.ts'
import type { Destination } from '../core/ports.ts'
import { SECOND } from '../core/time.ts'
import type { Topology } from '../core/topology.ts'
import { runLive } from '../runtime/live.ts'
import type { LiveEvent } from '../runtime/liveEvents.ts'
import volumeBurst from '../topologies/volume-burst/graph.ts'

// One reading of a filled topic, in a process of its own so that each warms its own compiler: prints one line of JSON.
//
//     bare     kafkajs' own eachBatch, counting
//     fetch    our driver's records, counting
//     decode   the same, decoded into columns
//     live     the whole path: group, decode, graph, epochs with checkpoints, signals published; rows thrown away
//     parquet  the same, with every output written to Parquet

export type ReadingKind = 'bare' | 'fetch' | 'decode' | 'live' | 'parquet'

export interface ReadingTask {
  readonly kind: ReadingKind
  readonly brokers: string
  readonly driver: 'kafkajs' | 'platformatic'
  readonly topic: string
  readonly partitions: number
  readonly ticks: number
  readonly records: number
  readonly group: string
}

/** Seconds are from the arrival of the first records to the last tick's leaving the path. */
export interface ReadingResult {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakMemoryMb: number
  readonly epochs?: number
  readonly signals?: number
  readonly checkpointMb?: number
  /** Milliseconds: from the end of the flushes of an epoch to its commit. */
  readonly commit?: { readonly median: number; readonly p99: number }
  /** Milliseconds that the event loop was busy at once. */
  readonly loop?: { readonly p99: number; readonly max: number }
  readonly steps?: Readonly<Record<string, number>>
}

const FETCH = 4 << 20
const task = JSON.parse(process.argv[2]) as ReadingTask

class Clock {
  #start = 0
  #cpu = process.cpuUsage()

  start(): void {
    if (this.#start > 0) return
    this.#start = performance.now()
    this.#cpu = process.cpuUsage()
  }

  stop(more: Partial<ReadingResult> = {}): ReadingResult {
    const { user, system } = process.cpuUsage(this.#cpu)
    return {
      seconds: (performance.now() - this.#start) / 1000,
      cpuSeconds: (user + system) / 1e6,
      peakMemoryMb: process.resourceUsage().maxRSS / 1024,
      ...more,
    }
  }
}

async function bare(clock: Clock): Promise<ReadingResult> {
  const kafka = new kafkajs.Kafka({ brokers: task.brokers.split(','), logLevel: kafkajs.logLevel.NOTHING })
  const consumer = kafka.consumer({
    groupId: task.group,
    maxBytesPerPartition: FETCH,
    maxBytes: FETCH * Math.min(task.partitions, 4),
    maxWaitTimeInMs: 100,
  })
  await consumer.connect()
  await consumer.subscribe({ topic: task.topic, fromBeginning: true })
  let count = 0
  const result = await new Promise<ReadingResult>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          clock.start()
          count += batch.messages.length
          if (count >= task.records) resolve(clock.stop())
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return result
}

/** Joins and hands over what comes; `done` when all is there. */
async function driven(driver: KafkaDriver, clock: Clock, take: (batch: RecordBatch, reader: GroupReader) => void): Promise<void> {
  let count = 0
  const all = Promise.withResolvers<void>()
  const reader: GroupReader = await driver.join({
    group: task.group,
    topic: task.topic,
    member: {
      onAssigned: (partitions) => {
        for (const partition of partitions) reader.seek(partition, 0)
      },
      onRecords: (batch) => {
        clock.start()
        take(batch, reader)
        count += batch.n
        if (count >= task.records) all.resolve()
      },
    },
  })
  reader.ended.catch(all.reject)
  await all.promise
  void reader.leave()
}

async function fetchOnly(driver: KafkaDriver, clock: Clock): Promise<ReadingResult> {
  await driven(driver, clock, () => {})
  return clock.stop()
}

async function decodeOnly(driver: KafkaDriver, clock: Clock): Promise<ReadingResult> {
  const instruments = new Instruments()
  const decoder = new RecordDecoder({ columns: Trade, instruments, schemas: embeddedSchemas() })
  const deliveries = new Deliveries({
    schema: Trade,
    decoder,
    instruments,
    skip: 0,
    reject: (_, i, reason) => {
      throw new Error(`record ${i}: ${reason}`)
    },
  })
  let rows = 0
  let last: Promise<void> = Promise.resolve()
  await driven(driver, clock, (batch) => {
    last = last.then(async () => {
      for await (const delivery of deliveries.of(batch)) rows += delivery.batch.n
    })
  })
  await last
  if (rows !== task.ticks) throw new Error(`${rows} rows of ${task.ticks} ticks`)
  return clock.stop()
}

const discard: Destination = {
  name: 'nowhere',
  open: async () => ({ write: () => {}, flush: async () => ({ rows: 0, bytes: 0 }), close: async () => {} }),
  close: async () => {},
}

/** The driver as it is, telling when records arrive for the first time. */
function timed(driver: KafkaDriver, clock: Clock): KafkaDriver {
  return {
    name: driver.name,
    join: ({ member, ...where }) =>
      driver.join({
        ...where,
        member: {
          onAssigned: (partitions) => member.onAssigned(partitions),
          onRecords: (batch) => {
            clock.start()
            member.onRecords(batch)
          },
        },
      }),
    producer: () => driver.producer(),
    transactional: (options) => driver.transactional(options),
    admin: () => driver.admin(),
    reader: () => driver.reader(),
    close: () => driver.close(),
  }
}

async function whole(driver: KafkaDriver, clock: Clock, destination: Destination): Promise<ReadingResult> {
  const topology = volumeBurst as unknown as Topology
  const { topic, group, partitions } = task
  const outputs = { names: ['signals'], prefix: `${group}.` }
  const admin = await driver.admin()
  await ensureTopics(admin, planTopics({ input: topic, group, partitions, outputs: outputs.names, prefix: outputs.prefix }))
  await admin.close()
  const instruments = new Instruments()
  const log = liveLog({
    driver: timed(driver, clock),
    group,
    topic,
    topics: { checkpoints: checkpointTopic(group), deadLetters: deadLetterTopic(topic) },
    outputs,
    columns: Trade,
    instruments,
    schemas: embeddedSchemas(),
    onReject: (partition, reason) => {
      throw new Error(`partition ${partition}: ${reason}`)
    },
  })
  const stop = new AbortController()
  const rows = new Map<string, number>()
  const commits: number[] = []
  let checkpointBytes = 0
  const signals = new Map<string, number>()
  const steps: Record<string, number> = {}
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  let result: ReadingResult | undefined
  const onEvent = (event: LiveEvent): void => {
    if (event.type === 'failed') throw event.failure
    if (event.type !== 'saved') return
    commits.push(event.took)
    checkpointBytes += event.bytes
  }
  await runLive(
    {
      topology,
      params: resolveParameters(topology, [], 'j1'),
      run: 'bench',
      instruments,
      destinations: [destination],
      epochLength: 10 * SECOND,
      log,
      silence: 60_000,
    },
    {
      signal: stop.signal,
      onEvent,
      onEpoch: (epoch) => {
        signals.set(epoch.partition, epoch.rowsOut['signals'])
        for (const step of epoch.steps) steps[step.id] = step.micros
      },
      onProgress: (partition, rowsIn) => {
        rows.set(partition, rowsIn)
        if (result !== undefined || [...rows.values()].reduce((sum, n) => sum + n, 0) < task.ticks) return
        commits.sort((a, b) => a - b)
        result = clock.stop({
          epochs: commits.length,
          signals: [...signals.values()].reduce((sum, n) => sum + n, 0),
          checkpointMb: checkpointBytes / 1e6,
          commit: { median: commits[commits.length >> 1] ?? 0, p99: commits[Math.floor(commits.length * 0.99)] ?? 0 },
          loop: { p99: loop.percentile(99) / 1e6, max: loop.max / 1e6 },
          steps,
        })
        stop.abort()
      },
    },
  )
  await log.close()
  return result as ReadingResult
}

async function read(): Promise<ReadingResult> {
  const clock = new Clock()
  if (task.kind === 'bare') return bare(clock)
  const driver = await openDriver(readKafkaConfig({ flags: { brokers: task.brokers, driver: task.driver } }))
  const folder = mkdtempSync(join(tmpdir(), 'tickloom-bench-live-'))
  try {
    if (task.kind === 'fetch') return await fetchOnly(driver, clock)
    if (task.kind === 'decode') return await decodeOnly(driver, clock)
    return await whole(driver, clock, task.kind === 'live' ? discard : parquetDestination({ dir: folder }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
    await driver.close()
  }
}

process.stdout.write(`${JSON.stringify(await read())}\n`)
