import type { Observable, Subject } from 'rxjs'
import { CheckpointTopic } from '../connectors/kafka/checkpointTopic.ts'
import type { KafkaDriver, RangeReader, TransactionalProducer } from '../connectors/kafka/driver.ts'
import { type PlannedTopic, planTopics } from '../connectors/kafka/topics.ts'
import { Sfc32 } from '../connectors/synthetic/prng.ts'
import type { Batch } from '../core/batch.ts'
import { Instruments } from '../core/instruments.ts'
import { Trade } from '../core/market.ts'
import type { SavedCheckpoint } from '../core/ports.ts'
import { RowBuffer } from '../core/rowBuffer.ts'
import { SECOND } from '../core/time.ts'
import type { Checkpoint } from '../runtime/checkpoint.ts'
import { CheckpointChain, decodeChain } from '../runtime/checkpointChain.ts'
import { Flow } from '../runtime/flow.ts'
import volumeBurst from '../topologies/volume-burst/graph.ts'

/** Monday 2025-01-06 09:15 in India. */
const OPEN = Date.UTC(2025, 0, 6, 3, 45) * 1000

/**
 * volume-burst with a state of so many instruments: each ticks once a second and trades in four seconds of ten, lots of
 * 75, a few at a time. Options away from the money trade less, so real state is smaller when compressed.
 */
export class FullState {
  readonly flow = new Flow({ instruments: new Instruments() })
  readonly #input: Subject<Batch<Trade>>
  readonly #random = new Sfc32(7, 1)
  readonly #rows: RowBuffer<Trade>
  #second = 0

  constructor(instruments: number, fed = true) {
    const { inputs, outputs } = this.flow.wire(volumeBurst, volumeBurst.params.parse({}))
    for (const output of Object.values(outputs) as Observable<unknown>[]) output.subscribe()
    this.#input = inputs.ticks as unknown as Subject<Batch<Trade>>
    this.#rows = new RowBuffer(Trade, instruments)
    if (!fed) return
    for (let i = 0; i < instruments; i++) {
      this.#rows.col.instrument[i] = this.flow.instruments.id(
        `NIFTY:2025-01-${i % 2 === 0 ? '09' : '30'}:${1000 + 5 * (i >> 2)}:${i & 2 ? 'CE' : 'PE'}`,
      )
      this.#rows.col.volume[i] = 75 * this.#random.below(1_000_000)
    }
  }

  /** Lets so many seconds pass. */
  advance(seconds: number): void {
    const { col, capacity } = this.#rows
    const random = this.#random
    for (const end = this.#second + seconds; this.#second < end; this.#second++) {
      for (let i = 0; i < capacity; i++) {
        col.ts[i] = OPEN + this.#second * SECOND
        col.price[i] = 100 + random.below(200) / 20
        if (random.next() < 0.4) col.volume[i] += 75 * Math.ceil(4 * random.exponential())
      }
      this.#input.next(this.#rows.first(capacity, -Infinity))
    }
  }

  checkpoint(epoch: number): Checkpoint {
    return {
      topology: 'volume-burst@1',
      epoch,
      done: false,
      position: { offset: epoch },
      maximum: OPEN + this.#second * SECOND,
      watermark: OPEN + this.#second * SECOND,
      rowsIn: 0,
      rowsOut: {},
      counts: this.flow.counts(),
      sections: this.flow.snapshot(),
    }
  }
}

/** Milliseconds and bytes of one checkpoint. */
export interface CheckpointCost {
  readonly full: boolean
  /** The graph stands still: its state is copied. */
  readonly snapshot: number
  /** Other work on the main thread: comparing, putting together. */
  readonly main: number
  /** All of it, compression on another thread included. */
  readonly encoded: number
  /** The transaction, when there is a topic. */
  readonly commit?: number
  /** CPU of all threads of this process, the transaction included: what does not depend on what else the machine does. */
  readonly cpu: number
  readonly bytes: number
}

export interface CheckpointCosts {
  readonly instruments: number
  readonly stateMb: number
  /** The slowest of the runs is left out: compilers warm up. */
  readonly full: CheckpointCost
  readonly difference: CheckpointCost
  /** From the chain of a full checkpoint and two differences to a graph that can go on. */
  readonly restore: {
    readonly read?: number
    readonly decode: number
    readonly load: number
    readonly total: number
    readonly cpu: number
    readonly bytes: number
  }
}

const EPOCH = 10

/** Takes checkpoints every 10 seconds of the market: `rounds` times a full one and two differences, then restores. */
export async function checkpointCosts(
  { instruments, rounds }: { readonly instruments: number; readonly rounds: number },
  driver?: KafkaDriver,
): Promise<CheckpointCosts> {
  const state = new FullState(instruments)
  state.advance(600)
  const kept = driver === undefined ? undefined : await CheckpointStore.open(driver)
  const costs: CheckpointCost[] = []
  const chain: SavedCheckpoint[] = []
  let epoch = 0
  for (let round = 0; round < rounds; round++) {
    const encoder = new CheckpointChain()
    for (let k = 0; k < 3; k++) {
      state.advance(EPOCH)
      const used = process.cpuUsage()
      const start = performance.now()
      const checkpoint = state.checkpoint(++epoch)
      const snapshot = performance.now() - start
      const encoding = encoder.encode(checkpoint)
      const main = performance.now() - start - snapshot
      const saved = await encoding
      const encoded = performance.now() - start
      await kept?.commit(epoch, saved)
      costs.push({
        full: saved.full,
        snapshot,
        main,
        encoded,
        ...(kept && { commit: performance.now() - start - encoded }),
        cpu: cpuSince(used),
        bytes: saved.bytes.length,
      })
      if (saved.full) chain.length = 0
      chain.push(saved)
    }
  }
  const restores = []
  for (let round = 0; round < rounds; round++) restores.push(await restore(instruments, chain, kept))
  await kept?.close()
  const stateMb = Object.values(state.flow.stateBytes()).reduce((sum, bytes) => sum + bytes, 0) / 1e6
  const of = (full: boolean): CheckpointCost => median(costs.filter((cost) => cost.full === full))
  return { instruments, stateMb, full: of(true), difference: of(false), restore: median(restores) }
}

async function restore(
  instruments: number,
  chain: readonly SavedCheckpoint[],
  kept: CheckpointStore | undefined,
): Promise<CheckpointCosts['restore']> {
  const fresh = new FullState(instruments, false)
  const used = process.cpuUsage()
  const start = performance.now()
  const saved = kept === undefined ? chain : await kept.read()
  const read = performance.now() - start
  const checkpoint = decodeChain(saved, 'of the bench') as Checkpoint
  const decode = performance.now() - start - read
  fresh.flow.restore(checkpoint.sections)
  const total = performance.now() - start
  return {
    ...(kept && { read }),
    decode,
    load: total - read - decode,
    total,
    cpu: cpuSince(used),
    bytes: saved.reduce((sum, { bytes }) => sum + bytes.length, 0),
  }
}

/** Milliseconds. */
function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** The median of each number, over what was measured. */
function median<T extends object>(costs: readonly T[]): T {
  const names = Object.keys(costs[0]) as (keyof T)[]
  const middle = (name: keyof T): unknown => {
    const values = costs.map((cost) => cost[name])
    return typeof values[0] === 'number' ? (values as number[]).sort((a, b) => a - b)[(values.length - 1) >> 1] : values[0]
  }
  return Object.fromEntries(names.map((name) => [name, middle(name)])) as T
}

/** A real checkpoint topic, written as a partition's owner does. */
class CheckpointStore {
  readonly #topic: string
  readonly #writer: CheckpointTopic
  readonly #producer: TransactionalProducer
  readonly #reader: RangeReader

  private constructor(topic: string, producer: TransactionalProducer, reader: RangeReader) {
    this.#topic = topic
    this.#writer = new CheckpointTopic(topic, 0)
    this.#producer = producer
    this.#reader = reader
  }

  static async open(driver: KafkaDriver): Promise<CheckpointStore> {
    const group = `bench-${process.pid}-${Math.round(performance.now())}`
    const planned = planTopics({ input: group, group, partitions: 1 }).find(({ role }) => role === 'checkpoints') as PlannedTopic
    const admin = await driver.admin()
    await admin.create(planned)
    await admin.close()
    return new CheckpointStore(planned.name, await driver.transactional({ id: group }), await driver.reader())
  }

  async commit(epoch: number, saved: SavedCheckpoint): Promise<void> {
    const { records, committed } = this.#writer.write(epoch, saved, 0)
    await this.#producer.commit({ outgoing: [{ topic: this.#topic, partition: 0, records }] })
    committed()
  }

  read(): Promise<SavedCheckpoint[]> {
    return new CheckpointTopic(this.#topic, 0).read(this.#reader)
  }

  async close(): Promise<void> {
    await Promise.all([this.#producer.close(), this.#reader.close()])
  }
}
