import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { embeddedSchemas } from '../../connectors/avro/embedded.ts'
import { readKafkaConfig } from '../../connectors/kafka/config.ts'
import { freePorts } from '../../connectors/kafka/dev/ports.ts'
import type { KafkaDriver, Producer } from '../../connectors/kafka/driver.ts'
import { openDriver } from '../../connectors/kafka/openDriver.ts'
import { Instruments } from '../../core/instruments.ts'
import { Trade } from '../../core/market.ts'
import { SECOND } from '../../core/time.ts'
import { tickloom } from '../kit/commandLine.ts'
import { describeKafka, freshTopic, kafkaHere } from '../kit/kafka.ts'
import { LiveFeed } from '../kit/liveFeed.ts'
import { at, type Row, toBatch } from '../kit/table.ts'

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const BELL = at('15:30:00')
let driver: KafkaDriver
let producer: Producer
let worker: ChildProcess | undefined
const out = mkdtempSync(join(tmpdir(), 'tickloom-quiet-'))

interface Live {
  readonly http: string
  /** What it logged, a line a message. */
  log(): string[]
  /** SIGTERM, then the exit code. */
  stop(): Promise<number | null>
}

async function startLive(topic: string, more: readonly string[]): Promise<Live> {
  const [port] = await freePorts(1)
  const brokers = kafkaHere().brokers.join(',')
  const args = [
    'live',
    '--topology',
    'volume-burst',
    '--topics',
    topic,
    '--brokers',
    brokers,
    '--group',
    `${topic}-g`,
    '--http',
    String(port),
    ...more,
  ]
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  worker = child
  const lines: string[] = []
  child.stderr.on('data', (chunk: Buffer) => lines.push(...chunk.toString().split('\n')))
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  return {
    http: `http://127.0.0.1:${port}`,
    log: () => lines,
    stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
}

async function until<T>(what: string, seconds: number, look: () => Promise<T | undefined | false>): Promise<T> {
  for (const end = performance.now() + seconds * 1000; performance.now() < end; await sleep(100)) {
    const found = await look().catch(() => undefined)
    if (found !== undefined && found !== false) return found
  }
  throw new Error(`it never came to this: ${what}`)
}

const status = async (url: string): Promise<number> => (await fetch(url)).status
const metric = async ({ http }: Live, name: string): Promise<number> => {
  const line = (await (await fetch(`${http}/metrics`)).text()).split('\n').find((l) => l.startsWith(name))
  return Number(line?.slice(line.lastIndexOf(' ') + 1))
}

describeKafka('a quiet stream', () => {
  beforeAll(async () => {
    driver = await openDriver(readKafkaConfig({ flags: { brokers: kafkaHere().brokers.join(',') } }))
    producer = await driver.producer()
  })
  afterAll(async () => {
    worker?.kill('SIGKILL')
    await producer?.close()
    await driver?.close()
    rmSync(out, { recursive: true, force: true })
  })

  it('closes its windows by heartbeats, at the bell too; without them it is reported within 5 s, with a row in gaps', async () => {
    const topic = freshTopic('quiet')
    const admin = await driver.admin()
    await admin.create({ name: topic, partitions: 1 })
    const instruments = new Instruments()
    const feed = await LiveFeed.open(producer, embeddedSchemas(), topic, 1, instruments)
    const say = (seconds: number, rows: readonly Row[] = []) => feed.send(toBatch(Trade, rows, instruments, BELL + seconds * SECOND))
    const database = join(out, 'db')
    const live = await startLive(topic, ['--clickhouse', database, '--out', join(out, 'run'), '--run', 'quiet', '--epoch', '5s'])
    await until('ready', 60, async () => (await status(`${live.http}/readyz`)) === 200)

    // One tick 20 s before the bell, then nothing but the exchange's time.
    await say(-20, [{ ts: BELL - 20 * SECOND, instrument: 'NIFTY:2025-01-09:24000:CE', price: 100, volume: 7 }])
    for (let s = -19; s < 12; s++) await say(s)
    let alive = true
    const beating = (async () => {
      for (; alive; await sleep(500)) await say(12)
    })()
    await until('through', 30, async () => (await metric(live, 'tickloom_output_rows_total{output="seconds"')) === 20)
    expect(await status(`${live.http}/healthz`)).toBe(200)

    // The feed dies. Nobody says anything any more.
    alive = false
    await beating
    const ours = monitorEventLoopDelay()
    ours.enable()
    const died = performance.now()
    const why = await until('reported', 30, async () => {
      const answer = await fetch(`${live.http}/healthz`)
      return answer.status === 503 && answer.text()
    })
    const took = (performance.now() - died) / 1000
    // Not counted: what the machine took from the worker, and from us who ask it, at the longest stretch.
    const stoodStill = (await metric(live, 'nodejs_eventloop_lag_max_seconds')) + ours.max / 1e9
    expect(took - stoodStill).toBeLessThan(5)
    expect(why).toBe('partition 0 is silent: neither ticks nor heartbeats arrive\n')
    expect(await metric(live, 'tickloom_partition_silent{partition="0"')).toBe(1)
    expect(live.log().some((line) => line.includes('"level":40') && line.includes('partition 0 is silent'))).toBe(true)

    await say(60)
    await until('healthy again', 30, async () => (await status(`${live.http}/healthz`)) === 200)
    expect(await live.stop()).toBe(0)
    const gaps = await tickloom(['sql', 'SELECT partition, `from`, `to`, instruments FROM gaps FINAL', '--clickhouse', database, '--format', 'json'])
    expect(JSON.parse(gaps.stdout)).toEqual({
      partition: '0',
      from: '2025-01-06 10:00:12.000000',
      to: '2025-01-06 10:01:00.000000',
      instruments: ['NIFTY:2025-01-09:24000:CE'],
    })
    const lines = readFileSync(join(out, 'run', 'gaps.jsonl'), 'utf8')
      .trim()
      .split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { to: number | null }).to)).toEqual([null, BELL + 60 * SECOND])
  }, 180_000)
})
