import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeKafka, type OwnKafka, ownKafka } from '../kit/kafka.ts'
import { killRounds } from '../kit/liveKills.ts'
import { strays } from '../kit/liveRows.ts'
import { killWorkers } from '../kit/liveWorker.ts'
import { LiveWorld, SHORT_SESSIONS } from '../kit/liveWorld.ts'

/** Workers killed; tests/storm kills more. */
const ROUNDS = Number(process.env['TICKLOOM_KILLS'] ?? 4)

describeKafka(
  'a live worker that is killed with SIGKILL again and again',
  () => {
    let kafka: OwnKafka
    let world: LiveWorld
    const began = Date.now()
    beforeAll(async () => {
      kafka = await ownKafka({ properties: SHORT_SESSIONS })
      world = await LiveWorld.open({ brokers: kafka.brokers, partitions: 2, seconds: 200 + 60 * ROUNDS })
    })
    afterAll(async () => {
      await killWorkers()
      await world?.close()
      await kafka?.stop()
    })

    it('leaves in Parquet, in ClickHouse and in its topics what an undisturbed one does, row for row', async () => {
      const run = world.run('killed', 'killed-tables')
      const { working } = await killRounds(world, run, ROUNDS)
      expect(working).toBeGreaterThan(ROUNDS / 2)
      await run.expectRows(await world.undisturbed('undisturbed-tables'))
      expect(strays(run.out)).toEqual([])
      // Not the time of the event: the broker deletes records by it, and those of a day fed again later would go at once.
      expect(await run.oldestPublished()).toBeGreaterThan(began)
    }, 600_000)
  },
  { shared: false },
)
