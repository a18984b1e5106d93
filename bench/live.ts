import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readKafkaConfig } from '../connectors/kafka/config.ts'
import { fetchPrograms } from '../connectors/kafka/dev/fetch.ts'
import { startServices } from '../connectors/kafka/dev/services.ts'
import { openDriver } from '../connectors/kafka/openDriver.ts'
import { checkpointCosts } from './liveCheckpoint.ts'
import { latency } from './liveLatency.ts'
import { throughput } from './liveThroughput.ts'

// npm run bench:live: the live path beside bare clients, on a broker of its own, as JSON. Progress goes to stderr.

const { values: flags } = parseArgs({
  allowNegative: true,
  options: {
    ticks: { type: 'string', default: '4000000' },
    runs: { type: 'string', default: '3' },
    parts: { type: 'string', default: 'throughput,latency,checkpoint' },
    seconds: { type: 'string', default: '60' },
    only: { type: 'string' },
    platformatic: { type: 'boolean', default: true },
  },
})
const parts = flags.parts.split(',')
const say = (line: string): void => void process.stderr.write(`${line}\n`)
const loadBefore = loadavg()[0]
const data = mkdtempSync(join(tmpdir(), 'tickloom-bench-kafka-'))
const services = await startServices({ programs: await fetchPrograms({ say }), data })
try {
  const brokers = services.cluster.brokers.join(',')
  const driver = await openDriver(readKafkaConfig({ flags: { brokers } }))
  const results: Record<string, unknown> = {}
  if (parts.includes('throughput'))
    results['throughput'] = await throughput({
      driver,
      brokers,
      ticks: Number(flags.ticks),
      runs: Number(flags.runs),
      only: flags.only,
      platformatic: flags.platformatic,
      say,
    })
  if (parts.includes('latency')) {
    const measured = []
    for (const name of flags.platformatic ? (['kafkajs', 'platformatic'] as const) : (['kafkajs'] as const))
      measured.push(await latency({ driver, brokers, rate: 5_000, seconds: Number(flags.seconds), name, say }))
    results['latency'] = measured
  }
  if (parts.includes('checkpoint')) {
    const costs = await checkpointCosts({ instruments: 10_000, rounds: 5 }, driver)
    const { full, difference, restore } = costs
    const cost = ({ snapshot, main, encoded, commit = 0, bytes }: typeof full): string =>
      `${(encoded + commit).toFixed(0)} ms (the graph stands still ${(snapshot + main).toFixed(0)} ms, commit ${commit.toFixed(0)} ms), ${(bytes / 1e6).toFixed(2)} MB`
    say(
      `checkpoint of ${costs.instruments} instruments: full ${cost(full)}; difference ${cost(difference)}; restored in ${restore.total.toFixed(0)} ms`,
    )
    results['checkpoint'] = costs
  }
  await driver.close()
  const report = {
    date: new Date().toISOString().slice(0, 10),
    machine: {
      cores: cpus().length,
      model: cpus()[0].model,
      memoryMb: Math.round(Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) / 1024),
      // Of the minute before: above a few tenths, others were at work and the figures are lower than they should be.
      loadBefore,
    },
    node: process.version,
    ...results,
  }
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
} finally {
  await services.stop(0)
  rmSync(data, { recursive: true, force: true })
}
