import { spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { FeedSummary } from '../../cli/feedOptions.ts'
import { readKafkaConfig } from '../../connectors/kafka/config.ts'
import type { Admin, KafkaDriver } from '../../connectors/kafka/driver.ts'
import { openDriver } from '../../connectors/kafka/openDriver.ts'
import { partitionOf } from '../../connectors/kafka/partitioner.ts'
import { parquetSource } from '../../connectors/parquet/source.ts'
import { Instruments } from '../../core/instruments.ts'
import { Quote } from '../../core/market.ts'
import { SECOND } from '../../core/time.ts'
import { answerOf, main } from '../kit/commandLine.ts'
import { runHere, type Said } from '../kit/inProcess.ts'
import { describeKafka, freshTopic, kafkaHere } from '../kit/kafka.ts'
import { marketLake } from '../kit/marketLake.ts'
import { recordedLake } from '../kit/recordedLake.ts'
import { type Sent, sentLog } from '../kit/sentLog.ts'
import { at, clock, type Row, rowsOf, toBatch, toRows } from '../kit/table.ts'

test.each([
  [['--topic', 't'], /either --lake DIR or --synth/],
  [['--topic', 't', '--lake', 'l', '--rate', '2'], /--rate is of a made-up market/],
  [['--topic', 't', '--synth', '--strikes', '100..200'], /--strikes 100..200: It is a whole number/],
  [['--topic', 't', '--lake', 'l', '--speed', 'fast'], /--speed/],
])('`feed %j` is refused before anything is asked of Kafka', async (flags, message) => {
  const { code, stderr } = await runHere(['feed', ...flags])
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
})

let driver: KafkaDriver
let admin: Admin
let env: Record<string, string>

const feed = (...flags: string[]): Promise<Said> => runHere(['feed', ...flags], env)
const summaryOf = ({ stdout, stderr }: Pick<Said, 'stdout' | 'stderr'>): FeedSummary => {
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}
const ticksOf = (sent: readonly Sent[]): Row[] => sent.flatMap(({ rows }) => rows)
const beatsOf = (sent: readonly Sent[]): number[] => sent.flatMap(({ beat }) => beat ?? [])

describeKafka('tickloom feed', () => {
  beforeAll(async () => {
    const brokers = kafkaHere().brokers.join(',')
    env = { TICKLOOM_BROKERS: brokers }
    driver = await openDriver(readKafkaConfig({ flags: { brokers } }))
    admin = await driver.admin()
  })
  afterAll(() => driver?.close())

  test('puts a lake into a topic that it makes: every row once, in time order, with a heartbeat a second to every partition', async () => {
    const lake = await marketLake({ strikes: 2, rate: 0.3 })
    const topic = freshTopic('ticks')
    const flags = ['--lake', lake, '--topic', topic, '--time', '09:14:30..09:18', '--speed', 'max', '--blocks', '20', '--tail', '2s']
    const answer = await feed(...flags, '--partitions', '2', '--json')
    const instruments = new Instruments()
    const expected: Row[] = []
    const source = parquetSource({ lake, columns: Quote, instruments, timeFrom: '09:14:30', timeTo: '09:18' })
    for await (const { batch } of source.open('2025-01-06', undefined, new AbortController().signal))
      expected.push(...toRows(batch, Quote, instruments))
    await source.close()

    const sent = await sentLog(driver, topic, 2)
    const nifty = partitionOf('NIFTY', 2)
    expect(ticksOf(sent[nifty])).toEqual(expected)
    expect(expected.length).toBeGreaterThan(100)
    const first = Math.floor((expected[0]['ts'] as number) / SECOND) * SECOND
    const beats = Array.from({ length: (at('09:18:02') - first) / SECOND + 1 }, (_, s) => first + s * SECOND)
    expect(sent.map(beatsOf)).toEqual([beats, beats])
    const records = sent[0].length + sent[1].length
    expect(summaryOf(answer)).toMatchObject({
      topic,
      days: ['2025-01-06'],
      rows: expected.length,
      records,
      heartbeats: 2 * beats.length,
      interrupted: false,
    })
    expect(answer.code).toBe(0)
  })

  test('puts a recording back as it came, late rows and heartbeats included, and only into as many partitions', async () => {
    const instruments = new Instruments()
    const rows = rowsOf(
      Quote,
      `ts          instrument  price  volume oi bid  ask  bidSize askSize received    lastTrade
       09:15:00    NIFTY       1      0      -  -    -    -       -       09:15:00.2  -
       09:15:02    NIFTY       2      0      -  1.5  2.5  50      75      09:15:02.2  09:15:01
       09:15:01    NIFTY       3      0      -  -    -    -       -       09:15:02.4  -`,
    )
    const first = [toBatch(Quote, rows.slice(0, 1), instruments, at('09:15:01')), toBatch(Quote, rows.slice(1), instruments, at('09:15:03.5'))]
    const lake = await recordedLake({ '0': [toBatch(Quote, [], instruments, at('09:15:02'))], '1': first }, { instruments })
    const [topic, other] = [freshTopic('ticks'), freshTopic('ticks')]
    const whole = await feed('--lake', lake, '--topic', topic, '--partitions', '2', '--speed', 'max', '--json')
    const refused = await feed('--lake', lake, '--topic', other, '--partitions', '3', '--speed', 'max')
    expect(summaryOf(whole)).toMatchObject({ rows: 3, heartbeats: 3 })
    const [quiet, busy] = await sentLog(driver, topic, 2)
    expect(beatsOf(quiet).map(clock)).toEqual(['09:15:02'])
    expect(ticksOf(busy)).toEqual(rows)
    expect(busy.map(({ beat }) => beat && clock(beat))).toEqual([undefined, '09:15:01', undefined, undefined, '09:15:03.500000'])
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/recording is of 2 partitions, the topic has 3.*\n.*\n.*\n.*KAFKA_TOPIC/),
    ])
  })

  test('without a topic says how to make it; of made-up markets, each lies where its underlying belongs', async () => {
    const topic = freshTopic('ticks')
    const market = [
      '--synth',
      '--symbols',
      'NIFTY,FINNIFTY',
      '--strikes',
      '1',
      '--time',
      '09:15..09:16',
      '--topic',
      topic,
      '--speed',
      'max',
      '--json',
    ]
    const missing = await feed(...market)
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining(`there is no topic ${topic}; --partitions N makes it`)])
    await admin.create({ name: topic, partitions: 2 })
    const summary = summaryOf(await feed(...market))
    const sent = await sentLog(driver, topic, 2)
    for (const underlying of ['NIFTY', 'FINNIFTY']) {
      const rows = ticksOf(sent[partitionOf(underlying, 2)])
      expect(rows.every((row) => String(row['instrument']).split(':')[0] === underlying)).toBe(true)
      expect(rows.length).toBeGreaterThan(50)
    }
    expect(ticksOf(sent.flat()).length).toBe(summary.rows)
  })

  test('stops on Ctrl-C, says what was sent, and ends with 130', { timeout: 60_000 }, async () => {
    const topic = freshTopic('ticks')
    await admin.create({ name: topic, partitions: 1 })
    const flags = ['--synth', '--strikes', '2', '--time', '09:15..09:45', '--topic', topic, '--speed', '20', '--json']
    const child = spawn(process.execPath, [main, 'feed', ...flags], { env: { ...process.env, ...env } })
    const ended = answerOf(child)
    await vi.waitFor(async () => expect((await admin.offsets(topic))[0].high).toBeGreaterThan(50), { timeout: 20_000, interval: 50 })
    child.kill('SIGINT')
    const answer = await ended
    expect(answer.code).toBe(130)
    const [sent] = await sentLog(driver, topic, 1)
    expect(summaryOf(answer)).toMatchObject({ interrupted: true, records: sent.length, rows: ticksOf(sent).length })
  })
})
