import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { KafkaDriver } from '../connectors/kafka/driver.ts'
import type { LatencyNotes, LatencyPart } from './liveLatencyPart.ts'

/** Milliseconds. */
export interface Distribution {
  readonly n: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
  /** How many were below each of `edges`, and at or above the one before. */
  readonly histogram: Readonly<Record<string, number>>
}

export interface Latency {
  readonly driver: string
  readonly ticksPerSecond: number
  readonly seconds: number
  /** Produce to consume with the driver alone, and nothing else at work. */
  readonly bareAlone: Distribution
  /** The same while the live worker runs. */
  readonly bare: Distribution
  /** Produce of a marker tick to its signal. */
  readonly marker: Distribution
  /** Those of them whose signal came while the commit of an epoch was under way. */
  readonly markerWhileCommitting: Distribution
  /** Produce of the record that closes a second to the first signal of volume-burst for it. */
  readonly burst: Distribution
  /** Produce of a marker tick to the commit of its epoch, whose outputs are visible from then on. */
  readonly committed: Distribution
  readonly commits: Distribution
  /** p99 of the marker's signal less p99 of the bare round trip in the same seconds. */
  readonly ownShareAtP99: number
}

export interface LatencyOptions {
  readonly driver: KafkaDriver
  readonly brokers: string
  readonly rate: number
  readonly seconds: number
  readonly name: LatencyPart['driver']
  say(line: string): void
}

const file = fileURLToPath(new URL('liveLatencyPart.ts', import.meta.url))
const edges = [0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100, 200, 500, 1000, 2000]
/** Seconds at the beginning that are left out: compilers warm up. */
const WARM = 5

export async function latency({ driver, brokers, rate, seconds, name, say }: LatencyOptions): Promise<Latency> {
  const admin = await driver.admin()
  const measure = async (roles: readonly LatencyPart['role'][]): Promise<Record<string, LatencyNotes>> => {
    const topic = `latency-${process.pid}-${roles.length}-${name}`
    await admin.create({ name: topic, partitions: 1 })
    const of = (role: LatencyPart['role']): Part => new Part({ role, brokers, driver: name, topic, rate, seconds: seconds + WARM })
    const readers = roles.map(of)
    await Promise.all(readers.map((reader) => reader.ready))
    const feed = of('feed')
    await feed.ready
    const all = [...readers, feed]
    const told = await Promise.all(all.map((part) => part.end()))
    return Object.fromEntries(all.map(({ role }, i) => [role, told[i]]))
  }
  const alone = await measure(['bare'])
  const { bare, live, feed } = await measure(['bare', 'live'])
  await admin.close()
  const closed = new Map(feed.closed)
  const bursts = live.closed.filter(([second]) => closed.has(second)).map(([second, at]) => at - (closed.get(second) as number))
  const ticks = (of: readonly number[]): Distribution => distribution(of.slice((WARM * rate) / 10).map((micros) => micros / 1000))
  const found: Latency = {
    driver: name,
    ticksPerSecond: rate,
    seconds,
    bareAlone: ticks(alone['bare'].markers),
    bare: ticks(bare.markers),
    marker: ticks(live.markers),
    markerWhileCommitting: distribution(live.whileCommitting.map((micros) => micros / 1000)),
    burst: distribution(bursts.slice(WARM).map((micros) => micros / 1000)),
    committed: ticks(live.committed),
    commits: distribution(live.commits.slice(WARM)),
    ownShareAtP99: ticks(live.markers).p99 - ticks(bare.markers).p99,
  }
  for (const key of ['bareAlone', 'bare', 'marker', 'markerWhileCommitting', 'burst', 'committed', 'commits'] as const)
    say(`${name} ${key}: ${line(found[key])}`)
  return found
}

class Part {
  readonly role: LatencyPart['role']
  readonly ready: Promise<void>
  readonly #child: ChildProcess
  readonly #answer = Promise.withResolvers<LatencyNotes>()

  constructor(part: LatencyPart) {
    this.role = part.role
    this.#child = fork(file, [JSON.stringify(part)], {
      execPath: process.execPath,
      execArgv: ['--disable-warning=TimeoutNegativeWarning'],
      serialization: 'advanced',
    })
    const ready = Promise.withResolvers<void>()
    this.ready = ready.promise
    this.#child.on('message', (message) => {
      if (message === 'ready') ready.resolve()
      else this.#answer.resolve(message as LatencyNotes)
    })
    this.#answer.promise.catch(() => undefined)
    this.#child.on('exit', (code) => {
      if (code === 0) return
      const failure = new Error(`the ${part.role} of the latency measurement ended with ${code}`)
      ready.reject(failure)
      this.#answer.reject(failure)
    })
  }

  end(): Promise<LatencyNotes> {
    // What was produced last is still on its way.
    setTimeout(() => this.#child.send('end'), 500)
    return this.#answer.promise
  }
}

export function distribution(values: readonly number[]): Distribution {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number): number => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))])
  const histogram: Record<string, number> = {}
  let before = 0
  for (const edge of [...edges, Infinity]) {
    const below = sorted.findIndex((value) => value >= edge)
    const count = below < 0 ? sorted.length : below
    if (count > before) histogram[`< ${edge}`] = count - before
    before = count
  }
  return { n: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: round(sorted[sorted.length - 1]), histogram }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

function line({ n, p50, p99, max }: Distribution): string {
  return `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms, n ${n}`
}
