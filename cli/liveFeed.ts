import { appendFileSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { clickhouseDestination } from '../connectors/clickhouse/sink.ts'
import type { Feed, Gap } from '../connectors/feeds/feed.ts'
import { feedSource } from '../connectors/feeds/source.ts'
import { parquetDestination } from '../connectors/parquet/sink.ts'
import { Instruments } from '../core/instruments.ts'
import { type Params, resolveParameters } from '../core/parameters.ts'
import type { Destination } from '../core/ports.ts'
import { formatTime, UTC } from '../core/time.ts'
import type { Topology } from '../core/topology.ts'
import { exposeMetrics, RunMetrics } from '../runtime/metrics.ts'
import { runPartition } from '../runtime/runPartition.ts'
import { endWithin, onShutdown } from '../runtime/shutdown.ts'
import type { EpochSummary } from '../runtime/summaries.ts'
import { fromTicks } from '../topologies/seconds/fromTicks.ts'
import { type Exchange, openExchange } from './exchange.ts'
import { gapLine } from './feedExchange.ts'
import type { LiveFlags, LiveSummary } from './liveOptions.ts'
import { LiveReport } from './liveReport.ts'
import { loadTopology } from './loadTopology.ts'
import { onlyOutputs, wantedOutputs } from './outputs.ts'
import { ReplayDatabase } from './replayDatabase.ts'
import { claimRun, type Identity } from './replayIdentity.ts'
import { TrackerHealth } from './trackerHealth.ts'

/** Milliseconds after SIGTERM in which what came must be written. */
const GRACE = 9_000

/**
 * Runs a topology on what an exchange sends, in this process, until SIGINT or SIGTERM, or the feed fails, which it throws;
 * what came until then is written.
 * A feed cannot be read again, so every start is a partition of its own with steps that remember nothing.
 */
export async function liveFeed(exchange: Exchange, flags: LiveFlags): Promise<LiveSummary> {
  const topology = fromTicks(await loadTopology(flags.topology))
  const params = resolveParameters(topology, flags.param, flags.preset)
  return new FeedProcess(exchange, flags, topology, params).run()
}

class FeedProcess {
  readonly #exchange: Exchange
  readonly #flags: LiveFlags
  readonly #topology: Topology
  readonly #params: Params
  readonly #run: string
  readonly #folder: string
  readonly #partition: string
  readonly #instruments = new Instruments()
  readonly #metrics: RunMetrics
  readonly #report: LiveReport
  readonly #health: TrackerHealth
  #reached = { rowsIn: 0, eventTime: -Infinity }
  #epoch: EpochSummary | undefined
  #database: ReplayDatabase | undefined
  #gaps: Promise<void> = Promise.resolve()

  constructor(exchange: Exchange, flags: LiveFlags, topology: Topology, params: Params) {
    this.#exchange = exchange
    this.#flags = flags
    this.#topology = topology
    this.#params = params
    this.#run = flags.run ?? `${topology.name}-${exchange}`
    this.#folder = resolve(flags.out ?? join('.tickloom', 'runs', this.#run))
    this.#partition = `${exchange}-${formatTime(Math.floor(Date.now() / 1000) * 1_000_000, UTC).replace(/\D/g, '')}`
    this.#metrics = new RunMetrics({ topology: `${topology.name}@${topology.version}`, run: this.#run })
    this.#report = new LiveReport(flags.quiet ?? false, () => ({ ...this.#reached, partitions: 1 }))
    this.#health = new TrackerHealth({ silence: flags.silence / 1_000_000, stores: () => [], others: () => [] })
  }

  async run(): Promise<LiveSummary> {
    const { http, httpHost } = this.#flags
    const shutdown = onShutdown('stopping; what came is written. Once more ends it at once.', (message) => this.#report.say('info', message))
    const hurry = endWithin(shutdown.signal, GRACE, (message) => this.#report.say('error', `${message}; what is not written is lost`))
    try {
      const feed = await openExchange(this.#exchange, this.#flags, this.#instruments, (message) => this.#report.say('warn', message))
      const ready = () => ({
        status: this.#reached.rowsIn > 0 ? 200 : 503,
        type: 'text/plain',
        text: this.#reached.rowsIn > 0 ? 'ok\n' : 'no row came yet\n',
      })
      const routes = { '/healthz': () => this.#health.healthz(), '/readyz': ready }
      const served = http === undefined ? undefined : await exposeMetrics(this.#metrics, http, httpHost, routes)
      if (served) this.#report.say('info', `metrics and health at ${served.url}`)
      const listening = setInterval(() => this.#health.heard(feed.counts()['messages'] ?? 0), 500)
      try {
        await this.#work(feed, shutdown.signal)
      } finally {
        clearInterval(listening)
        await served?.close()
      }
    } finally {
      hurry.stop()
      this.#report.stop()
      shutdown.release()
    }
    return this.#summary()
  }

  async #work(feed: Feed, stop: AbortSignal): Promise<void> {
    const columns = Object.values(this.#topology.inputs)[0]
    let failure: { readonly thrown: unknown } | undefined
    const source = feedSource({
      feed,
      columns,
      partition: this.#partition,
      stop,
      onGap: (gap) => this.#gap(gap),
      onFailure: (thrown) => {
        failure = { thrown }
      },
    })
    const destinations = await this.#destinations()
    try {
      await runPartition(
        {
          topology: this.#topology,
          params: this.#params,
          run: this.#run,
          instruments: this.#instruments,
          destinations,
          epochLength: this.#flags.epoch,
          source,
          checkpoints: undefined,
          resume: false,
        },
        this.#partition,
        {
          // Stopped by the end of the feed, so that what came is written.
          signal: new AbortController().signal,
          onProgress: (rowsIn, eventTime) => {
            this.#reached = { rowsIn, eventTime }
            this.#metrics.progress(rowsIn, eventTime)
          },
          onEpoch: (epoch) => {
            this.#epoch = epoch
            this.#metrics.partition(epoch)
          },
        },
      )
      await this.#gaps
      const failed = failure as { readonly thrown: unknown } | undefined
      if (failed !== undefined) throw failed.thrown
      await this.#database?.finish(this.#summary())
    } finally {
      for (const destination of destinations) await destination.close()
      await this.#database?.close()
    }
  }

  async #destinations(): Promise<Destination[]> {
    const { out, clickhouse, database, outputs, epoch } = this.#flags
    const lake = `feed:${this.#exchange}`
    const identity: Identity = {
      topology: `${this.#topology.name}@${this.#topology.version}`,
      parameters: this.#params,
      lake,
      epoch,
      outputs: outputs === undefined ? null : [...outputs].sort(),
    }
    const wanted = wantedOutputs(this.#topology, outputs, '--outputs')
    const found: Destination[] = []
    if (out !== undefined || clickhouse !== undefined) claimRun(this.#folder, this.#run, identity)
    if (out !== undefined) found.push(parquetDestination({ dir: this.#folder, run: this.#run }))
    if (clickhouse !== undefined) {
      this.#database = new ReplayDatabase({ clickhouse, database })
      await this.#database.begin(this.#topology, this.#run, { lake }, identity)
      found.push(clickhouseDestination({ committer: this.#database.committer, live: true, staging: join(this.#folder, 'staging') }))
    }
    return found.map((destination) => onlyOutputs(destination, wanted))
  }

  /** Rows of gaps are written one after the other; one that cannot be is logged, and the run goes on. */
  #gap(gap: Gap): void {
    this.#health.gap(gap)
    const { connection, reason, from } = gap
    const to = Number.isNaN(gap.to) ? undefined : gap.to
    const partition = `${this.#partition}.${connection}`
    const instruments = gap.instruments.map((id) => this.#instruments.name(id)).sort()
    this.#report.say('warn', gapLine(gap), { connection, reason, instruments: instruments.length })
    this.#gaps = this.#gaps
      .then(async () => {
        await this.#database?.recordGap({ partition, from, to, instruments })
        if (this.#flags.out === undefined) return
        mkdirSync(this.#folder, { recursive: true })
        appendFileSync(join(this.#folder, 'gaps.jsonl'), `${JSON.stringify({ partition, from, to: to ?? null, instruments, reason })}\n`)
      })
      .catch((thrown: unknown) => this.#report.say('error', `the gap of connection ${connection} could not be written: ${String(thrown)}`))
  }

  #summary(): LiveSummary {
    const { counts = {}, rowsOut = {} } = this.#epoch ?? {}
    return {
      run: this.#run,
      topology: `${this.#topology.name}@${this.#topology.version}`,
      topic: this.#exchange,
      group: '',
      partitions: [this.#partition],
      rowsIn: this.#reached.rowsIn,
      dropped: counts,
      outputs: rowsOut,
      rejected: {},
      seconds: this.#report.seconds,
    }
  }
}
