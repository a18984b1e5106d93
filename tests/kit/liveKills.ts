import { setTimeout as sleep } from 'node:timers/promises'
import type { LiveRun, LiveWorld } from './liveWorld.ts'

/** What the rounds came to: how many workers were killed before they had a partition, and how many with one. */
export interface Rounds {
  early: number
  working: number
}

/**
 * Feeds the whole market in so many rounds, and in each starts a worker and kills it with SIGKILL at a random moment: now
 * and then while it starts, else within a second and a half after it was given a partition. The last worker lives.
 */
export async function killRounds(world: LiveWorld, run: LiveRun, rounds: number): Promise<Rounds> {
  const done: Rounds = { early: 0, working: 0 }
  const { seconds } = world.options
  for (let round = 0; round < rounds; round++) {
    const fed = world.feed(Math.floor((seconds * round) / rounds), Math.floor((seconds * (round + 1)) / rounds), 2)
    const worker = run.start()
    const early = round % 4 === 1
    if (!early) await worker.until('a partition is restored', () => worker.restored().length > 0)
    await sleep(Math.random() * 1500)
    await worker.kill()
    done[early && worker.restored().length === 0 ? 'early' : 'working']++
    await fed
  }
  await world.end()
  await run.finish(run.start())
  return done
}
