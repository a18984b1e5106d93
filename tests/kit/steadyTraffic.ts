import { setTimeout as sleep } from 'node:timers/promises'
import { expect, vi } from 'vitest'
import type { KafkaDriver, TransactionalProducer } from '../../connectors/kafka/driver.ts'
import { type DriverBench, numbered, record } from './driverBench.ts'
import { freshTopic } from './kafka.ts'

/** Sends v0 to v(n - 1), one after the other, for longer than a broker is away. */
export async function sendAll(bench: DriverBench, topic: string, n: number): Promise<void> {
  for (const value of numbered('v', n)) {
    await bench.send(topic, [value])
    await sleep(10)
  }
}

/** Commits t0 to t(n - 1) as a live worker does: after a failure it opens the id anew and goes on from what was committed. */
export async function commitAll(driver: KafkaDriver, topic: string, n: number): Promise<void> {
  const id = freshTopic('id')
  const reader = await driver.reader()
  let producer: TransactionalProducer | undefined
  for (let next = 0; next < n; ) {
    try {
      producer ??= await driver.transactional({ id })
      await producer.commit({ outgoing: [{ topic, partition: 0, records: [record(`t${next}`)] }] })
      next++
      await sleep(10)
    } catch (error) {
      expect(error).toMatchObject({ retry: true })
      await producer?.close()
      producer = await vi.waitFor(() => driver.transactional({ id }), { timeout: 30_000, interval: 200 })
      next = 0
      for await (const batch of reader.read({ topic, partition: 0 })) next += batch.n
    }
  }
}

/** Asks again and again what a group has committed, until the signal: nobody has, and the broker may be away. */
export async function askAll(bench: DriverBench, topic: string, signal: AbortSignal): Promise<void> {
  const group = freshTopic('group')
  while (!signal.aborted) {
    expect(await bench.admin.committed(group, topic)).toEqual(new Map())
    await sleep(5)
  }
}
