import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { KafkaDriver } from '../../connectors/kafka/driver.ts'
import { DriverBench, numbered, record, texts } from './driverBench.ts'
import { freshTopic, kafkaHere } from './kafka.ts'

const until = (holds: () => void | Promise<void>, timeout = 25_000): Promise<void> => vi.waitFor(holds, { timeout, interval: 20 })

/** What every driver does, against a real broker. Membership of groups: groupContract.ts. */
export function driverContract(name: KafkaDriver['name']): void {
  let bench: DriverBench
  beforeAll(async () => {
    bench = await DriverBench.open(name, kafkaHere().brokers.join(','))
  })
  afterAll(() => bench?.close())

  describe('records', () => {
    test('come back as they were sent, in the order of their partition', async () => {
      const topic = await bench.topic(2)
      const sent = [
        { key: 'k', value: Buffer.from('a'), headers: { why: 'bad magic', where: 'ü' }, timestamp: 1_700_000_000_123 },
        { key: Buffer.from([0, 1, 255]), value: null, timestamp: 1_700_000_000_100 },
        { key: null, value: Buffer.alloc(0), timestamp: 1_700_000_001_000 },
      ]
      await bench.producer.send({ topic, partition: 1, records: sent })
      await bench.send(topic, numbered('p', 3))
      const reading = await bench.join(topic)
      await until(() => expect([reading.values(0).length, reading.values(1).length]).toEqual([3, 3]))
      const [batch] = reading.batches.filter(({ partition }) => partition === 1)
      expect([0, 1, 2].map((i) => batch.record(i))).toEqual([
        { key: Buffer.from('k'), value: Buffer.from('a'), headers: sent[0].headers, timestamp: 1_700_000_000_123, offset: 0 },
        { key: Buffer.from([0, 1, 255]), value: null, headers: {}, timestamp: 1_700_000_000_100, offset: 1 },
        { key: null, value: Buffer.alloc(0), headers: {}, timestamp: 1_700_000_001_000, offset: 2 },
      ])
      expect({ ...batch, offsets: [...batch.offsets.subarray(0, 3)], timestamps: [...batch.timestamps.subarray(0, 3)] }).toMatchObject({
        ...{ topic, partition: 1, from: 0, next: 3, n: 3, bytes: 1, offsets: [0, 1, 2] },
        timestamps: [1_700_000_000_123, 1_700_000_000_100, 1_700_000_001_000],
      })
      expect(reading.values(0)).toEqual(['p0', 'p1', 'p2'])
      await reading.reader.leave()
      await reading.reader.ended
    })

    test.each(['none', 'gzip', 'zstd'])('of 3 MB in one call arrive whole and in order, compressed by %s', async (compression) => {
      const topic = await bench.topic()
      const driver = await bench.another({ compression, fetchBytes: '400000' })
      const values = numbered(`${'x'.repeat(1000)}-`, 3000)
      const producer = await driver.producer()
      await producer.send({ topic, partition: 0, records: values.map(record) })
      const found: string[] = []
      const offsets: number[] = []
      for await (const batch of (await driver.reader()).read({ topic, partition: 0 })) {
        expect(batch.from).toBe(found.length)
        found.push(...texts(batch))
        offsets.push(...batch.offsets.subarray(0, batch.n))
      }
      expect(found).toEqual(values)
      expect(offsets).toEqual(values.map((_, i) => i))
      await driver.close()
    })

    test('for a partition that the metadata lacks fail: the libraries send them nowhere or elsewhere, and call that done', async () => {
      const [topic, producer] = [await bench.topic(2), await bench.driver.producer()]
      const lost = { topic, partition: 7, records: [record('lost')] }
      await expect(producer.send(lost)).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE', retry: true })
      const transactional = await bench.driver.transactional({ id: freshTopic('id') })
      const kept = { topic, partition: 1, records: [record('kept')] }
      await expect(transactional.commit({ outgoing: [kept, lost] })).rejects.toMatchObject({ code: expect.stringMatching(/^KAFKA_/), retry: true })
      await Promise.all([producer.close(), transactional.close()])
      expect([await bench.range(topic), await bench.range(topic, { partition: 1 })]).toEqual([[], []])
    })

    test('for a topic that is not there fail with KAFKA_TOPIC', async () => {
      const driver = await bench.another({ requestTimeout: '2s' })
      const sent = (await driver.producer()).send({ topic: freshTopic('nowhere'), partition: 0, records: [record('a')] })
      await expect(sent).rejects.toMatchObject({ code: 'KAFKA_TOPIC' })
      await expect(driver.join({ group: 'g', topic: freshTopic('nowhere'), member: { onAssigned() {}, onRecords() {} } })).rejects.toMatchObject({
        code: 'KAFKA_TOPIC',
      })
      await driver.close()
    })
  })

  describe('transactions', () => {
    test('show their records, offsets and all, when they are committed, and nothing when they are aborted', async () => {
      const [topic, other, group] = [await bench.topic(2), await bench.topic(), freshTopic('group')]
      const reading = await bench.join(topic, { group })
      const producer = await bench.driver.transactional({ id: freshTopic('id') })
      const took: number[] = []
      for (let i = 0; i < 10; i++) {
        const outgoing = [topic, other].map((to) => ({ topic: to, partition: 0, records: [record(`${i}`)] }))
        const started = performance.now()
        await producer.commit({
          outgoing: [...outgoing, { topic, partition: 1, records: [record(`x${i}`)] }],
          offsets: { group, topic, partition: 0, offset: 2 * i },
        })
        took.push(performance.now() - started)
      }
      // A client that waits out its fixed retry takes 300 ms and more every time but the first; a busy machine not every time.
      expect(Math.min(...took.slice(1))).toBeLessThan(300)
      await bench.sendAborted(topic, [numbered('aborted', 5)])
      await bench.send(topic, ['last'])
      await until(() => expect(reading.values(0)).toEqual([...numbered('', 10), 'last']))
      expect(reading.values(1)).toEqual(numbered('x', 10))
      // Also over what the broker hides: whoever finds a hole between two batches has lost records.
      for (const partition of [0, 1]) {
        const batches = reading.batches.filter((batch) => batch.partition === partition)
        expect(batches.map(({ from }) => from)).toEqual([0, ...batches.slice(0, -1).map(({ next }) => next)])
      }
      expect(await bench.range(other)).toEqual(numbered('', 10))
      await until(async () => expect(await bench.admin.committed(group, topic)).toEqual(new Map([[0, 18]])))
      await producer.commit({ outgoing: [], offsets: { group, topic, partition: 0, offset: 99 } })
      await until(async () => expect(await bench.admin.committed(group, topic)).toEqual(new Map([[0, 99]])))
      await producer.close()
      await reading.reader.leave()
    })

    test('of a producer whose id was opened again throw FENCED and leave nothing', async () => {
      const [topic, id, group] = [await bench.topic(), freshTopic('id'), freshTopic('group')]
      const zombie = await bench.driver.transactional({ id })
      await zombie.commit({ outgoing: [{ topic, partition: 0, records: [record('before')] }] })
      const heir = await bench.driver.transactional({ id })
      const late = { outgoing: [{ topic, partition: 0, records: [record('zombie')] }], offsets: { group, topic, partition: 0, offset: 7 } }
      await expect(zombie.commit(late)).rejects.toMatchObject({ code: 'FENCED' })
      await expect(zombie.commit(late)).rejects.toMatchObject({ code: 'FENCED' })
      await heir.commit({ outgoing: [{ topic, partition: 0, records: [record('after')] }] })
      expect(await bench.range(topic)).toEqual(['before', 'after'])
      expect(await bench.admin.committed(group, topic)).toEqual(new Map())
      await Promise.all([zombie.close(), heir.close()])
    })

    test('of a producer that is fenced before its first throw FENCED, too', async () => {
      const [topic, id] = [await bench.topic(), freshTopic('id')]
      const zombie = await bench.driver.transactional({ id })
      const heir = await bench.driver.transactional({ id })
      await expect(zombie.commit({ outgoing: [{ topic, partition: 0, records: [record('zombie')] }] })).rejects.toMatchObject({ code: 'FENCED' })
      await heir.commit({ outgoing: [{ topic, partition: 0, records: [record('after')] }] })
      expect(await bench.range(topic)).toEqual(['after'])
    })
  })

  describe('a range', () => {
    test('that is empty ends at once', async () => {
      const topic = await bench.topic()
      // Whoever waits for records waits for the bench's request timeout, 15 s, each time.
      const started = performance.now()
      expect(await bench.range(topic)).toEqual([])
      await bench.send(topic, numbered('a', 3))
      expect(await bench.range(topic, { from: 3 })).toEqual([])
      expect(await bench.range(topic, { from: 1, to: 1 })).toEqual([])
      expect(performance.now() - started).toBeLessThan(10_000)
    })

    test('has the records from its first offset up to its end, not that', async () => {
      const topic = await bench.topic()
      await bench.send(topic, numbered('a', 10))
      await bench.send(topic, numbered('b', 10))
      expect(await bench.range(topic)).toEqual([...numbered('a', 10), ...numbered('b', 10)])
      expect(await bench.range(topic, { from: 8, to: 12 })).toEqual(['a8', 'a9', 'b0', 'b1'])
      expect(await bench.range(topic, { to: 1000 })).toHaveLength(20)
    })

    test('ends where markers of transactions and aborted records are all that is left', async () => {
      const topic = await bench.topic()
      const producer = await bench.driver.transactional({ id: freshTopic('id') })
      await producer.commit({ outgoing: [{ topic, partition: 0, records: numbered('a', 3).map(record) }] })
      expect(await bench.range(topic)).toEqual(['a0', 'a1', 'a2'])
      await bench.sendAborted(topic, [numbered('aborted', 3)])
      const started = performance.now()
      expect(await bench.range(topic)).toEqual(['a0', 'a1', 'a2'])
      expect(await bench.range(topic, { from: 3 })).toEqual([])
      expect(await bench.range(topic, { from: 5 })).toEqual([])
      expect(performance.now() - started).toBeLessThan(10_000)
      await producer.close()
    })

    test('shows nothing of aborted transactions that are larger than a fetch, or lie one within the other', async () => {
      const topic = await bench.topic()
      const driver = await bench.another({ fetchBytes: '20000' })
      const values = numbered(`${'x'.repeat(1000)}-`, 100)
      await bench.send(topic, ['first'])
      await bench.sendAborted(topic, [values, values], 10)
      await bench.send(topic, ['last'])
      const found: string[] = []
      for (let from = 0; from < 150; from += 49) {
        for await (const batch of (await driver.reader()).read({ topic, partition: 0, from })) found.push(...texts(batch))
      }
      expect(found).toEqual(['first', 'last', 'last', 'last', 'last'])
      const reading = await bench.join(topic, { driver })
      await until(() => expect(reading.values()).toEqual(['first', 'last']))
      await driver.close()
    })

    test('ends with the reason of its signal', async () => {
      const topic = await bench.topic()
      await bench.send(topic, ['a'])
      const reading = bench.reader.read({ topic, partition: 0, signal: AbortSignal.abort(new Error('enough')) })
      await expect(reading[Symbol.asyncIterator]().next()).rejects.toThrow('enough')
    })
  })

  describe('records that were deleted before they were read', () => {
    test('end a group reader and a range with KAFKA_GAP', async () => {
      const topic = await bench.topic()
      await bench.send(topic, numbered('a', 10))
      await bench.deleteBefore(topic, 4)
      const reading = await bench.join(topic, { from: 2 })
      await expect(reading.reader.ended).rejects.toMatchObject({ code: 'KAFKA_GAP', at: { partition: 0, offset: 2, low: 4 } })
      expect(reading.batches).toEqual([])
      await expect(bench.range(topic, { from: 2 })).rejects.toMatchObject({ code: 'KAFKA_GAP' })
      expect(await bench.range(topic)).toEqual(numbered('a', 6, 4))
    })

    test('and an offset past the end of the log does', async () => {
      const topic = await bench.topic()
      await bench.send(topic, numbered('a', 3))
      const reading = await bench.join(topic, { from: 100 })
      await expect(reading.reader.ended).rejects.toMatchObject({ code: 'KAFKA_GAP', at: { offset: 100, high: 3 } })
    })
  })

  describe('administration', () => {
    test('makes topics, tells about them, and says what the broker refuses', async () => {
      const { admin } = bench
      const name = freshTopic('admin')
      expect(await admin.partitions(name)).toBeUndefined()
      expect(await admin.create({ name, partitions: 3, config: { 'cleanup.policy': 'compact' } })).toBe(true)
      expect(await admin.create({ name, partitions: 3 })).toBe(false)
      expect(await admin.partitions(name)).toBe(3)
      expect(await admin.config(name)).toMatchObject({ 'cleanup.policy': 'compact' })
      expect(await admin.topics()).toContain(name)
      await bench.send(name, [])
      expect(await admin.offsets(name)).toEqual([0, 1, 2].map((partition) => ({ partition, low: 0, high: 0 })))
      expect(await admin.committed(freshTopic('group'), name)).toEqual(new Map())
      await expect(admin.create({ name: freshTopic('admin'), partitions: 1, replicas: 7 })).rejects.toMatchObject({ code: 'KAFKA_TOPIC' })
      await admin.remove(name)
      await until(async () => expect(await admin.topics()).not.toContain(name))
    })
  })

  test('a cluster that is not there is KAFKA_UNREACHABLE within the timeout', async () => {
    // Without it, that is after 10 s.
    const started = performance.now()
    await expect(bench.another({ brokers: '127.0.0.1:1', connectTimeout: '500ms' })).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' })
    expect(performance.now() - started).toBeLessThan(8000)
  })
}
