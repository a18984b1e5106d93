import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { KafkaDriver } from '../connectors/kafka/driver.ts'
import type { ReadingKind, ReadingResult, ReadingTask } from './liveReader.ts'
import { type FilledTopic, fill, four } from './liveTopics.ts'

const reader = fileURLToPath(new URL('liveReader.ts', import.meta.url))
const run = promisify(execFile)

export interface Throughput {
  readonly topics: Readonly<Record<string, FilledTopic>>
  readonly readings: readonly Reading[]
  readonly ratios: Readonly<Record<string, number>>
}

export interface Reading extends ReadingResult {
  readonly name: string
  readonly kind: ReadingKind
  readonly topic: string
  readonly driver: string
  readonly ticksPerSecond: number
  /** Of all runs, seconds. */
  readonly runs: readonly number[]
}

export interface ThroughputOptions {
  readonly driver: KafkaDriver
  readonly brokers: string
  readonly ticks: number
  readonly runs: number
  /** Only readings whose name has this in it. */
  readonly only?: string
  readonly platformatic: boolean
  say(line: string): void
}

/** The readings take turns, so that what else the machine does falls on all of them. */
export async function throughput(options: ThroughputOptions): Promise<Throughput> {
  const topics = await fillAll(options)
  const wanted = planned(options).filter(({ name }) => options.only === undefined || name.includes(options.only))
  const results = new Map<string, ReadingResult[]>(wanted.map(({ name }) => [name, []]))
  for (let round = 0; round < options.runs; round++) {
    for (const { name, kind, topic, driver } of wanted) {
      const { ticks, records, partitions, topic: id } = topics[topic]
      const group = `bench-${process.pid}-${round}-${name.replace(/\W+/g, '-')}`
      const result = await read({ kind, brokers: options.brokers, driver, topic: id, partitions, ticks, records, group })
      results.get(name)?.push(result)
      options.say(`${name}: ${Math.round(ticks / result.seconds / 1000)} k ticks/s, CPU ${result.cpuSeconds.toFixed(2)} s`)
    }
  }
  const readings = wanted.map(({ name, kind, topic, driver }): Reading => {
    const sorted = (results.get(name) ?? []).sort((a, b) => a.seconds - b.seconds)
    const median = sorted[(sorted.length - 1) >> 1]
    return { name, kind, topic, driver, ticksPerSecond: topics[topic].ticks / median.seconds, runs: sorted.map(({ seconds }) => seconds), ...median }
  })
  return { topics, readings, ratios: ratiosOf(readings) }
}

async function fillAll({ driver, ticks, say }: ThroughputOptions): Promise<Record<string, FilledTopic>> {
  const dense = { underlyings: four, rate: 45 }
  const plan = {
    one: { partitions: 1, market: dense, ticks },
    four: { partitions: 4, market: dense, ticks },
    blocks: { partitions: 1, market: { underlyings: ['NIFTY'], rate: 45 }, ticks: 2 * ticks, block: 100 },
    sparse: { partitions: 1, market: { underlyings: four, rate: 1.2 }, ticks: Math.round(ticks / 4) },
  }
  const topics: Record<string, FilledTopic> = {}
  for (const [name, spec] of Object.entries(plan)) {
    const start = performance.now()
    topics[name] = await fill(driver, { topic: `bench-${process.pid}-${name}`, ...spec })
    const { ticks: made, bytesPerRecord, seconds } = topics[name]
    const took = (performance.now() - start) / 1000
    say(`filled ${name}: ${made} ticks of ${seconds} s, ${bytesPerRecord.toFixed(1)} bytes a record, in ${took.toFixed(1)} s`)
  }
  return topics
}

interface Planned {
  readonly name: string
  readonly kind: ReadingKind
  readonly topic: string
  readonly driver: 'kafkajs' | 'platformatic'
}

function planned({ platformatic }: ThroughputOptions): Planned[] {
  const of = (kind: ReadingKind, topic: string, driver: Planned['driver'] = 'kafkajs'): Planned => {
    return { name: `${kind} ${topic}${driver === 'kafkajs' ? '' : ` ${driver}`}`, kind, topic, driver }
  }
  return [
    ...['one', 'four'].flatMap((topic) => [of('bare', topic), of('fetch', topic), of('decode', topic), of('live', topic)]),
    of('parquet', 'one'),
    ...(platformatic ? [of('fetch', 'one', 'platformatic'), of('live', 'one', 'platformatic')] : []),
    ...[of('fetch', 'blocks'), of('decode', 'blocks'), of('live', 'blocks')],
    ...[of('bare', 'sparse'), of('live', 'sparse')],
  ]
}

async function read(task: ReadingTask): Promise<ReadingResult> {
  const { stdout } = await run(process.execPath, ['--disable-warning=TimeoutNegativeWarning', reader, JSON.stringify(task)], { timeout: 300_000 })
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as ReadingResult
}

function ratiosOf(readings: readonly Reading[]): Record<string, number> {
  const rate = (name: string): number => readings.find((r) => r.name === name)?.ticksPerSecond ?? NaN
  return {
    'live / bare, 1 partition': rate('live one') / rate('bare one'),
    'live / bare, 4 partitions': rate('live four') / rate('bare four'),
    'live / bare, sparse': rate('live sparse') / rate('bare sparse'),
    'blocks, M ticks/s': rate('live blocks') / 1e6,
  }
}
