import { expect, it } from 'vitest'
import { type CheckpointCosts, checkpointCosts } from '../../bench/liveCheckpoint.ts'
import { readKafkaConfig } from '../../connectors/kafka/config.ts'
import { openDriver } from '../../connectors/kafka/openDriver.ts'
import { describeKafka, kafkaHere } from '../kit/kafka.ts'

/** Of CPU time. On a quiet machine 200 ms pass at most (bench/live.md); here others take the cores in between, and caches with them. */
const MOST_MS = 2 * 200
const MOST_BYTES = 10e6

function hold({ full, difference, restore }: CheckpointCosts): void {
  const say = (cost: typeof full): string =>
    `${Math.round(cost.encoded + (cost.commit ?? 0))} ms (CPU ${Math.round(cost.cpu)}), ${(cost.bytes / 1e6).toFixed(1)} MB`
  process.stderr.write(
    `checkpoint: full ${say(full)}; difference ${say(difference)}; restored in ${Math.round(restore.total)} ms (CPU ${Math.round(restore.cpu)})\n`,
  )
  for (const { cpu, bytes } of [full, difference]) {
    expect(cpu).toBeLessThan(MOST_MS)
    expect(bytes).toBeLessThan(MOST_BYTES)
  }
  expect(difference.bytes).toBeLessThan(full.bytes / 5)
  expect(restore.cpu).toBeLessThan(MOST_MS)
}

it('a checkpoint of 10,000 instruments with a 600-second window is small and soon made', async () => {
  hold(await checkpointCosts({ instruments: 10_000, rounds: 3 }))
}, 60_000)

describeKafka('such a checkpoint', () => {
  it('is soon in its topic, and soon back', async () => {
    const driver = await openDriver(readKafkaConfig({ flags: { brokers: kafkaHere().brokers.join(',') } }))
    try {
      hold(await checkpointCosts({ instruments: 10_000, rounds: 3 }, driver))
    } finally {
      await driver.close()
    }
  }, 60_000)
})
