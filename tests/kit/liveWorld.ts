import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { embeddedSchemas } from '../../connectors/avro/embedded.ts'
import { isServer } from '../../connectors/clickhouse/client.ts'
import { readKafkaConfig } from '../../connectors/kafka/config.ts'
import type { Admin, KafkaDriver, Producer } from '../../connectors/kafka/driver.ts'
import { openDriver } from '../../connectors/kafka/openDriver.ts'
import { ensureTopics, planTopics } from '../../connectors/kafka/topics.ts'
import { type Batch, emptyBatch } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import { Instruments } from '../../core/instruments.ts'
import { Trade } from '../../core/market.ts'
import { SECOND } from '../../core/time.ts'
import { freshTopic } from './kafka.ts'
import { LiveFeed } from './liveFeed.ts'
import { liveMarket } from './liveMarket.ts'
import { difference, type Kept, parquetRows, tableRows, topicRows } from './liveRows.ts'
import { type Ended, LiveWorker } from './liveWorker.ts'

/** Brokers that let a member be given up after less than the usual 6 s: `properties` of `ownKafka`. */
export const SHORT_SESSIONS = { 'group.min.session.timeout.ms': '500' }

const PUBLISHED = ['signals', 'seconds']

export interface LiveWorldOptions {
  readonly brokers: readonly string[]
  readonly partitions: number
  /** Of event time. */
  readonly seconds: number
  readonly epoch?: string
  /** Seconds, of `rollingBurst`. */
  readonly window?: number
  readonly baseline?: number
  /** Milliseconds until the group gives up a member that says nothing. */
  readonly session?: number
}

/** A market in a topic, and runs of volume-burst on it, each with places of its own for what it writes. */
export class LiveWorld {
  readonly topic = freshTopic('ticks')
  readonly folder = mkdtempSync(join(tmpdir(), 'tickloom-live-'))
  readonly options: LiveWorldOptions
  readonly driver: KafkaDriver
  readonly admin: Admin
  readonly #instruments = new Instruments()
  readonly #market: readonly Batch<Trade>[]
  #producer: Producer | undefined
  #feed: LiveFeed | undefined
  #ends = 0

  private constructor(options: LiveWorldOptions, driver: KafkaDriver, admin: Admin) {
    this.options = options
    this.driver = driver
    this.admin = admin
    this.#market = liveMarket(options.seconds, this.#instruments)
  }

  static async open(options: LiveWorldOptions): Promise<LiveWorld> {
    const driver = await openDriver(readKafkaConfig({ flags: { brokers: options.brokers.join(',') }, env: {} }))
    const world = new LiveWorld(options, driver, await driver.admin())
    await ensureTopics(
      world.admin,
      planTopics({ input: world.topic, group: world.topic, partitions: options.partitions }).filter(({ role }) => role === 'input'),
    )
    return world
  }

  /** Sends the seconds from..to-1, a few at a time, evenly over so many seconds of the clock. */
  async feed(from: number, to: number, over = 0): Promise<void> {
    const began = performance.now()
    for (let s = from, next = from; s < to; s = next) {
      next = Math.min(to, s + 1 + Math.floor(Math.random() * 9))
      await this.#send(() => this.#market.slice(s, next))
      const due = (1000 * over * (next - from)) / (to - from)
      await sleep(Math.max(0, began + due - performance.now()))
    }
  }

  /**
   * Heartbeats in later epochs: the first brings the last rows out, the second commits them, and that the first was read
   * (isThrough). Sent again they are later still, so that the last one always ends an epoch.
   */
  async end(): Promise<void> {
    const last = this.#market[this.#market.length - 1].watermark
    const later = () => emptyBatch(Trade, last + ++this.#ends * 120 * SECOND)
    await this.#send(() => [later(), later()])
  }

  run(name: string, clickhouse?: string): LiveRun {
    return new LiveRun(this, name, clickhouse)
  }

  /** What a run gives whose only worker nobody disturbs. */
  async undisturbed(clickhouse?: string): Promise<Kept> {
    const run = this.run('undisturbed', clickhouse)
    await run.finish(run.start())
    return run.rows()
  }

  async close(): Promise<void> {
    await this.#producer?.close()
    await this.admin.close()
    await this.driver.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Until it is sent: a batch may come twice then, for every run alike. */
  async #send(batches: () => readonly Batch<Trade>[]): Promise<void> {
    for (;;) {
      try {
        this.#producer ??= await this.driver.producer()
        this.#feed ??= await LiveFeed.open(this.#producer, embeddedSchemas(), this.topic, this.options.partitions, this.#instruments)
        return await this.#feed.send(...batches())
      } catch (thrown) {
        if (!(thrown instanceof TickloomError) || !thrown.retry) throw thrown
        await this.#producer?.close()
        this.#producer = this.#feed = undefined
      }
    }
  }
}

/** One run: its group, its folder, its tables and its topics. */
export class LiveRun {
  readonly name: string
  readonly group: string
  readonly out: string
  readonly clickhouse: string | undefined
  readonly #world: LiveWorld
  readonly #prefix: string

  constructor(world: LiveWorld, name: string, clickhouse: string | undefined) {
    this.#world = world
    this.name = name
    this.group = `${world.topic}-${name}`
    this.#prefix = `${this.group}.`
    this.out = join(world.folder, name)
    this.clickhouse = clickhouse === undefined || isServer(clickhouse) ? clickhouse : join(world.folder, clickhouse)
  }

  start(): LiveWorker {
    const { brokers, epoch = '10s', window = 5, baseline = 60, session = 2000 } = this.#world.options
    const param = ['eventTime.lateness=1', `rollingBurst.window=${window}`, `rollingBurst.baseline=${baseline}`, 'signal.floor=20']
    const flags: Record<string, string | undefined> = {
      topology: 'volume-burst',
      brokers: brokers.join(','),
      topics: this.#world.topic,
      group: this.group,
      run: this.group,
      out: this.out,
      clickhouse: this.clickhouse,
      publish: PUBLISHED.join(','),
      prefix: this.#prefix,
      silence: '1h',
      epoch,
    }
    const args = Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]))
    return new LiveWorker([...args, ...param.flatMap((p) => ['--param', p])], { TICKLOOM_KAFKA_SESSION_TIMEOUT: `${session}ms` })
  }

  /** Whether all that lies before the last heartbeat of each partition is committed, with what came of it: see `end`. */
  async isThrough(): Promise<boolean> {
    const { admin, topic } = this.#world
    const committed = await this.#offsets()
    return (await admin.offsets(topic)).every(({ partition, high }) => (committed.get(partition) ?? 0) >= high - 1)
  }

  /** Records committed, of all partitions. */
  async committed(): Promise<number> {
    return [...(await this.#offsets()).values()].reduce((sum, offset) => sum + offset, 0)
  }

  /** A coordinator that has just become one reads its log first; on a busy machine for longer than a call takes. */
  async #offsets(): Promise<ReadonlyMap<number, number>> {
    const { admin, topic } = this.#world
    for (const end = performance.now() + 60_000; ; await sleep(200)) {
      try {
        return await admin.committed(this.group, topic)
      } catch (error) {
        if (!(error instanceof TickloomError && error.code === 'KAFKA_UNREACHABLE') || performance.now() > end) throw error
      }
    }
  }

  /** Waits until everything is committed, then ends the worker as a user does: within 10 s, with exit code 0. */
  async finish(worker: LiveWorker, seconds = 120): Promise<void> {
    await worker.until('all is committed', async () => worker.restored().length > 0 && (await this.isThrough()), seconds)
    endedWell(await worker.terminate(), worker)
  }

  async rows(): Promise<Kept> {
    return {
      ...(await parquetRows(this.out)),
      ...(this.clickhouse === undefined ? {} : await tableRows(this.clickhouse, this.group)),
      ...(await topicRows(this.#world.driver, this.#prefix, PUBLISHED, this.#world.options.partitions)),
    }
  }

  /** When the broker was told that the oldest published record was made, milliseconds since the epoch. */
  async oldestPublished(): Promise<number> {
    const reader = await this.#world.driver.reader()
    let oldest = Infinity
    for await (const batch of reader.read({ topic: `${this.#prefix}seconds`, partition: 0 })) oldest = Math.min(oldest, ...batch.timestamps)
    await reader.close()
    return oldest
  }

  /** Expects each of the wanted rows once, everywhere; and that they are enough to mean something. */
  async expectRows(wanted: Kept): Promise<void> {
    expect(difference(await this.rows(), wanted)).toEqual([])
    const count = (output: string) => Object.entries(wanted).reduce((n, [place, rows]) => n + (place.endsWith(`/${output}`) ? rows.length : 0), 0)
    for (const output of ['seconds', 'bursts', 'signals', 'late']) expect([output, count(output)]).toEqual([output, expect.toSatisfy((n) => n > 20)])
  }
}

export function endedWell(ended: Ended, worker: LiveWorker): void {
  expect(ended, worker.lastWords()).toEqual({ code: 0, signal: null, took: expect.toSatisfy((seconds: number) => seconds < 10) })
}
