import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { DriverBench, numbered, record } from '../../kit/driverBench.ts'
import { describeKafka, freshTopic, type OwnKafka, ownKafka } from '../../kit/kafka.ts'
import { askAll, commitAll, sendAll } from '../../kit/steadyTraffic.ts'

const DRIVERS = ['kafkajs', 'platformatic'] as const

const until = (holds: () => void): Promise<void> => vi.waitFor(holds, { timeout: 60_000, interval: 50 })

describeKafka(
  'a broker that is killed',
  () => {
    let kafka: OwnKafka
    beforeAll(async () => {
      kafka = await ownKafka()
    })
    afterAll(() => kafka?.stop())

    describe.each(DRIVERS)('%s', (name) => {
      let bench: DriverBench
      beforeAll(async () => {
        bench = await DriverBench.open(name, kafka.brokers.join(','), { requestTimeout: '60s' })
      })
      afterAll(() => bench?.close())

      test('and restarted costs no record, and none comes twice', async () => {
        const [plain, transactional] = [await bench.topic(), await bench.topic()]
        const reading = await bench.join(plain)
        const other = await bench.join(transactional)
        const n = 150
        const sending = sendAll(bench, plain, n)
        const committing = commitAll(bench.driver, transactional, n)
        // Whose broker breaks while it joins for the first time may end, and is joined again by whoever asked for it.
        await until(() => expect([reading.partitions, other.partitions]).toEqual([[0], [0]]))
        await until(() => expect(Math.min(reading.values().length, other.values().length)).toBeGreaterThan(0))
        const outage = kafka
          .kill(0)
          .then(() => sleep(1000))
          .then(() => kafka.restart(0))
        const over = new AbortController()
        const working = Promise.all([outage, sending, committing]).finally(() => over.abort())
        await Promise.all([working, askAll(bench, plain, over.signal)])
        await until(() => expect(reading.values()).toHaveLength(n))
        expect(reading.values()).toEqual(numbered('v', n))
        await until(() => expect(other.values().length).toBeGreaterThanOrEqual(n))
        expect(other.values()).toEqual(numbered('t', n))
        await Promise.all([reading.reader.leave(), other.reader.leave()])
      }, 180_000)

      test('and stays away is KAFKA_UNREACHABLE after the timeout, and closing does not wait for it', async () => {
        const driver = await bench.another({ requestTimeout: '2s', sessionTimeout: '6s', connectTimeout: '60s' })
        const topic = await bench.topic()
        const [producer, reader, committer] = [await driver.producer(), await driver.reader(), await driver.transactional({ id: freshTopic('id') })]
        const reading = await bench.join(topic, { driver })
        await until(() => expect(reading.partitions).toEqual([0]))
        await kafka.kill(0)
        const started = performance.now()
        const range = reader.read({ topic, partition: 0 })[Symbol.asyncIterator]()
        const outgoing = { topic, partition: 0, records: [record('a')] }
        const failing = [producer.send(outgoing), committer.commit({ outgoing: [outgoing] }), range.next(), reading.reader.ended]
        for (const failure of await Promise.allSettled(failing))
          expect(failure).toMatchObject({ status: 'rejected', reason: { code: 'KAFKA_UNREACHABLE' } })
        // Without the timeout it would be the usual 30 s.
        expect(performance.now() - started).toBeLessThan(20_000)
        const closing = performance.now()
        await driver.close()
        // What closing waits for at most is the time for connecting.
        expect(performance.now() - closing).toBeLessThan(20_000)
        await kafka.restart(0)
      }, 120_000)
    })
  },
  { shared: false },
)
