import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, TickloomError } from '../core/errors.ts'
import type { LiveEvent, LiveWatch } from './liveEvents.ts'
import { LivePartition, type LivePlan } from './livePartition.ts'

/** Milliseconds before a partition that failed is taken up again: doubled at each failure in a row, up to the last. */
const RETRY = { first: 500, last: 15_000 }

/**
 * Runs the topology on the partitions that the log's group gives this process, one graph each, until the signal.
 *
 * A partition is claimed, its state restored, and driven; when the group takes it away it ends after the epoch that
 * is being saved. A failure outside (a broker, a database) is reported and the partition taken up again from its last
 * checkpoint, or the group joined again; what a user has to mend, or a fault of this code, ends the whole run and is thrown.
 */
export async function runLive(plan: LivePlan, watch: LiveWatch): Promise<void> {
  const run = new LiveRun(plan, watch)
  await run.whole()
}

class LiveRun {
  readonly #plan: LivePlan
  readonly #watch: LiveWatch
  readonly #stop = new AbortController()
  readonly #owners = new Map<string, Owner>()
  #failure: unknown

  constructor(plan: LivePlan, watch: LiveWatch) {
    this.#plan = plan
    this.#watch = watch
  }

  async whole(): Promise<void> {
    const { signal } = this.#watch
    // The group is left only when its partitions are at rest: whoever gets them next finds their last epoch.
    const ask = () => void this.#settle()
    if (signal.aborted) return
    signal.addEventListener('abort', ask, { once: true })
    try {
      await this.#stay()
    } catch (thrown) {
      this.#failure ??= thrown
    } finally {
      signal.removeEventListener('abort', ask)
      await this.#settle()
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** A member of the group until this run is over, again after each failure that passes. */
  async #stay(): Promise<void> {
    const { signal } = this.#stop
    for (let wait = RETRY.first; !signal.aborted; wait = Math.min(RETRY.last, wait * 2)) {
      const started = performance.now()
      try {
        return await this.#plan.log.join((partitions) => this.#share(partitions), signal)
      } catch (thrown) {
        if (!passes(thrown)) throw thrown
        if (performance.now() - started > RETRY.last) wait = RETRY.first
        for (const { stop } of this.#owners.values()) stop.abort()
        this.#tell({ type: 'left', failure: thrown, retryIn: wait })
        await sleep(wait, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  #share(partitions: readonly string[]): void {
    if (this.#watch.signal.aborted || this.#failure !== undefined) return
    this.#tell({ type: 'assigned', partitions })
    for (const [partition, owner] of this.#owners) if (!partitions.includes(partition)) owner.stop.abort()
    for (const partition of partitions) {
      const before = this.#owners.get(partition)
      if (before !== undefined && !before.stop.signal.aborted) continue
      const stop = new AbortController()
      const done = (before?.done ?? Promise.resolve()).then(() => this.#own(partition, stop.signal))
      const owner: Owner = { stop, done }
      this.#owners.set(partition, owner)
      void done.then(() => {
        if (this.#owners.get(partition) === owner) this.#owners.delete(partition)
      })
    }
  }

  async #own(partition: string, stop: AbortSignal): Promise<void> {
    let wait = RETRY.first
    const live = new LivePartition(this.#plan, partition, this.#watch)
    while (!stop.aborted) {
      const started = performance.now()
      try {
        await live.drive(stop)
        return
      } catch (thrown) {
        if (stop.aborted && isInterruption(thrown)) return
        if (!passes(thrown)) return this.#fail(thrown)
        if (performance.now() - started > RETRY.last) wait = RETRY.first
        this.#tell({ type: 'failed', partition, failure: thrown, retryIn: wait })
      }
      await sleep(wait, undefined, { signal: stop }).catch(() => undefined)
      wait = Math.min(RETRY.last, wait * 2)
    }
  }

  #fail(thrown: unknown): void {
    this.#failure ??= thrown
    void this.#settle()
  }

  /** Ends every partition after the epoch it is saving, then the membership. */
  async #settle(): Promise<void> {
    for (const { stop } of this.#owners.values()) stop.abort()
    await Promise.all([...this.#owners.values()].map(({ done }) => done))
    this.#stop.abort()
  }

  #tell(event: LiveEvent): void {
    this.#watch.onEvent?.(event)
  }
}

interface Owner {
  readonly stop: AbortController
  readonly done: Promise<void>
}

function isInterruption(thrown: unknown): boolean {
  return thrown instanceof TickloomError && (thrown.code === 'INTERRUPTED' || thrown.code === 'FENCED')
}

/** Does it pass by itself, so that taking the partition up again makes sense? */
function passes(thrown: unknown): boolean {
  return thrown instanceof TickloomError && thrown.retry && thrown.fault === 'external'
}

/** One line that says what a failed partition waits for. */
export function describeFailure(thrown: unknown): string {
  return thrown instanceof TickloomError ? `${thrown.code}: ${messageOf(thrown)}` : messageOf(thrown)
}
