import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { KafkaDriver } from '../../connectors/kafka/driver.ts'
import { DriverBench, numbered, texts } from './driverBench.ts'
import { freshTopic, kafkaHere } from './kafka.ts'

const until = (holds: () => void, timeout = 30_000): Promise<void> => vi.waitFor(holds, { timeout, interval: 20 })
const SESSION = 6000

/** What every driver does as a member of a group, against a real broker. Tests run side by side: some wait for sessions to end. */
export function groupContract(name: KafkaDriver['name']): void {
  let bench: DriverBench
  beforeAll(async () => {
    bench = await DriverBench.open(name, kafkaHere().brokers.join(','))
  })
  afterAll(() => bench?.close())

  describe.concurrent('a member of a group', { timeout: 90_000 }, () => {
    test('shares the partitions with another, and has them all again when that one leaves', async () => {
      const [topic, group] = [await bench.topic(4), freshTopic('group')]
      const one = await bench.join(topic, { group })
      await until(() => expect(one.partitions).toEqual([0, 1, 2, 3]))
      const two = await bench.join(topic, { group })
      await until(() => expect([one.partitions.length, two.partitions.length]).toEqual([2, 2]))
      expect([...one.partitions, ...two.partitions].sort()).toEqual([0, 1, 2, 3])
      expect(one.rebalancings).toBeGreaterThan(0)
      for (let partition = 0; partition < 4; partition++) await bench.send(topic, [`v${partition}`], partition)
      await until(() => {
        for (const partition of one.partitions) expect(one.values(partition)).toEqual([`v${partition}`])
        for (const partition of two.partitions) expect(two.values(partition)).toEqual([`v${partition}`])
      })
      await two.reader.leave()
      await until(() => expect(one.partitions).toEqual([0, 1, 2, 3]))
      await one.reader.leave()
    })

    test('takes over what a killed one had', async () => {
      const [topic, group] = [await bench.topic(2), freshTopic('group')]
      const { child, partitions } = await otherProcess(['--brokers', bench.brokers, '--driver', name, '--group', group, '--topic', topic])
      expect(partitions).toEqual([0, 1])
      const one = await bench.join(topic, { group })
      await until(() => expect(one.partitions).toHaveLength(1))
      child.kill('SIGKILL')
      await until(() => expect(one.partitions).toEqual([0, 1]), 5 * SESSION)
      await one.reader.leave()
    })

    test('stands still until it seeks, after every assignment anew', async () => {
      const [topic, group] = [await bench.topic(), freshTopic('group')]
      await bench.send(topic, numbered('a', 3))
      const one = await bench.join(topic, { group, from: null })
      await until(() => expect(one.partitions).toEqual([0]))
      await sleep(400)
      expect(one.batches).toEqual([])
      one.reader.seek(0, 1)
      await until(() => expect(one.values()).toEqual(['a1', 'a2']))
      const two = await bench.join(topic, { group, from: null })
      await until(() => {
        expect(one.assignments.length + two.assignments.length).toBeGreaterThanOrEqual(3)
        expect([...one.partitions, ...two.partitions]).toEqual([0])
      })
      await bench.send(topic, numbered('b', 3))
      await sleep(400)
      expect([...one.values(), ...two.values()]).toEqual(['a1', 'a2'])
      const owner = one.partitions.length > 0 ? one : two
      owner.reader.seek(0, 5)
      await until(() => expect(owner.values().at(-1)).toBe('b2'))
      expect(owner.values()).toEqual(owner === one ? ['a1', 'a2', 'b2'] : ['b2'])
      await Promise.all([one.reader.leave(), two.reader.leave()])
    })

    test('seeks back and forward, and hands over nothing of what was fetched before', async () => {
      const topic = await bench.topic()
      const values = numbered(`${'x'.repeat(200)}-`, 20_000)
      for (let i = 0; i < values.length; i += 5000) await bench.send(topic, values.slice(i, i + 5000))
      const reading = await bench.join(topic)
      for (const target of [15_000, 3, 19_999, 0, 7_777]) {
        await until(() => expect(reading.batches.length).toBeGreaterThan(0))
        reading.batches.length = 0
        reading.reader.seek(0, target)
        await until(() => expect(reading.batches.length).toBeGreaterThan(0))
        expect(reading.batches[0].from).toBe(target)
      }
      await until(() => expect(reading.batches.at(-1)?.next).toBe(20_000))
      expect(reading.values()).toEqual(values.slice(7_777))
      await reading.reader.leave()
    })

    test('that paused gets nothing, and all of it once, in order, when it goes on', async () => {
      const topic = await bench.topic(2)
      const driver = await bench.another({ fetchBytes: '20000' })
      const values = numbered(`${'x'.repeat(100)}-`, 3000)
      for (let i = 0; i < values.length; i += 100) for (const partition of [0, 1]) await bench.send(topic, values.slice(i, i + 100), partition)
      const got: string[][] = [[], []]
      let deliveries = 0
      const reader = await driver.join({
        group: freshTopic('group'),
        topic,
        member: {
          onAssigned: (partitions) => partitions.forEach((partition) => void reader.seek(partition, 0)),
          onRecords(batch) {
            deliveries++
            got[batch.partition].push(...texts(batch))
            reader.pause(batch.partition)
            const before = got[batch.partition].length
            setTimeout(() => {
              expect(got[batch.partition].length).toBe(before)
              reader.resume(batch.partition)
            }, 5)
          },
        },
      })
      await until(() => expect(got.map(({ length }) => length)).toEqual([3000, 3000]))
      expect(got).toEqual([values, values])
      expect(deliveries).toBeGreaterThan(20)
      await driver.close()
    })

    test('stays one while everything is paused for longer than its session', async () => {
      const [topic, group] = [await bench.topic(2), freshTopic('group')]
      const one = await bench.join(topic, { group })
      await until(() => expect(one.partitions).toEqual([0, 1]))
      for (const partition of [0, 1]) one.reader.pause(partition)
      await bench.send(topic, ['a'])
      await sleep(SESSION + 2500)
      expect(one.batches).toEqual([])
      expect([one.assignments.length, one.rebalancings]).toEqual([1, 0])
      one.reader.resume(0)
      await until(() => expect(one.values()).toEqual(['a']))
      await one.reader.leave()
    })

    test('leaves, and everything ends, when the driver is closed', async () => {
      const [topic, group] = [await bench.topic(), freshTopic('group')]
      // Who is told nothing waits for the session to end.
      const driver = await bench.another({ sessionTimeout: '60s' })
      const one = await bench.join(topic, { group, driver })
      await until(() => expect(one.partitions).toEqual([0]))
      const started = performance.now()
      await driver.close()
      await one.reader.ended
      expect(performance.now() - started).toBeLessThan(15_000)
      const two = await bench.join(topic, { group })
      await until(() => expect(two.partitions).toEqual([0]))
      await two.reader.leave()
    })
  })
}

/** A member in a process of its own, once it has partitions. */
async function otherProcess(flags: readonly string[]): Promise<{ child: ChildProcess; partitions: unknown }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('groupMember.ts', import.meta.url)), ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await once(child.stdout!, 'data')
  return { child, partitions: JSON.parse(String(said).split('\n')[0]) }
}
