import { recordIds } from '../connectors/avro/encoder.ts'
import type { Admin } from '../connectors/kafka/driver.ts'
import { Feed } from '../connectors/kafka/feed.ts'
import { planTopics } from '../connectors/kafka/topics.ts'
import { TickloomError } from '../core/errors.ts'
import { Instruments } from '../core/instruments.ts'
import type { FeedRunOptions, FeedSummary, FeedWatch } from './feedOptions.ts'
import { type Origin, openOrigin } from './feedOrigin.ts'
import { openKafka, schemasOf } from './kafkaFlags.ts'

/**
 * Feeds a topic. A signal ends it early, once what was on its way is acknowledged, and is no failure. Throws
 * KAFKA_TOPIC, and what Kafka, the registry and the lake throw.
 */
export async function feed(options: FeedRunOptions, watch: FeedWatch): Promise<FeedSummary> {
  const schemas = await schemasOf(options.kafka, watch.say)
  const driver = await openKafka(options.kafka)
  try {
    const admin = await driver.admin()
    const partitions = await partitionsOf(admin, options, watch.say)
    const ids = await recordIds(schemas)
    const instruments = new Instruments()
    const origin = await openOrigin(options, instruments, partitions, watch.signal)
    try {
      const producer = await driver.producer()
      const { topic, speed, blocks: block, heartbeat, tail, received: stamped } = options
      const onProgress = (rows: number, eventTime: number): void => watch.onProgress(rows, origin.rowsInAll(rows, eventTime), eventTime)
      const { signal } = watch
      const { columns } = origin
      const playing = new Feed({ producer, ids, instruments, topic, partitions, columns, speed, block, heartbeat, tail, stamped, signal, onProgress })
      const started = performance.now()
      const { days, interrupted } = await play(playing, origin, signal)
      const seconds = (performance.now() - started) / 1000
      const { rows, records, heartbeats, bytes } = playing.acknowledged
      const rowsPerSecond = rows / seconds
      return {
        topic,
        partitions,
        days,
        rows,
        records,
        heartbeats,
        bytes,
        seconds,
        rowsPerSecond,
        eventTime: playing.eventTime,
        behind: playing.behind,
        interrupted,
      }
    } finally {
      await origin.close()
    }
  } finally {
    await driver.close()
  }
}

async function play(feed: Feed, { days }: Origin, signal: AbortSignal): Promise<{ days: string[]; interrupted: boolean }> {
  const begun: string[] = []
  try {
    for (const { date, streams } of days) {
      begun.push(date)
      await feed.play(streams)
    }
    return { days: begun, interrupted: false }
  } catch (thrown) {
    if (signal.aborted) return { days: begun, interrupted: true }
    throw thrown
  }
}

/** Of the topic, which is made when it is missing and a number was given. Throws KAFKA_TOPIC. */
export async function partitionsOf(
  admin: Admin,
  { topic, partitions: wanted }: Pick<FeedRunOptions, 'topic' | 'partitions'>,
  say: (message: string) => void,
): Promise<number> {
  const there = await admin.partitions(topic)
  if (there === undefined && wanted === undefined)
    throw new TickloomError(
      'KAFKA_TOPIC',
      `there is no topic ${topic}; --partitions N makes it, or \`tickloom topics --create\` with those around it`,
      { topic },
    )
  if (there !== undefined && wanted !== undefined && there !== wanted)
    throw new TickloomError('KAFKA_TOPIC', `topic ${topic} has ${there} partitions, not ${wanted}`, { topic, partitions: there, wanted })
  if (there !== undefined || wanted === undefined) return there as number
  const [input] = planTopics({ input: topic, group: topic, partitions: wanted })
  if (await admin.create(input)) say(`made topic ${topic} with ${wanted} partitions`)
  return wanted
}
