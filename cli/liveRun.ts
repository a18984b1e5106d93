import { appendFileSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { clickhouseDestination } from '../connectors/clickhouse/sink.ts'
import type { KafkaDriver } from '../connectors/kafka/driver.ts'
import { liveLog } from '../connectors/kafka/liveLog.ts'
import { checkpointTopic, deadLetterTopic, ensureTopics, planTopics } from '../connectors/kafka/topics.ts'
import { RECORDED } from '../connectors/parquet/recording.ts'
import { recordingDestination } from '../connectors/parquet/recordingSink.ts'
import { parquetDestination } from '../connectors/parquet/sink.ts'
import { TickloomError } from '../core/errors.ts'
import { Instruments } from '../core/instruments.ts'
import { type Params, resolveParameters } from '../core/parameters.ts'
import type { Destination } from '../core/ports.ts'
import type { Topology } from '../core/topology.ts'
import { Health } from '../runtime/health.ts'
import { runLive } from '../runtime/live.ts'
import type { Gap, LiveEvent } from '../runtime/liveEvents.ts'
import { LiveMetrics } from '../runtime/liveMetrics.ts'
import { exposeMetrics, RunMetrics } from '../runtime/metrics.ts'
import { endWithin, onShutdown } from '../runtime/shutdown.ts'
import type { EpochSummary } from '../runtime/summaries.ts'
import { fromTicks } from '../topologies/seconds/fromTicks.ts'
import { openKafka, schemasOf } from './kafkaFlags.ts'
import type { LiveFlags, LiveSummary } from './liveOptions.ts'
import { LiveReport } from './liveReport.ts'
import { loadTopology } from './loadTopology.ts'
import { onlyOutputs, wantedOutputs } from './outputs.ts'
import { ReplayDatabase } from './replayDatabase.ts'
import { claimRun, type Identity } from './replayIdentity.ts'

/** Milliseconds after SIGTERM in which the open commits must have ended; what has not is done again by whoever comes next. */
const GRACE = 9_000

/** Runs a topology on a topic until SIGINT or SIGTERM. Throws what the parts throw; what was committed is kept. */
export async function live(flags: LiveFlags): Promise<LiveSummary> {
  const topology = fromTicks(await loadTopology(flags.topology))
  const params = resolveParameters(topology, flags.param, flags.preset)
  const driver = await openKafka(flags)
  try {
    return await new LiveProcess(flags, topology, params, driver).run()
  } finally {
    await driver.close()
  }
}

class LiveProcess {
  readonly #flags: LiveFlags
  readonly #topology: Topology
  readonly #params: Params
  readonly #driver: KafkaDriver
  readonly #topic: string
  readonly #group: string
  readonly #run: string
  readonly #folder: string
  readonly #metrics: RunMetrics
  readonly #liveMetrics: LiveMetrics
  readonly #health = new Health()
  readonly #report: LiveReport
  readonly #epochs = new Map<string, EpochSummary>()
  readonly #reached = new Map<string, { rowsIn: number; eventTime: number }>()
  readonly #rejected: Record<string, number> = {}
  #partitions: readonly string[] = []
  #database: ReplayDatabase | undefined
  #gaps: Promise<void> = Promise.resolve()

  constructor(flags: LiveFlags, topology: Topology, params: Params, driver: KafkaDriver) {
    this.#flags = flags
    this.#topology = topology
    this.#params = params
    this.#driver = driver
    this.#topic = flags.topics[0]
    this.#group = flags.group ?? `tickloom-${topology.name}`
    this.#run = flags.run ?? this.#group
    this.#folder = resolve(flags.out ?? join('.tickloom', 'runs', this.#run))
    this.#metrics = new RunMetrics({ topology: `${topology.name}@${topology.version}`, run: this.#run })
    this.#liveMetrics = new LiveMetrics(this.#metrics.registry)
    this.#report = new LiveReport(flags.quiet ?? false, () => ({ ...this.#totals(), partitions: this.#partitions.length }))
  }

  async run(): Promise<LiveSummary> {
    const { http, httpHost } = this.#flags
    const shutdown = onShutdown(undefined, (message) => this.#report.say('info', message))
    const hurry = endWithin(shutdown.signal, GRACE, (message) =>
      this.#report.say('error', `${message}; what is not committed is done again by whoever comes next`),
    )
    try {
      const served =
        http === undefined
          ? undefined
          : await exposeMetrics(this.#metrics, http, httpHost, { '/healthz': () => this.#health.healthz(), '/readyz': () => this.#health.readyz() })
      if (served) this.#report.say('info', `metrics and health at ${served.url}`)
      try {
        await this.#work(shutdown.signal)
      } finally {
        await served?.close()
      }
    } finally {
      hurry.stop()
      this.#report.stop()
      shutdown.release()
    }
    return this.#summary()
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { clickhouse, out, lake } = this.#flags
    const published = this.#flags.publish === undefined ? [] : wantedOutputs(this.#topology, this.#flags.publish, '--publish')
    const prefix = this.#flags.prefix ?? `${this.#topic}.`
    await this.#prepareTopics(published, prefix)
    const schemas = await schemasOf(this.#flags, (message) => this.#report.say('info', message))
    const identity = this.#identity()
    if (out !== undefined || clickhouse !== undefined) claimRun(this.#folder, this.#run, identity)
    // Whatever the group: files are named by epochs, so epochs of another length would take the place of those there are.
    if (lake !== undefined) claimRun(join(lake, RECORDED), 'recording', identity)
    const instruments = new Instruments()
    const log = liveLog({
      driver: this.#driver,
      group: this.#group,
      topic: this.#topic,
      topics: { checkpoints: checkpointTopic(this.#group), deadLetters: deadLetterTopic(this.#topic) },
      outputs: { names: published, prefix },
      columns: Object.values(this.#topology.inputs)[0],
      instruments,
      schemas,
      onReject: (_, reason) => {
        this.#rejected[reason] = (this.#rejected[reason] ?? 0) + 1
        this.#liveMetrics.rejected(reason)
      },
    })
    const destinations = await this.#destinations(identity)
    try {
      await runLive(
        {
          topology: this.#topology,
          params: this.#params,
          run: this.#run,
          instruments,
          destinations,
          epochLength: this.#flags.epoch,
          log,
          silence: this.#flags.silence / 1000,
          resetState: this.#flags.resetState,
        },
        {
          signal,
          onEvent: (event) => this.#event(event),
          onEpoch: (epoch) => {
            this.#epochs.set(epoch.partition, epoch)
            this.#metrics.partition(epoch)
          },
          onProgress: (partition, rowsIn, eventTime) => {
            this.#reached.set(partition, { rowsIn, eventTime })
            this.#liveMetrics.reached(partition, eventTime)
            const totals = this.#totals()
            this.#metrics.progress(totals.rowsIn, totals.eventTime)
          },
        },
      )
      await this.#gaps
      await this.#database?.finish(this.#summary())
    } finally {
      for (const destination of destinations) await destination.close()
      await log.close()
      await this.#database?.close()
    }
  }

  /** The topics that only this run uses are made when they are missing; the input is somebody else's. */
  async #prepareTopics(outputs: readonly string[], prefix: string): Promise<void> {
    const admin = await this.#driver.admin()
    try {
      const partitions = (await admin.partitions(this.#topic)) ?? (this.#flags.create ? 1 : undefined)
      if (partitions === undefined)
        throw new TickloomError('KAFKA_TOPIC', `there is no topic ${this.#topic}; --create makes it with one partition`, { topic: this.#topic })
      const made = await ensureTopics(admin, planTopics({ input: this.#topic, group: this.#group, partitions, outputs, prefix }))
      if (made.length > 0) this.#report.say('info', `made the topics ${made.join(', ')}`)
    } finally {
      await admin.close()
    }
  }

  #identity(): Identity {
    const { epoch, outputs, publish } = this.#flags
    return {
      topology: `${this.#topology.name}@${this.#topology.version}`,
      parameters: this.#params,
      lake: `kafka:${this.#topic}`,
      epoch,
      outputs: outputs === undefined ? null : [...outputs].sort(),
      publish: publish === undefined ? null : [...publish].sort(),
    }
  }

  async #destinations(identity: Identity): Promise<Destination[]> {
    const { out, clickhouse, database, outputs, lake } = this.#flags
    const found: Destination[] = []
    if (lake !== undefined) found.push(recordingDestination({ lake }))
    if (out !== undefined) found.push(parquetDestination({ dir: this.#folder, run: this.#run }))
    if (clickhouse !== undefined) {
      this.#database = new ReplayDatabase({ clickhouse, database })
      await this.#database.begin(this.#topology, this.#run, { lake: `kafka:${this.#topic}` }, identity)
      found.push(clickhouseDestination({ committer: this.#database.committer, live: true, staging: join(this.#folder, 'staging') }))
    }
    const wanted = wantedOutputs(this.#topology, outputs, '--outputs')
    return found.map((destination) => onlyOutputs(destination, wanted))
  }

  #event(event: LiveEvent): void {
    this.#report.event(event)
    this.#health.take(event)
    this.#liveMetrics.take(event)
    if (event.type === 'assigned') {
      this.#partitions = event.partitions
      for (const partition of this.#reached.keys()) if (!event.partitions.includes(partition)) this.#reached.delete(partition)
    }
    if (event.type === 'silent' || event.type === 'heard') this.#keepGap(event.gap)
  }

  /** Rows of gaps are written one after the other; one that cannot be is logged, and the run goes on. */
  #keepGap({ partition, from, to, instruments }: Gap): void {
    if (!Number.isFinite(from)) return
    this.#gaps = this.#gaps
      .then(async () => {
        await this.#database?.recordGap({ partition, from, to, instruments })
        if (this.#flags.out === undefined) return
        mkdirSync(this.#folder, { recursive: true })
        appendFileSync(join(this.#folder, 'gaps.jsonl'), `${JSON.stringify({ partition, from, to: to ?? null, instruments })}\n`)
      })
      .catch((thrown: unknown) => this.#report.say('error', `the gap of partition ${partition} could not be written: ${String(thrown)}`))
  }

  #totals(): { rowsIn: number; eventTime: number } {
    let [rowsIn, eventTime] = [0, -Infinity]
    for (const reached of this.#reached.values()) {
      rowsIn += reached.rowsIn
      if (reached.eventTime > eventTime) eventTime = reached.eventTime
    }
    return { rowsIn, eventTime }
  }

  #summary(): LiveSummary {
    const [dropped, outputs]: Record<string, number>[] = [{}, {}]
    const add = (to: Record<string, number>, from: Readonly<Record<string, number>>): void => {
      for (const [name, n] of Object.entries(from)) to[name] = (to[name] ?? 0) + n
    }
    let rowsIn = 0
    for (const epoch of this.#epochs.values()) {
      rowsIn += epoch.rowsIn
      add(dropped, epoch.counts)
      add(outputs, epoch.rowsOut)
    }
    return {
      run: this.#run,
      topology: `${this.#topology.name}@${this.#topology.version}`,
      topic: this.#topic,
      group: this.#group,
      partitions: [...this.#epochs.keys()].sort(),
      rowsIn,
      dropped,
      outputs,
      rejected: this.#rejected,
      seconds: this.#report.seconds,
    }
  }
}
