/** Time and chance as a feed sees them; tests bring their own. */
export interface FeedClock {
  /** Microseconds since the epoch, UTC. */
  now(): number
  /** Milliseconds from any instant on; never goes back. */
  elapsed(): number
  /** Calls once after so many milliseconds; answers what calls it off. */
  after(milliseconds: number, call: () => void): () => void
  /** From 0 to below 1. */
  random(): number
}

/** The machine's. */
export const systemClock: FeedClock = {
  now: () => Math.floor((performance.timeOrigin + performance.now()) * 1000),
  elapsed: () => performance.now(),
  after(milliseconds, call) {
    const timer = setTimeout(call, milliseconds)
    return () => clearTimeout(timer)
  },
  random: () => Math.random(),
}
