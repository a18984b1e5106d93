import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ClickHouseFront, clickhouseFront } from '../kit/clickhouseFront.ts'
import { describeKafka, type OwnKafka, ownKafka } from '../kit/kafka.ts'
import { killRounds } from '../kit/liveKills.ts'
import { strays } from '../kit/liveRows.ts'
import { killWorkers } from '../kit/liveWorker.ts'
import { LiveWorld, SHORT_SESSIONS } from '../kit/liveWorld.ts'

const ROUNDS = 30

describeKafka(
  'thirty kills of a live worker',
  () => {
    let kafka: OwnKafka
    let front: ClickHouseFront
    let world: LiveWorld
    beforeAll(async () => {
      kafka = await ownKafka({ properties: SHORT_SESSIONS })
      front = await clickhouseFront()
      world = await LiveWorld.open({ brokers: kafka.brokers, partitions: 2, seconds: 40 * ROUNDS, epoch: '5s' })
    })
    afterAll(async () => {
      await killWorkers()
      await world?.close()
      await front?.close()
      await kafka?.stop()
    })

    it('leave in Parquet, in the tables of a server and in the output topics what an undisturbed run does', async () => {
      const run = world.run('killed', front.url)
      const { working } = await killRounds(world, run, ROUNDS)
      expect(working).toBeGreaterThan(ROUNDS / 2)
      await run.expectRows(await world.undisturbed(front.url))
      expect(strays(run.out)).toEqual([])
    }, 400_000)
  },
  { shared: false },
)
