import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { DriverBench, numbered } from '../kit/driverBench.ts'
import { describeKafka, type OwnKafka, ownKafka } from '../kit/kafka.ts'
import { commitAll, sendAll } from '../kit/steadyTraffic.ts'

const DRIVERS = ['kafkajs', 'platformatic'] as const

const until = (holds: () => void): Promise<void> => vi.waitFor(holds, { timeout: 30_000, interval: 50 })

describeKafka(
  'one of three brokers that is killed',
  () => {
    let kafka: OwnKafka
    beforeAll(async () => {
      kafka = await ownKafka({ brokers: 3 })
    })
    afterAll(() => kafka?.stop())

    test.each(DRIVERS)(
      'does not stop the stream, costs no record, and none comes twice: %s',
      async (name) => {
        const bench = await DriverBench.open(name, kafka.brokers.join(','), { requestTimeout: '20s' })
        const [plain, transactional] = [await bench.topic(), await bench.topic()]
        const [reading, other] = [await bench.join(plain), await bench.join(transactional)]
        const n = 150
        const [sending, committing] = [sendAll(bench, plain, n), commitAll(bench.driver, transactional, n)]
        await sleep(500)
        const killed = DRIVERS.indexOf(name)
        await kafka.kill(killed)
        await Promise.all([sending, committing])
        // A member that had to join again reads from the start.
        await until(() => expect(new Set(reading.values()).size).toBe(n))
        await until(() => expect(new Set(other.values()).size).toBe(n))
        expect(await bench.range(plain)).toEqual(numbered('v', n))
        expect(await bench.range(transactional)).toEqual(numbered('t', n))
        await bench.close()
        await kafka.restart(killed)
      },
      90_000,
    )
  },
  { shared: false },
)
