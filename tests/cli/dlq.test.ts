import { spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { republish } from '../../cli/dlqRepublish.ts'
import type { RejectReason } from '../../connectors/avro/decoder.ts'
import { readKafkaConfig } from '../../connectors/kafka/config.ts'
import { DeadLetters } from '../../connectors/kafka/deadLetters.ts'
import type { Admin, KafkaDriver, KafkaRecord, NewRecord } from '../../connectors/kafka/driver.ts'
import { openDriver } from '../../connectors/kafka/openDriver.ts'
import { deadLetterTopic } from '../../connectors/kafka/topics.ts'
import { main } from '../kit/commandLine.ts'
import { runHere } from '../kit/inProcess.ts'
import { describeKafka, freshTopic, kafkaHere } from '../kit/kafka.ts'

let driver: KafkaDriver
let admin: Admin
let env: Record<string, string>

async function recordsOf(topic: string, partition: number): Promise<KafkaRecord[]> {
  const reader = await driver.reader()
  const found: KafkaRecord[] = []
  for await (const batch of reader.read({ topic, partition })) for (let i = 0; i < batch.n; i++) found.push(batch.record(i))
  await reader.close()
  return found
}

/** A topic of two partitions whose partition 1 got the records, and its dead letters: all of them, for the reasons given in turn. */
async function rejected(records: readonly NewRecord[], reasons: readonly RejectReason[]): Promise<string> {
  const topic = freshTopic('ticks')
  const [producer, reader] = [await driver.producer(), await driver.reader()]
  for (const name of [topic, deadLetterTopic(topic)]) await admin.create({ name, partitions: 2 })
  await producer.send({ topic, partition: 1, records })
  const dead = new DeadLetters('desk', 0)
  for await (const batch of reader.read({ topic, partition: 1 }))
    for (let i = 0; i < batch.n; i++) dead.add(batch, i, reasons[batch.offsets[i] % reasons.length])
  await producer.send({ topic: deadLetterTopic(topic), partition: 1, records: dead.take() })
  await Promise.all([producer.close(), reader.close()])
  return topic
}

const numbered = (n: number): NewRecord[] => Array.from({ length: n }, (_, i) => ({ key: 'NIFTY', value: Buffer.from(`bad ${i}`) }))
const valuesOf = (records: readonly KafkaRecord[]): string[] => records.map(({ value }) => String(value))
const dlq = (topic: string, ...flags: string[]) => runHere(['dlq', '--topic', topic, ...flags], env)

describeKafka('tickloom dlq', () => {
  beforeAll(async () => {
    const brokers = kafkaHere().brokers.join(',')
    env = { TICKLOOM_BROKERS: brokers }
    driver = await openDriver(readKafkaConfig({ flags: { brokers } }))
    admin = await driver.admin()
  })
  afterAll(() => driver?.close())

  test('lists dead letters by reason, shows them, sends each again once as it was, and knows which wait', async () => {
    const records = [
      { key: 'NIFTY', value: Buffer.from([0, 1, 65, 27, 91]), headers: { feed: 'a' } },
      { key: null, value: null },
      { key: 'NIFTY', value: Buffer.from('{"price":1}') },
    ]
    const topic = await rejected(records, ['bad_magic', 'truncated'])
    const groups = JSON.parse((await dlq(topic, '--json')).stdout)
    expect(groups).toMatchObject([
      { reason: 'bad_magic', count: 2, waiting: 2, partitions: [1] },
      { reason: 'truncated', count: 1, waiting: 1, partitions: [1] },
    ])
    expect(groups[0].example).toMatchObject({
      ...{ partition: 1, offset: 0, from: { topic, partition: 1, offset: 0 }, key: 'NIFTY', size: 5 },
      ...{ headers: { feed: 'a' }, hex: '00 01 41 1b 5b', ascii: '..A.[' },
    })
    const shown = await dlq(topic, '--show', '--reason', 'bad_magic', '--limit', '1')
    expect(shown.stdout).toMatch(
      new RegExp(`^1/0 {2}bad_magic {2}${topic} 1/0 {2}made .*\\n {2}key NIFTY, 5 B, headers feed=a\\n {2}00 01 41 1b 5b {2}\\|\\.\\.A\\.\\[\\|\\n$`),
    )

    const one = await dlq(topic, '--republish', '--reason', 'bad_magic', '--limit', '1', '--json')
    expect(JSON.parse(one.stdout)).toEqual([{ reason: 'bad_magic', records: 1 }])
    expect(JSON.parse((await dlq(topic, '--json')).stdout).map(({ waiting }: { waiting: number }) => waiting)).toEqual([1, 1])
    expect(JSON.parse((await dlq(topic, '--republish', '--json')).stdout).map((sent: { records: number }) => sent.records)).toEqual([1, 1])
    expect((await dlq(topic, '--republish')).stdout).toContain('no dead letter waits to be sent again')
    const again = (await recordsOf(topic, 1)).slice(3).map(({ key, value, headers }) => ({ key: key && String(key), value, headers }))
    expect(again).toEqual([
      { key: 'NIFTY', value: records[0].value, headers: { feed: 'a' } },
      { key: 'NIFTY', value: records[2].value, headers: {} },
      { key: null, value: null, headers: {} },
    ])
    expect(await recordsOf(topic, 0)).toEqual([])
  })

  test('sends every letter again once, though it is killed on the way', { timeout: 60_000 }, async () => {
    const topic = await rejected(numbered(4000), ['unknown_schema'])
    const child = spawn(process.execPath, [main, 'dlq', '--topic', topic, '--republish'], { env: { ...process.env, ...env }, stdio: 'ignore' })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    // Somewhere in the transactions: how far it came does not matter to what is asserted.
    await vi.waitFor(async () => expect((await admin.offsets(topic))[1].high).toBeGreaterThan(4600), { timeout: 20_000, interval: 5 })
    child.kill('SIGKILL')
    await ended
    expect((await dlq(topic, '--republish')).code).toBe(0)
    const values = valuesOf(await recordsOf(topic, 1))
    expect(values.slice(4000)).toEqual(values.slice(0, 4000))
  })

  test('sends every letter again once, though two do it at the same time: one of them is fenced', async () => {
    const topic = await rejected(numbered(3000), ['bad_price'])
    const reader = await driver.reader()
    const work = { driver, admin, reader, topic, reasons: ['bad_price'], limit: Infinity, signal: new AbortController().signal }
    const both = await Promise.allSettled([republish(work), republish(work)])
    for (const result of both) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'FENCED' })
    await republish(work)
    const values = valuesOf(await recordsOf(topic, 1))
    expect(values.slice(3000)).toEqual(values.slice(0, 3000))
    await reader.close()
  })

  test('sends nothing to a topic that has no such partition, and keeps separate books for another destination', async () => {
    const topic = await rejected(numbered(3), ['bad_time'])
    const [narrow, other] = [freshTopic('narrow'), freshTopic('other')]
    await admin.create({ name: narrow, partitions: 1 })
    await admin.create({ name: other, partitions: 2 })
    const refused = await dlq(topic, '--republish', '--to', narrow)
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/has 1 partitions: none to put letters of partition 1 into/)])
    await dlq(topic, '--republish', '--to', other)
    expect(valuesOf(await recordsOf(other, 1))).toEqual(['bad 0', 'bad 1', 'bad 2'])
    expect(JSON.parse((await dlq(topic, '--json')).stdout)).toMatchObject([{ waiting: 3 }])
  })
})
