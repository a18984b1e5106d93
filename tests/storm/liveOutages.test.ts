import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest'
import { clickhouseFront } from '../kit/clickhouseFront.ts'
import { describeKafka, type OwnKafka, ownKafka } from '../kit/kafka.ts'
import { liveDoor } from '../kit/liveDoor.ts'
import { killWorkers } from '../kit/liveWorker.ts'
import { LiveWorld, SHORT_SESSIONS } from '../kit/liveWorld.ts'

const SECONDS = 600

describeKafka(
  'a live worker that nobody restarts',
  () => {
    let kafka: OwnKafka
    let world: LiveWorld
    const open = async (brokers: number, partitions: number) => {
      kafka = await ownKafka({ brokers, properties: SHORT_SESSIONS })
      world = await LiveWorld.open({ brokers: kafka.brokers, partitions, seconds: SECONDS, epoch: '5s', session: 6000 })
    }
    beforeEach(() => killWorkers())
    afterEach(async () => {
      await killWorkers()
      await world?.close()
      await kafka?.stop()
    })
    afterAll(() => killWorkers())

    it('rides out three kills of its only broker, which comes back on its data', async () => {
      await open(1, 2)
      const run = world.run('outage')
      const worker = run.start()
      const fed = world.feed(0, SECONDS, 45)
      await worker.until('it works', () => worker.restored().length === 2)
      for (let kill = 0; kill < 3; kill++) {
        await sleep(2000 + Math.random() * 3000)
        await kafka.kill(0)
        await sleep(Math.random() * 3000)
        await kafka.restart(0)
      }
      await fed
      await world.end()
      await run.finish(worker)
      await run.expectRows(await world.undisturbed())
    }, 200_000)

    it('rides out a ClickHouse server that refuses connections for 20 seconds', async () => {
      await open(1, 2)
      const front = await clickhouseFront()
      const door = await liveDoor(front.url)
      try {
        const run = world.run('refused', door.url)
        const worker = run.start()
        const fed = world.feed(0, SECONDS, 30)
        await worker.until('it works', () => worker.restored().length === 2)
        await sleep(3000)
        await door.shut()
        await sleep(20_000)
        await door.open()
        await fed
        await world.end()
        await run.finish(worker)
        expect(worker.log.filter(({ code }) => code === 'CLICKHOUSE_REFUSED').length).toBeGreaterThan(0)
        await run.expectRows(await world.undisturbed(front.url))
      } finally {
        await door.shut()
        await front.close()
      }
    }, 200_000)

    it('goes on while one of three brokers is dead, and then another', async () => {
      await open(3, 4)
      const run = world.run('cluster')
      const worker = run.start()
      const fed = world.feed(0, SECONDS, 50)
      await worker.until('it works', () => worker.restored().length === 4)
      for (const broker of [0, 1]) {
        await sleep(2000)
        await kafka.kill(broker)
        const before = await run.committed()
        await worker.until('it goes on without the broker', async () => (await run.committed()) > before + 500, 60)
        await kafka.restart(broker)
        await sleep(3000)
      }
      await fed
      await world.end()
      await run.finish(worker)
      await run.expectRows(await world.undisturbed())
    }, 240_000)
  },
  { shared: false },
)
