import { zstdCompressSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { type CheckpointCosts, checkpointCosts } from '../../bench/liveCheckpoint.ts'
import { readKafkaConfig } from '../../connectors/kafka/config.ts'
import { openDriver } from '../../connectors/kafka/openDriver.ts'
import { describeKafka, kafkaHere } from '../kit/kafka.ts'

/** Of CPU time. On a quiet machine 200 ms pass at most (bench/live.md); here others take the cores in between, and caches with them. */
const MOST_MS = 2 * 200
/** CPU time of `fixedWork` there, milliseconds. */
const THERE_MS = 175
const MOST_BYTES = 10e6

/** Work of the same kind that is always the same, over numbers and in the compressor: CPU milliseconds. */
function fixedWork(): number {
  const before = process.cpuUsage()
  const values = new Float64Array(2_000_000)
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < values.length; i++) values[i] += (i * 2_654_435_761) % 1000
    zstdCompressSync(new Uint8Array(values.slice(0, 250_000).buffer))
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** Costs that were taken between two calls of `fixedWork`, which say how slow the machine was. */
function hold({ full, difference, restore }: CheckpointCosts, slowness: number): void {
  const most = MOST_MS * Math.max(1, slowness / THERE_MS)
  const say = (cost: typeof full): string =>
    `${Math.round(cost.encoded + (cost.commit ?? 0))} ms (CPU ${Math.round(cost.cpu)}), ${(cost.bytes / 1e6).toFixed(1)} MB`
  process.stderr.write(
    `checkpoint: full ${say(full)}; difference ${say(difference)}; restored in ${Math.round(restore.total)} ms (CPU ${Math.round(restore.cpu)})\n`,
  )
  for (const { cpu, bytes } of [full, difference]) {
    expect(cpu).toBeLessThan(most)
    expect(bytes).toBeLessThan(MOST_BYTES)
  }
  expect(difference.bytes).toBeLessThan(full.bytes / 5)
  expect(restore.cpu).toBeLessThan(most)
}

it('a checkpoint of 10,000 instruments with a 600-second window is small and soon made', async () => {
  const before = fixedWork()
  const costs = await checkpointCosts({ instruments: 10_000, rounds: 3 })
  hold(costs, Math.max(before, fixedWork()))
}, 120_000)

describeKafka('such a checkpoint', () => {
  it('is soon in its topic, and soon back', async () => {
    const driver = await openDriver(readKafkaConfig({ flags: { brokers: kafkaHere().brokers.join(',') } }))
    try {
      const before = fixedWork()
      const costs = await checkpointCosts({ instruments: 10_000, rounds: 3 }, driver)
      hold(costs, Math.max(before, fixedWork()))
    } finally {
      await driver.close()
    }
  }, 120_000)
})
