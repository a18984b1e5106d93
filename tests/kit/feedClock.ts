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
