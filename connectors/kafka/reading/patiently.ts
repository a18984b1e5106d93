import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaConfig } from '../config.ts'
import { within } from '../deadline.ts'
import { WAIT } from './assigned.ts'
import { passes, refused } from './passes.ts'
import type { Wire } from './wire.ts'

/**
 * What `ask` answers, asked again and again for as long as a call may take: a topic that was just made has no leader
 * yet, and one whose leader is gone gets another.
 */
export async function patiently<T>(wire: Wire, { requestTimeout }: KafkaConfig, topic: string, ask: () => Promise<T>): Promise<T> {
  const giveUp = performance.now() + requestTimeout
  for (;;) {
    try {
      return await within(requestTimeout, `reading ${topic}`, ask())
    } catch (error) {
      if (!passes(error) || performance.now() > giveUp) throw error
      await sleep(WAIT)
      await wire.relearn(topic).catch((again: unknown) => {
        if (refused(again)) throw again
      })
    }
  }
}
