import { afterAll, beforeAll, it } from 'vitest'
import { SECOND } from '../../core/time.ts'
import { describeKafka, type OwnKafka, ownKafka } from '../kit/kafka.ts'
import { expectBaselines, LiveCrew } from '../kit/liveMoves.ts'
import { killWorkers } from '../kit/liveWorker.ts'
import { LiveWorld, SHORT_SESSIONS } from '../kit/liveWorld.ts'

const SECONDS = 1000
/** From here on every instrument that trades often has a baseline of 600 seconds. */
const WARM = 700
/** From here on they are sent when all have come and gone: also a move after all the rest was read has bursts behind it. */
const LAST = 960

describeKafka(
  'live workers that share four partitions',
  () => {
    let kafka: OwnKafka
    let world: LiveWorld
    beforeAll(async () => {
      kafka = await ownKafka({ properties: SHORT_SESSIONS })
      world = await LiveWorld.open({ brokers: kafka.brokers, partitions: 4, seconds: SECONDS, window: 30, baseline: 600 })
    })
    afterAll(async () => {
      await killWorkers()
      await world?.close()
      await kafka?.stop()
    })

    it('lose nothing, write nothing twice and keep their baselines when they join, leave, are killed, or stand still and come back', async () => {
      const run = world.run('shared')
      const crew = new LiveCrew(world, run)
      await world.feed(0, WARM)
      const fed = world.feed(WARM, LAST, 20)
      await crew.join()
      await crew.join()
      await crew.killOne()
      await crew.join()
      await crew.zombie()
      await crew.terminateOne()
      await fed
      await world.feed(LAST, SECONDS)
      await world.end()
      await crew.finish()
      await run.expectRows(await world.undisturbed())
      expectBaselines(await run.rows(), crew.moves(10 * SECOND), WARM)
    }, 240_000)
  },
  { shared: false },
)
