import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { embeddedSchemas } from '../../../connectors/avro/embedded.ts'
import { readKafkaConfig } from '../../../connectors/kafka/config.ts'
import { deadLetterHeaders } from '../../../connectors/kafka/deadLetters.ts'
import type { KafkaDriver, KafkaRecord, Producer } from '../../../connectors/kafka/driver.ts'
import { liveLog } from '../../../connectors/kafka/liveLog.ts'
import { openDriver } from '../../../connectors/kafka/openDriver.ts'
import { checkpointTopic, deadLetterTopic, ensureTopics, planTopics } from '../../../connectors/kafka/topics.ts'
import { type MemoryDestination, memoryDestination } from '../../../connectors/memory/sink.ts'
import type { Batch } from '../../../core/batch.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Trade } from '../../../core/market.ts'
import { resolveParameters } from '../../../core/parameters.ts'
import { SECOND } from '../../../core/time.ts'
import type { Topology } from '../../../core/topology.ts'
import { runLive } from '../../../runtime/live.ts'
import type { LiveEvent } from '../../../runtime/liveEvents.ts'
import volumeBurst from '../../../topologies/volume-burst/graph.ts'
import { describeKafka, freshTopic, kafkaHere } from '../../kit/kafka.ts'
import { LiveFeed } from '../../kit/liveFeed.ts'
import { at, toBatch } from '../../kit/table.ts'

const { Kafka, logLevel } = kafkajs
const topology = volumeBurst as unknown as Topology
const params = resolveParameters(topology, ['rollingBurst.window=2', 'rollingBurst.baseline=4', 'signal.multiplier=1', 'signal.floor=1'])
const OPEN = at('09:15:00')
const PARTITIONS = 2
const OUTPUTS = ['seconds', 'bursts', 'signals', 'late']
// These two lie in different partitions of two.
const NAMES = ['NIFTY', 'FINNIFTY']
const schemas = embeddedSchemas()
let driver: KafkaDriver
let producer: Producer

const second = (s: number, instruments: Instruments): Batch<Trade> => {
  const ts = OPEN + s * SECOND
  const rows = NAMES.flatMap((name) => [
    { ts, instrument: name, price: 100 + (s % 7), volume: s * s },
    { ts, instrument: `${name}:2025-01-09:24000:CE`, price: 100, volume: s * 3 },
    ...(s % 9 === 4 ? [{ ts: ts - 2.5 * SECOND, instrument: name, price: 1, volume: 1 }] : []),
  ])
  return toBatch(Trade, rows, instruments, ts + 0.5 * SECOND) as Batch<Trade>
}

interface World {
  readonly topic: string
  readonly group: string
  feed(from: number, to: number): Promise<void>
  work(to: MemoryDestination, resetState?: boolean): { readonly done: Promise<void>; readonly events: LiveEvent[]; stop(): Promise<void> }
}

async function world(): Promise<World> {
  const topic = freshTopic('ticks')
  const group = freshTopic('live')
  const admin = await driver.admin()
  const outputs = { names: ['signals'], prefix: `${topic}.` }
  await ensureTopics(admin, planTopics({ input: topic, group, partitions: PARTITIONS, outputs: outputs.names, prefix: outputs.prefix }))
  await admin.close()
  const sent = new Instruments()
  const live = await LiveFeed.open(producer, schemas, topic, PARTITIONS, sent)
  return {
    topic,
    group,
    async feed(from, to) {
      for (let s = from; s <= to; s++) await live.send(second(s, sent))
    },
    work(to, resetState = false) {
      const instruments = new Instruments()
      const stop = new AbortController()
      const events: LiveEvent[] = []
      const topics = { checkpoints: checkpointTopic(group), deadLetters: deadLetterTopic(topic) }
      const log = liveLog({ driver, group, topic, topics, outputs, columns: Trade, instruments, schemas })
      const done = runLive(
        { topology, params, run: 'R', instruments, destinations: [to], epochLength: 5 * SECOND, log, silence: 60_000, resetState },
        { signal: stop.signal, onEvent: (event) => events.push(event) },
      )
      done.catch(() => undefined)
      return {
        done,
        events,
        async stop() {
          stop.abort()
          await done
          await log.close()
        },
      }
    },
  }
}

async function until(what: string, is: () => boolean): Promise<void> {
  for (const end = performance.now() + 60_000; !is(); await sleep(10)) if (performance.now() > end) throw new Error(`it never came to this: ${what}`)
}

async function records(topic: string): Promise<KafkaRecord[]> {
  const reader = await driver.reader()
  const found: KafkaRecord[] = []
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for await (const batch of reader.read({ topic, partition })) for (let i = 0; i < batch.n; i++) found.push(batch.record(i))
  }
  await reader.close()
  return found
}

const lastEpoch = Math.floor((OPEN + 61 * SECOND) / (5 * SECOND))
const isThrough = (to: MemoryDestination) => () => [0, 1].every((p) => to.epochs(String(p)).at(-1) === lastEpoch - 1)
const sorted = (to: MemoryDestination) =>
  Object.fromEntries(
    OUTPUTS.map((name) => [
      name,
      to
        .rows(name)
        .map((r) => JSON.stringify(r))
        .sort(),
    ]),
  )

describeKafka('a live run on Kafka', () => {
  beforeAll(async () => {
    driver = await openDriver(readKafkaConfig({ flags: { brokers: kafkaHere().brokers.join(',') } }))
    producer = await driver.producer()
  })
  afterAll(async () => {
    await producer?.close()
    await driver?.close()
  })

  it('gives the same rows, and publishes the same records once, when workers come and go', async () => {
    const quiet = await world()
    await quiet.feed(0, 61)
    const undisturbed = memoryDestination()
    const alone = quiet.work(undisturbed)
    await until('undisturbed', isThrough(undisturbed))
    await alone.stop()

    const busy = await world()
    const to = memoryDestination()
    const first = busy.work(to)
    await busy.feed(0, 20)
    const secondWorker = busy.work(to)
    await busy.feed(21, 40)
    await until('shared', () => secondWorker.events.some((e) => e.type === 'restored'))
    await first.stop()
    await busy.feed(41, 61)
    await until('through', isThrough(to))
    await secondWorker.stop()

    expect(sorted(to)).toEqual(sorted(undisturbed))
    expect(to.rows('signals').length).toBeGreaterThan(2)
    const published = (of: World) =>
      records(`${of.topic}.signals`).then((all) => all.map(({ key, value }) => `${key} ${value?.toString('hex')}`).sort())
    expect(await published(busy)).toEqual(await published(quiet))
    expect((await published(busy)).length).toBe(to.rows('signals').filter((r) => Number(r['ts']) < OPEN + 60 * SECOND).length)
  }, 150_000)

  it('sends what it cannot use to the dead letters, once, and goes on', async () => {
    const w = await world()
    const to = memoryDestination()
    const send = (value: Buffer | null) => producer.send({ topic: w.topic, partition: 0, records: [{ key: 'k', value, headers: { from: 'test' } }] })
    await w.feed(0, 11)
    await send(Buffer.from('no avro'))
    await send(Buffer.from([0, 0, 0, 48, 57, 1, 2, 3]))
    const first = w.work(to)
    await w.feed(12, 20)
    await until('two epochs', () => to.epochs('0').length >= 2)
    await first.stop()
    await send(null)
    await w.feed(21, 61)
    const next = w.work(to)
    await until('through', isThrough(to))
    await next.stop()
    const h = deadLetterHeaders
    const dead = await records(deadLetterTopic(w.topic))
    expect(dead.map(({ headers, value }) => [headers[h.reason], value?.length, headers['from'], headers[h.topic], headers[h.partition]])).toEqual([
      ['bad_magic', 7, 'test', w.topic, '0'],
      ['unknown_schema', 8, 'test', w.topic, '0'],
      ['truncated', undefined, 'test', w.topic, '0'],
    ])
    expect(to.rows('seconds').length).toBeGreaterThan(100)
  }, 150_000)

  it('ends when records were deleted before it read them; a reset goes on with what is left', async () => {
    const w = await world()
    const to = memoryDestination()
    await w.feed(0, 20)
    const first = w.work(to)
    await until('two epochs', () => to.epochs('0').length >= 2 && to.epochs('1').length >= 2)
    await first.stop()
    await w.feed(21, 40)
    const raw = new Kafka({ brokers: [...kafkaHere().brokers], logLevel: logLevel.NOTHING }).admin()
    await raw.connect()
    const ends = await raw.fetchTopicOffsets(w.topic)
    await raw.deleteTopicRecords({ topic: w.topic, partitions: ends.map(({ partition, high }) => ({ partition, offset: String(Number(high) - 5) })) })
    await raw.disconnect()
    await expect(w.work(to).done).rejects.toMatchObject({ code: 'KAFKA_GAP', at: { topic: w.topic } })
    const reset = w.work(to, true)
    await w.feed(41, 61)
    await until('through', isThrough(to))
    await reset.stop()
    expect(to.rows('seconds').some((r) => r['ts'] === OPEN + 50 * SECOND)).toBe(true)
  }, 150_000)
})
