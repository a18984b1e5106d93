import { setPriority } from 'node:os'
import { BybitFeed } from '../connectors/feeds/bybit/feed.ts'
import { type ConflatedFeed, conflate } from '../connectors/feeds/conflate.ts'
import type { Gap } from '../connectors/feeds/feed.ts'
import { feedSource } from '../connectors/feeds/source.ts'
import { messageOf } from '../core/errors.ts'
import { Instruments, nameOf } from '../core/instruments.ts'
import { resolveParameters } from '../core/parameters.ts'
import { SECOND } from '../core/time.ts'
import { parseBybitSymbol } from '../markets/bybit/symbols.ts'
import { type Exposed, serveHttp } from '../runtime/http.ts'
import { runPartition } from '../runtime/runPartition.ts'
import { endWithin, onShutdown } from '../runtime/shutdown.ts'
import type { SteadyDestination } from '../runtime/steadySink.ts'
import { defaults, type TrackerParams, wiring } from '../topologies/options-tracker/wiring.ts'
import { type TrackerExtra, trackerExtras } from './trackerExtras.ts'
import { exposition, statsLine, type TrackerFigures } from './trackerFigures.ts'
import { TrackerHealth } from './trackerHealth.ts'
import { TrackerLog } from './trackerLog.ts'
import type { TrackerSettings } from './trackerSettings.ts'
import { trackerStores } from './trackerStores.ts'

/**
 * Milliseconds: quotes are gathered for so long before they are looked at, as each look costs; changed ones wait so long for
 * `batch_size` others; and so often time goes on where nothing comes.
 */
const [GATHER, LINGER, BEAT] = [100, 150, 250]

/** What a tracker did until it was stopped. */
export interface TrackerSummary {
  readonly seconds: number
  readonly symbols: number
  readonly received: number
  readonly conflated: number
  readonly dropped: number
  readonly written: Readonly<Record<string, number>>
  readonly gaps: number
}

/** Tracks options until SIGINT or SIGTERM. Throws what the parts throw; what came until then is written first where that is possible. */
export async function track(
  settings: TrackerSettings,
  given: { readonly param: readonly string[]; readonly quiet: boolean },
): Promise<TrackerSummary> {
  const rules = settings.rules === undefined ? [] : (await import('./trackerRules.ts')).readRules(settings.rules)
  const params = { ...(await parameters(given.param)), rules }
  const log = new TrackerLog(given.quiet ? 'error' : settings.log_level)
  renice(settings.priority, log)
  return new Tracker(settings, params, log, given.quiet).run()
}

/** What describes them is loaded only where one is set. */
async function parameters(given: readonly string[]): Promise<TrackerParams> {
  if (given.length === 0) return defaults
  const { default: topology } = await import('../topologies/options-tracker/graph.ts')
  return resolveParameters(topology, given) as unknown as TrackerParams
}

/** A smaller number needs privileges; without them it goes on as it is. */
function renice(priority: number, log: TrackerLog): void {
  try {
    setPriority(priority)
  } catch (thrown) {
    log.say('warn', `the priority stays as it is: ${messageOf(thrown)}`, { priority })
  }
}

/** All of them at once; throws what the first of those threw that failed. */
async function closed(all: readonly { close(): Promise<void> }[]): Promise<void> {
  const ends = await Promise.allSettled(all.map((one) => one.close()))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

class Tracker {
  readonly #settings: TrackerSettings
  readonly #params: TrackerParams
  readonly #log: TrackerLog
  readonly #quiet: boolean
  readonly #instruments = new Instruments()
  readonly #feed: ConflatedFeed<typeof BybitFeed.prototype.columns>
  readonly #health: TrackerHealth
  readonly #started = performance.now()
  #stores: SteadyDestination[] = []
  #extras: TrackerExtra[] = []
  #before = { received: 0, at: performance.now() }

  constructor(settings: TrackerSettings, params: TrackerParams, log: TrackerLog, quiet: boolean) {
    this.#settings = settings
    this.#params = params
    this.#log = log
    this.#quiet = quiet
    this.#feed = this.#quotes()
    this.#health = new TrackerHealth({
      silence: settings.silence,
      stores: () => this.#stores.map((store) => store.state()),
      others: () => this.#extras.flatMap((extra) => extra.troubles?.() ?? []),
    })
  }

  async run(): Promise<TrackerSummary> {
    const shutdown = onShutdown('stopping; what came is written. Once more ends it at once.', (message) => this.#log.say('warn', message))
    const hurry = endWithin(shutdown.signal, this.#settings.grace * 1000, (message) =>
      this.#log.say('error', `${message}; what is not written is lost`),
    )
    let served: Exposed | undefined
    try {
      this.#stores = await trackerStores(this.#settings, this.#log)
      this.#extras = await trackerExtras(this.#settings, this.#log, {
        rules: this.#params.rules,
        status: () => ({ gaps: this.#health.gaps, dropped: this.#feed.rowCounts().dropped }),
      })
      served = await this.#serve()
      await this.#track(shutdown.signal)
    } finally {
      try {
        await closed([...this.#stores, ...this.#extras, ...(served === undefined ? [] : [served])])
      } finally {
        hurry.stop()
        shutdown.release()
      }
    }
    return this.#summary()
  }

  async #track(stop: AbortSignal): Promise<void> {
    const { batch_timeout: batch, stats_interval: stats, silence } = this.#settings
    const source = feedSource({
      feed: this.#feed,
      columns: wiring.inputs.ticks,
      stop,
      time: { allowance: 0 },
      onGap: (gap) => this.#gap(gap),
    })
    const others = this.#extras.flatMap(({ destination }) => (destination === undefined ? [] : [destination]))
    const timers = [
      setInterval(() => this.#tell(), stats * 1000),
      setInterval(() => this.#health.heard(this.#feed.counts()['messages'] ?? 0), Math.min(1000, silence * 250)),
    ]
    try {
      await runPartition(
        {
          topology: wiring,
          params: this.#params,
          run: 'tracker',
          instruments: this.#instruments,
          destinations: [...this.#stores, ...others],
          epochLength: batch * SECOND,
          source,
          checkpoints: undefined,
          resume: false,
        },
        'feed',
        // Stopped by the end of the feed, so that what came is written.
        { signal: new AbortController().signal },
      )
    } finally {
      for (const timer of timers) clearInterval(timer)
    }
  }

  #quotes(): ConflatedFeed<typeof BybitFeed.prototype.columns> {
    const { coins, rest, stream, symbols_file, refresh, subscription_chunk_size: chunk, max_queue_size: size, batch_size: enough } = this.#settings
    const feed = new BybitFeed({
      coins,
      instruments: this.#instruments,
      nameOf: (symbol) => nameOf(parseBybitSymbol(symbol)),
      rest,
      stream,
      listingFile: symbols_file,
      refresh: refresh * 1000,
      chunk,
      session: { linger: GATHER },
      say: (message) => this.#log.say('warn', message),
    })
    return conflate(feed, { size, enough, linger: LINGER, beat: BEAT })
  }

  async #serve(): Promise<Exposed | undefined> {
    const { http, http_host: host } = this.#settings
    if (http === undefined) return undefined
    const routes = Object.assign({}, ...this.#extras.map((extra) => extra.routes ?? {}))
    const metrics = () => ({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', text: exposition(this.#figures()) })
    const served = await serveHttp({ '/metrics': metrics, '/healthz': () => this.#health.healthz(), ...routes }, http, host)
    this.#log.say('info', `metrics and health at ${served.url}${this.#settings.ui ? `, the page at ${new URL('/chain', served.url).href}` : ''}`)
    return served
  }

  #gap(gap: Gap): void {
    this.#health.gap(gap)
    const { connection, reason, from, to, attempts, instruments } = gap
    const fields = { connection, reason, from: from / SECOND, to: Number.isNaN(to) ? null : to / SECOND, symbols: instruments.length }
    if (Number.isNaN(to)) this.#log.say('warn', `connection ${connection} is ${reason}: ${instruments.length} symbols are not quoted`, fields)
    else this.#log.say('warn', `connection ${connection} is back after ${((to - from) / SECOND).toFixed(1)} s, at attempt ${attempts}`, fields)
  }

  #tell(): void {
    if (this.#quiet) return
    const { received } = this.#feed.rowCounts()
    const rate = (received - this.#before.received) / ((performance.now() - this.#before.at) / 1000)
    this.#before = { received, at: performance.now() }
    this.#log.stats(...statsLine(this.#figures(rate)))
  }

  #figures(rate = 0): TrackerFigures {
    const { received, delivered, conflated, dropped, untimed, waiting, subscribed, ...feed } = this.#feed.counts()
    const { userCPUTime, systemCPUTime } = process.resourceUsage()
    return {
      rate,
      symbols: subscribed,
      rows: { received, delivered, conflated, dropped, untimed, waiting },
      feed,
      others: Object.assign({}, ...this.#extras.map((extra) => extra.figures?.() ?? {})),
      stores: this.#stores.map((store) => store.state()),
      gaps: this.#health.gaps,
      memory: process.memoryUsage.rss(),
      cpu: (userCPUTime + systemCPUTime) / 1e6,
      seconds: (performance.now() - this.#started) / 1000,
      healthy: this.#health.troubles().length === 0,
    }
  }

  #summary(): TrackerSummary {
    const { seconds, symbols, rows, stores, gaps } = this.#figures()
    const written = Object.fromEntries(stores.map(({ name, rows }) => [name, rows]))
    return { seconds, symbols, received: rows.received, conflated: rows.conflated, dropped: rows.dropped, written, gaps }
  }
}
