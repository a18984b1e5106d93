import type { FeedClock } from '../../connectors/feeds/clock.ts'

/** A clock that runs `speed` times as fast as the machine's, with its own dice, so that minutes pass in a test of seconds. */
export function fastClock(speed: number, seed = 1): FeedClock {
  const start = performance.now()
  const elapsed = (): number => (performance.now() - start) * speed
  let state = seed
  return {
    elapsed,
    now: () => Math.floor(1_700_000_000_000_000 + elapsed() * 1000),
    after(milliseconds, call) {
      const timer = setTimeout(call, milliseconds / speed)
      return () => clearTimeout(timer)
    },
    random() {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 32
    },
  }
}

/** A clock that goes on when it is told to. */
export interface HandClock extends FeedClock {
  /** Milliseconds on; what falls due meanwhile is called at its time, and what follows from it at once is waited for. */
  pass(milliseconds: number): Promise<void>
}

export function handClock(start = 1_700_000_000_000_000): HandClock {
  let elapsed = 0
  const timers = new Set<{ readonly at: number; readonly call: () => void }>()
  return {
    elapsed: () => elapsed,
    now: () => start + elapsed * 1000,
    after(milliseconds, call) {
      const timer = { at: elapsed + milliseconds, call }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    random: () => 0,
    async pass(milliseconds) {
      const to = elapsed + milliseconds
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= to).sort((a, b) => a.at - b.at)
        if (next === undefined) break
        elapsed = next.at
        timers.delete(next)
        next.call()
        await new Promise(setImmediate)
      }
      elapsed = to
      await new Promise(setImmediate)
    },
  }
}
