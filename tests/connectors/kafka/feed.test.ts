import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { embeddedSchemas } from '../../../connectors/avro/embedded.ts'
import { recordIds } from '../../../connectors/avro/encoder.ts'
import { readKafkaConfig } from '../../../connectors/kafka/config.ts'
import type { KafkaDriver, Producer } from '../../../connectors/kafka/driver.ts'
import { Feed, type FeedOptions, type FeedStream } from '../../../connectors/kafka/feed.ts'
import { openDriver } from '../../../connectors/kafka/openDriver.ts'
import { partitionOf } from '../../../connectors/kafka/partitioner.ts'
import type { Batch } from '../../../core/batch.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Quote } from '../../../core/market.ts'
import type { Delivery } from '../../../core/ports.ts'
import { SECOND } from '../../../core/time.ts'
import { describeKafka, freshTopic, kafkaHere } from '../../kit/kafka.ts'
import { type Sent, sentLog } from '../../kit/sentLog.ts'
import { at, clock, type Row, rowsOf, toBatch } from '../../kit/table.ts'

const instruments = new Instruments()
let driver: KafkaDriver
let producer: Producer

async function* delivering(batches: readonly Batch<Quote>[]): AsyncGenerator<Delivery<Quote>> {
  for (const batch of batches) yield { batch, after: () => 0 }
}
const streamOf = (rows: readonly Row[]): FeedStream => ({ deliveries: delivering([toBatch(Quote, rows, instruments)]) })

/** Plays streams into a topic of two partitions that is made for them. */
async function fed(streams: readonly FeedStream[], options: Partial<FeedOptions> = {}): Promise<{ feed: Feed; topic: string; sent: Sent[][] }> {
  const topic = freshTopic('ticks')
  const admin = await driver.admin()
  await admin.create({ name: topic, partitions: 2 })
  await admin.close()
  const ids = await recordIds(embeddedSchemas())
  const usual = { speed: Infinity, block: 1, heartbeat: SECOND, tail: SECOND, signal: new AbortController().signal }
  const feed = new Feed({ producer, ids, instruments, topic, partitions: 2, columns: Quote, ...usual, ...options })
  await feed.play(streams)
  return { feed, topic, sent: await sentLog(driver, topic, 2) }
}

/** A partition's log as text: heartbeats as their time, ticks as theirs and their price, those of a block in brackets. */
const shown = (sent: readonly Sent[]): string[] =>
  sent.map(({ beat, rows }) => {
    if (beat !== undefined) return `beat ${clock(beat)}`
    const ticks = rows.map((row) => `${clock(row['ts'] as number)} ${row['price']}`)
    return ticks.length === 1 ? ticks[0] : `[${ticks.join(', ')}]`
  })
const ticksOf = (sent: readonly Sent[]): Row[] => sent.flatMap(({ rows }) => rows)

// These two lie in different partitions of two.
const [NIFTY, FIN] = [partitionOf('NIFTY', 2), partitionOf('FINNIFTY', 2)]
const rows = rowsOf(
  Quote,
  `ts            instrument                    price  volume oi bid  ask  bidSize askSize received     lastTrade
   09:15:00.5    NIFTY                         1      0      -  -    -    -       -       -            -
   09:15:00.7    FINNIFTY:2025-01-30:FUT       2      75     10 1.5  2.5  25      50      09:15:00.9   09:15:00.6
   09:15:02      NIFTY:2025-01-09:24000:CE     3      75     5  2.5  3.5  -       -       -            -
   09:15:01.8    NIFTY                         4      0      -  -    -    -       -       -            -
   09:15:02      NIFTY                         5      0      -  -    -    -       -       -            -
   09:15:02.1    FINNIFTY                      6      0      -  -    -    -       -       -            -`,
)

describeKafka('a feed into Kafka', () => {
  beforeAll(async () => {
    driver = await openDriver(readKafkaConfig({ flags: { brokers: kafkaHere().brokers.join(',') } }))
    producer = await driver.producer()
  })
  afterAll(() => driver?.close())

  it('puts ticks into the partition of their underlying in their order, and a heartbeat a second into every one', async () => {
    const { feed, sent } = await fed([streamOf(rows)])
    expect(shown(sent[NIFTY])).toEqual([
      ...['beat 09:15:00', '09:15:00.500000 1', 'beat 09:15:01', 'beat 09:15:02', '09:15:02 3', '09:15:01.800000 4', '09:15:02 5', 'beat 09:15:03'],
    ])
    expect(shown(sent[FIN])).toEqual([
      ...['beat 09:15:00', '09:15:00.700000 2', 'beat 09:15:01', 'beat 09:15:02', '09:15:02.100000 6', 'beat 09:15:03'],
    ])
    expect(ticksOf(sent[FIN])[0]).toEqual(rows[1])
    expect(sent[FIN].map(({ record }) => record.key?.toString())).toEqual([undefined, 'FINNIFTY', undefined, undefined, 'FINNIFTY', undefined])
    expect(feed.acknowledged).toMatchObject({ rows: 6, records: 14, heartbeats: 8 })
  })

  it('goes on with heartbeats on a quiet stream, to the time asked for and the tail after it', async () => {
    const { sent, feed } = await fed([{ ...streamOf(rows.slice(0, 1)), until: at('09:15:04.5') }], { tail: 2 * SECOND })
    const beats = ['09:15:00', '09:15:01', '09:15:02', '09:15:03', '09:15:04', '09:15:05', '09:15:06']
    expect(shown(sent[FIN])).toEqual(beats.map((time) => `beat ${time}`))
    expect(clock(feed.eventTime)).toBe('09:15:06')
  })

  it('packs ticks of one underlying that follow each other, up to the next heartbeat', async () => {
    const many = Array.from({ length: 7 }, (_, i) => ({ ...rows[0], ts: at('09:15:00') + i, price: i, instrument: i === 4 ? 'FINNIFTY' : 'NIFTY' }))
    const { sent } = await fed([streamOf([...many, { ...rows[0], ts: at('09:15:01'), price: 9 }])], { block: 5, tail: 1 })
    const prices = (of: readonly Sent[]): unknown[] => of.map(({ beat, rows }) => beat ?? rows.map(({ price }) => price))
    expect(prices(sent[NIFTY])).toEqual([at('09:15:00'), [0, 1, 2, 3, 5], [6], at('09:15:01'), [9]])
    expect(prices(sent[FIN])).toEqual([at('09:15:00'), [4], at('09:15:01')])
  })

  it('sends the same ticks between the same heartbeats, however batches and blocks are cut', async () => {
    const [nifty, others] = [
      fc.constantFrom('NIFTY', 'NIFTY:2025-01-30:FUT'),
      // SENSEX shares a partition with one of the two: their order among each other is kept, too.
      fc.constantFrom('FINNIFTY', 'SENSEX'),
    ]
    const tick = fc.record({ ahead: fc.integer({ min: -1_500_000, max: 1_500_000 }), instrument: fc.oneof(nifty, others) })
    const flat = (sent: readonly Sent[]): unknown[] => sent.flatMap(({ beat, rows }): unknown[] => (beat === undefined ? [...rows] : [beat]))
    await fc.assert(
      fc.asyncProperty(
        fc.array(tick, { minLength: 1, maxLength: 60 }),
        fc.array(fc.nat(20), { maxLength: 8 }),
        fc.integer({ min: 2, max: 9 }),
        async (ticks, cuts, block) => {
          let time = at('09:15:00')
          const all = ticks.map(({ ahead, instrument }, i) => ({ ...rows[1], ts: (time += ahead), price: i + 1, instrument }))
          const parts: Row[][] = []
          for (let [from, i] = [0, 0]; from < all.length; i++) parts.push(all.slice(from, (from += cuts[i] ?? all.length)))
          const whole = await fed([streamOf(all)])
          const cut = await fed([{ deliveries: delivering(parts.map((part) => toBatch(Quote, part, instruments))) }], { block })
          expect(cut.sent.map(flat)).toEqual(whole.sent.map(flat))
          const order = whole.sent.map((sent) => ticksOf(sent).map(({ price }) => price))
          expect(order.flat().sort((a, b) => Number(a) - Number(b))).toEqual(all.map(({ price }) => price))
          for (const prices of order) expect(prices).toEqual([...prices].sort((a, b) => Number(a) - Number(b)))
        },
      ),
      { numRuns: 8 },
    )
  })

  it('sends each second when it is due and not before: ten seconds take half a second at twenty times', async () => {
    const ten = Array.from({ length: 11 }, (_, s) => ({ ...rows[0], ts: at('09:15:00') + s * SECOND, price: s }))
    // The clock of the feed starts when it has the first rows.
    let started = 0
    async function* timed(): FeedStream['deliveries'] {
      started = Date.now()
      yield* streamOf(ten).deliveries
    }
    const { sent } = await fed([{ deliveries: timed() }], { speed: 20, tail: 1 })
    for (const {
      record,
      beat,
      rows: [tick],
    } of sent[NIFTY]) {
      const second = ((beat ?? (tick['ts'] as number)) - at('09:15:00')) / SECOND
      expect(record.timestamp - started).toBeGreaterThanOrEqual(Math.floor((second * 1000) / 20) - 2)
    }
    // Other work on the machine, and the broker, may delay records by seconds; at the exchange's own pace it were ten.
    expect(sent[NIFTY].at(-1)!.record.timestamp - started).toBeLessThan(500 + 7000)
  })

  it('sends a recording as it was: partition by partition, with its own heartbeats', async () => {
    const recorded = (batches: readonly Batch<Quote>[], partition: number): FeedStream => ({ deliveries: delivering(batches), partition })
    const { sent } = await fed([
      recorded([toBatch(Quote, rows.slice(0, 2), instruments, at('09:15:01.25')), toBatch(Quote, rows.slice(2, 3), instruments)], 0),
      recorded([toBatch(Quote, [], instruments, at('09:15:00')), toBatch(Quote, rows.slice(3, 4), instruments, at('09:15:07'))], 1),
    ])
    expect(shown(sent[0])).toEqual(['09:15:00.500000 1', '09:15:00.700000 2', 'beat 09:15:01.250000', '09:15:02 3'])
    expect(shown(sent[1])).toEqual(['beat 09:15:00', '09:15:01.800000 4', 'beat 09:15:07'])
  })

  it('stamps ticks with the time they are sent when that is asked for', async () => {
    const before = Date.now() * 1000
    const { sent } = await fed([streamOf(rows)], { stamped: true, block: 3 })
    const received = sent.flatMap((partition) => ticksOf(partition).map((row) => row['received'] as number))
    // The clock of the machine may be set meanwhile, by little.
    for (const time of received) expect(time >= before - SECOND && time <= Date.now() * 1000 + SECOND).toBe(true)
    expect(received).toHaveLength(6)
  })

  it('stops when it is told to, and what it calls acknowledged is in the topic', async () => {
    const stop = new AbortController()
    const [topic, admin] = [freshTopic('ticks'), await driver.admin()]
    await admin.create({ name: topic, partitions: 2 })
    const ids = await recordIds(embeddedSchemas())
    const onProgress = (_: number, eventTime: number): void => {
      if (eventTime >= at('09:15:05')) stop.abort(new Error('enough'))
    }
    const options = { speed: 50, block: 1, heartbeat: SECOND, tail: SECOND, signal: stop.signal, onProgress }
    const feed = new Feed({ producer, ids, instruments, topic, partitions: 2, columns: Quote, ...options })
    const hour = Array.from({ length: 3600 }, (_, s) => ({ ...rows[0], ts: at('09:15:00') + s * SECOND }))
    await expect(feed.play([streamOf(hour)])).rejects.toThrow(/enough|abort/)
    const sent = await sentLog(driver, topic, 2)
    expect(sent[NIFTY].length + sent[FIN].length).toBe(feed.acknowledged.records)
    expect(ticksOf(sent[NIFTY]).length).toBe(feed.acknowledged.rows)
    // Five, and what was due at fifty a second if the machine stood still meanwhile.
    expect(feed.acknowledged.rows).toBeLessThan(1800)
    await admin.close()
  })
})
