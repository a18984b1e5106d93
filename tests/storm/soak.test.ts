import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { embeddedSchemas } from '../../connectors/avro/embedded.ts'
import { readKafkaConfig } from '../../connectors/kafka/config.ts'
import { freePorts } from '../../connectors/kafka/dev/ports.ts'
import type { KafkaDriver } from '../../connectors/kafka/driver.ts'
import { openDriver } from '../../connectors/kafka/openDriver.ts'
import { deadLetterTopic, ensureTopics, planTopics } from '../../connectors/kafka/topics.ts'
import { describeKafka, freshTopic, kafkaHere } from '../kit/kafka.ts'
import { type Sample, SoakFeed, SoakWorker, slope } from './soakKit.ts'

/** Of the soak, and of its beginning in which compilers and caches fill. */
const SECONDS = Number(process.env['TICKLOOM_SOAK_SECONDS'] ?? 150)
const WARM = 0.35 * SECONDS
/** When a second worker joins, and leaves again. */
const VISITS = [0.1, 0.3, 0.5, 0.7].map((share) => [share * SECONDS, (share + 0.1) * SECONDS] as const)
/** Event time, in seconds for one of ours: an hour of a session is over in less than one minute. */
const FASTER = 80
const PARTITIONS = 4

async function metrics(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/metrics', timeout: 5000 }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve(text))
    }).on('error', reject)
  })
}

/** Medians of ten stretches of the same length. */
const tenths = (samples: readonly Sample[]): number[] =>
  Array.from({ length: 10 }, (_, i) => {
    const part = samples.slice((i / 10) * samples.length, ((i + 1) / 10) * samples.length).map(({ rssMb }) => rssMb)
    return Math.round(part.sort((a, b) => a - b)[part.length >> 1])
  })

const sum = (text: string, name: string): number =>
  [...text.matchAll(new RegExp(`^${name}(?:{[^}]*})? (\\S+)$`, 'gm'))].reduce((total, [, value]) => total + Number(value), 0)

describeKafka('a live worker that works for long', () => {
  let driver: KafkaDriver
  beforeAll(async () => {
    driver = await openDriver(readKafkaConfig({ flags: { brokers: kafkaHere().brokers.join(',') } }))
  })
  afterAll(() => driver?.close())

  it('does not grow, nor leave descriptors open, through thousands of epochs, rejects and rebalances', async () => {
    const [topic, group, [port]] = [freshTopic('soak'), freshTopic('soak'), await freePorts(1)]
    const admin = await driver.admin()
    await ensureTopics(admin, planTopics({ input: topic, group, partitions: PARTITIONS, outputs: ['signals'], prefix: `${topic}.` }))
    const producer = await driver.producer()
    const feed = await SoakFeed.open(producer, embeddedSchemas(), topic)
    const args = ['--topology', 'volume-burst', '--brokers', kafkaHere().brokers.join(','), '--topics', topic, '--group', group]
    const work = (...more: string[]): SoakWorker => new SoakWorker([...args, '--epoch', '1s', '--publish', 'signals', '--quiet', ...more])
    const worker = work('--http', String(port))

    const visits = VISITS.map(async ([from, to]) => {
      await sleep(from * 1000)
      const visitor = work()
      await sleep((to - from) * 1000)
      expect(await visitor.terminate(), visitor.lastWords).toBe(0)
    })
    const start = performance.now()
    for (let now = 0; now < SECONDS; now = (performance.now() - start) / 1000) {
      while (feed.second < now * FASTER) await feed.send()
      await sleep(5)
    }
    await Promise.all(visits)
    await expect.poll(async () => sum(await metrics(port), 'tickloom_partitions_assigned'), { timeout: 60_000 }).toBe(PARTITIONS)
    const dead = async (): Promise<number> => {
      let found = 0
      const reader = await driver.reader()
      for (let partition = 0; partition < PARTITIONS; partition++)
        for await (const batch of reader.read({ topic: deadLetterTopic(topic), partition })) found += batch.n
      await reader.close()
      return found
    }
    await feed.send()
    await expect.poll(dead, { timeout: 60_000, interval: 1000 }).toBeGreaterThanOrEqual(feed.rejects - 2 * PARTITIONS)
    const text = await metrics(port)
    expect(await worker.terminate(), worker.lastWords).toBe(0)

    const steady = worker.samples.filter(({ at }) => at > WARM)
    const thousands = (feed.second * PARTITIONS) / 1000 / SECONDS
    const mbPerThousandEpochs = slope(steady.map(({ at, rssMb }) => [at * thousands, rssMb]))
    const commits = sum(text, 'tickloom_checkpoints_total')
    // Alone, between two visits and after the last: whoever has fewer partitions has fewer connections.
    const [early, late] = [
      [0.44, 0.5],
      [0.85, 1],
    ].map(([from, to]) => {
      const between = worker.samples.filter(({ at }) => at >= from * SECONDS && at < to * SECONDS).map(({ descriptors }) => descriptors)
      return between.sort((a, b) => a - b)[between.length >> 1]
    })
    process.stderr.write(
      `soak: ${feed.second * PARTITIONS} epochs of event time, ${commits} commits here, ${feed.ticks} ticks, ${feed.rejects} rejects, ${2 * VISITS.length} rebalances; ` +
        `RSS ${tenths(worker.samples).join(' ')} MB, ${mbPerThousandEpochs.toFixed(2)} MB a thousand epochs; descriptors ${early} then ${late}\n`,
    )
    expect(commits).toBeGreaterThan(SECONDS)
    expect(await dead()).toBeLessThanOrEqual(feed.rejects)
    // Four partitions end 14,400 epochs of a second in an hour: what a heap wanders by in two minutes is below this, a leak that matters above.
    expect(mbPerThousandEpochs).toBeLessThan(1)
    expect(late).toBeLessThanOrEqual(early + 2)
    await producer.close()
    await admin.close()
  }, 600_000)
})
