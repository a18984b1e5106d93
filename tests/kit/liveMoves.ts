import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { SECOND } from '../../core/time.ts'
import { OPEN } from './liveMarket.ts'
import type { Kept } from './liveRows.ts'
import type { LiveWorker } from './liveWorker.ts'
import { endedWell, type LiveRun, type LiveWorld } from './liveWorld.ts'

/** Workers of one run that come and go: each call resolves when the partitions have found their new owner. */
export class LiveCrew {
  readonly #world: LiveWorld
  readonly #run: LiveRun
  readonly #all: LiveWorker[] = []
  readonly #here: LiveWorker[] = []

  constructor(world: LiveWorld, run: LiveRun) {
    this.#world = world
    this.#run = run
  }

  get size(): number {
    return this.#here.length
  }

  async join(): Promise<LiveWorker> {
    const worker = this.#run.start()
    this.#all.push(worker)
    this.#here.push(worker)
    await worker.until('it was given a partition', () => worker.restored().length > 0)
    return worker
  }

  async killOne(): Promise<void> {
    await this.#leaves().kill()
    await this.#shared()
  }

  async terminateOne(): Promise<void> {
    const worker = this.#leaves()
    endedWell(await worker.terminate(), worker)
    await this.#shared()
  }

  /** Stands still until the others have taken over, then goes on as if nothing had been. */
  async zombie(): Promise<void> {
    const worker = this.#leaves()
    worker.signal('SIGSTOP')
    await this.#shared()
    await sleep(1000)
    worker.signal('SIGCONT')
    this.#here.push(worker)
  }

  async finish(): Promise<void> {
    for (const worker of this.#here) await this.#run.finish(worker)
  }

  /** Times at which a partition went on from a checkpoint: partition and the end of its last epoch, microseconds. */
  moves(epoch: number): { readonly partition: string; readonly from: number }[] {
    return this.#all
      .flatMap((worker) => worker.restored())
      .flatMap(({ partition, epoch: last }) => (last === undefined ? [] : [{ partition, from: (last + 1) * epoch }]))
  }

  #leaves(): LiveWorker {
    return this.#here.splice(Math.floor(Math.random() * this.#here.length), 1)[0]
  }

  /** All partitions are here, each once. */
  async #shared(): Promise<void> {
    const all = Array.from({ length: this.#world.options.partitions }, (_, p) => String(p)).join()
    const have = () =>
      this.#here
        .flatMap((worker) => worker.assigned())
        .sort()
        .join()
    await this.#here[0].until(`partitions ${all} are shared among ${this.#here.length}`, () => have() === all)
  }
}

/**
 * Expects that the baseline of `seconds` did not start anew where a partition went on elsewhere: every burst after the
 * move has one, as the market is older than the baseline is long.
 */
export function expectBaselines(found: Kept, moves: readonly { readonly partition: string; readonly from: number }[], warm: number): void {
  let looked = 0
  for (const { partition, from } of moves.filter((move) => move.from >= OPEN + warm * SECOND)) {
    const bursts = found[`parquet/${partition}/bursts`].map((row) => JSON.parse(row) as { ts: number; baseline: number | null })
    const after = bursts.filter(({ ts }) => ts >= from && ts < from + 20 * SECOND)
    looked += after.length
    expect(after.filter(({ baseline }) => baseline === null)).toEqual([])
  }
  expect(looked).toBeGreaterThan(0)
}
