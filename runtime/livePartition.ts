import { TickloomError } from '../core/errors.ts'
import type { Log, LogPartition, Source } from '../core/ports.ts'
import type { Checkpoint } from './checkpoint.ts'
import { CheckpointChain, decodeChain } from './checkpointChain.ts'
import { drivePartition, type Plan } from './drivePartition.ts'
import type { LiveWatch } from './liveEvents.ts'
import { Silence } from './silence.ts'

/** A topology on a live log. */
export interface LivePlan extends Plan {
  readonly log: Log
  /** Start with steps that remember nothing, from where the checkpoints stand. */
  readonly resetState?: boolean
  /** Milliseconds without a record after which a partition is called silent. */
  readonly silence: number
}

/** One partition of a live run in this process, from claim to release, as often as it comes here. */
export class LivePartition {
  readonly #plan: LivePlan
  readonly #partition: string
  readonly #watch: LiveWatch
  /** A reset is done once: what the run saves afterwards is what it goes on from. */
  #reset: boolean

  constructor(plan: LivePlan, partition: string, watch: LiveWatch) {
    this.#plan = plan
    this.#partition = partition
    this.#watch = watch
    this.#reset = plan.resetState ?? false
  }

  /** Claims, restores, drives. Ends with INTERRUPTED on the signal, FENCED when somebody else claimed it, or what else went wrong. */
  async drive(signal: AbortSignal): Promise<void> {
    const { log, topology, run, instruments } = this.#plan
    const claimed = await log.claim(this.#partition, {
      topology: topology.name,
      run,
      partition: this.#partition,
      outputs: topology.outputs,
      instruments,
    })
    try {
      await this.#pump(claimed, await this.#restore(claimed), signal)
    } finally {
      await claimed.release()
      this.#watch.onEvent?.({ type: 'released', partition: this.#partition })
    }
  }

  async #restore(claimed: LogPartition): Promise<Standing> {
    const { topology } = this.#plan
    const start = performance.now()
    const { kept, announced, claim } = await claimed.restore()
    const saved = decodeChain(kept, `of partition ${this.#partition}`)
    const resume = saved !== undefined && this.#reset ? { ...saved, position: await claimed.notBeforeOldest(saved.position) } : saved
    const own = `${topology.name}@${topology.version}`
    if (resume !== undefined && resume.topology.split('@')[0] !== topology.name && !this.#reset) {
      throw new TickloomError('CHECKPOINT_FOREIGN', `the checkpoint of partition ${this.#partition} is of ${resume.topology}, not of ${own}`, {
        partition: this.#partition,
      })
    }
    this.#watch.onEvent?.({
      type: 'restored',
      partition: this.#partition,
      epoch: resume?.epoch,
      bytes: kept.reduce((sum, { bytes }) => sum + bytes.length, 0),
      took: performance.now() - start,
      ...(resume !== undefined && resume.topology !== own ? { upgradedFrom: resume.topology } : {}),
      reset: this.#reset,
    })
    const chain = new CheckpointChain(resume === undefined || this.#reset ? undefined : { checkpoint: resume, kept })
    return { resume, chain, announced, claim }
  }

  async #pump(claimed: LogPartition, { resume, chain, announced, claim }: Standing, signal: AbortSignal): Promise<void> {
    const { instruments, silence } = this.#plan
    const watch = this.#watch
    const partition = this.#partition
    const quiet = new Silence({ partition, silence, claimed, instruments, eventTime: resume?.maximum, tell: (event) => watch.onEvent?.(event) })
    try {
      await drivePartition(
        this.#plan,
        {
          partition,
          source: sourceOf(partition, claimed),
          resume,
          resetState: this.#reset,
          claim,
          announcements: { pending: announced, announce: (epoch) => claimed.announce(epoch) },
          ...(claimed.sink === undefined ? {} : { ownSink: ['log', claimed.sink] as const }),
          save: async (checkpoint) => {
            const start = performance.now()
            const saved = await chain.encode(checkpoint)
            await claimed.commit({ ...saved, epoch: checkpoint.epoch, position: checkpoint.position })
            this.#reset = false
            watch.onEvent?.({
              type: 'saved',
              partition,
              epoch: checkpoint.epoch,
              full: saved.full,
              bytes: saved.bytes.length,
              took: performance.now() - start,
            })
          },
        },
        {
          signal,
          onEpoch: (epoch) => watch.onEpoch?.(epoch),
          onProgress: (rowsIn, eventTime) => {
            quiet.reached(eventTime)
            watch.onProgress?.(partition, rowsIn, eventTime)
          },
        },
      )
    } finally {
      quiet.stop()
    }
  }
}

interface Standing {
  readonly resume: Checkpoint | undefined
  readonly chain: CheckpointChain
  readonly announced: number | undefined
  readonly claim: number
}

function sourceOf(partition: string, claimed: LogPartition): Source {
  return {
    partitions: async () => [{ name: partition }],
    open: (_, from, signal) => claimed.open(from, signal),
    close: async () => {},
  }
}
