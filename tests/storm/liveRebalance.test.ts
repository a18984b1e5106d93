import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, it } from 'vitest'
import { SECOND } from '../../core/time.ts'
import { describeKafka, type OwnKafka, ownKafka } from '../kit/kafka.ts'
import { expectBaselines, LiveCrew } from '../kit/liveMoves.ts'
import { killWorkers } from '../kit/liveWorker.ts'
import { LiveWorld, SHORT_SESSIONS } from '../kit/liveWorld.ts'

const SECONDS = 1800
const WARM = 700
const MOVES = 16

describeKafka(
  'a crew of live workers in a storm',
  () => {
    let kafka: OwnKafka
    let world: LiveWorld
    beforeAll(async () => {
      kafka = await ownKafka({ properties: SHORT_SESSIONS })
      world = await LiveWorld.open({ brokers: kafka.brokers, partitions: 4, seconds: SECONDS, window: 30, baseline: 600, epoch: '5s' })
    })
    afterAll(async () => {
      await killWorkers()
      await world?.close()
      await kafka?.stop()
    })

    it('loses nothing, writes nothing twice and keeps its baselines', async () => {
      const run = world.run('crew')
      const crew = new LiveCrew(world, run)
      await world.feed(0, WARM)
      const fed = world.feed(WARM, SECONDS, 90)
      await crew.join()
      for (let move = 0; move < MOVES; move++) {
        const ways = crew.size < 2 ? [() => crew.join()] : crew.size > 2 ? leaving(crew) : [() => crew.join(), ...leaving(crew)]
        await ways[Math.floor(Math.random() * ways.length)]()
        await sleep(Math.random() * 2000)
      }
      await fed
      await world.end()
      await crew.finish()
      await run.expectRows(await world.undisturbed())
      expectBaselines(await run.rows(), crew.moves(5 * SECOND), WARM)
    }, 400_000)
  },
  { shared: false },
)

function leaving(crew: LiveCrew): (() => Promise<unknown>)[] {
  return [() => crew.killOne(), () => crew.terminateOne(), () => crew.zombie()]
}
