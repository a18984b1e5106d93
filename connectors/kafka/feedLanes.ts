import type { NewRecord, Producer } from './driver.ts'

/** What every in-sync replica has. */
export interface Acknowledged {
  rows: number
  records: number
  heartbeats: number
  /** Of the records' values. */
  bytes: number
}

/** Records for one request. */
interface Load {
  readonly records: NewRecord[]
  rows: number
  heartbeats: number
  bytes: number
}

interface Lane {
  /** In their order; the last is not full yet. */
  readonly loads: Load[]
  sending: boolean
  /** What waits is to go although it is little. */
  hurried: boolean
}

/** A request is worth its while from here on. No request has more records: kafkajs copies those before for each one. */
const ENOUGH = { records: 500, bytes: 400_000 }
/** Bytes that may wait in all lanes together, from which `room` waits, and down to which. */
const MOST = 6_000_000
const ROOM = 3_000_000
/** A record in memory, beside its value. */
const OVERHEAD = 60

/**
 * Records on their way into a topic: a lane a partition, one request of a lane at a time, so that its order is kept;
 * lanes side by side. What comes while a request is under way goes together in the next one.
 */
export class Lanes {
  readonly acknowledged: Acknowledged = { rows: 0, records: 0, heartbeats: 0, bytes: 0 }
  readonly #producer: Producer
  readonly #topic: string
  readonly #lanes: Lane[]
  #waiting = 0
  #underway = 0
  #failure: { readonly thrown: unknown } | undefined
  #woken: (() => void)[] = []

  constructor(producer: Producer, topic: string, partitions: number) {
    this.#producer = producer
    this.#topic = topic
    this.#lanes = Array.from({ length: partitions }, () => ({ loads: [], sending: false, hurried: false }))
  }

  /** `rows`: ticks in the record; 0 is a heartbeat. Does not wait. */
  add(partition: number, record: NewRecord, rows: number): void {
    const lane = this.#lanes[partition]
    let load = lane.loads.at(-1)
    if (load === undefined || isFull(load)) lane.loads.push((load = { records: [], rows: 0, heartbeats: 0, bytes: 0 }))
    const bytes = record.value?.length ?? 0
    load.records.push(record)
    load.rows += rows
    load.bytes += bytes
    if (rows === 0) load.heartbeats++
    this.#waiting += bytes + OVERHEAD
    if (!lane.sending && isFull(load)) void this.#send(lane, partition)
  }

  /** Sends what waits, however little. */
  hurry(): void {
    for (const [partition, lane] of this.#lanes.entries()) {
      if (lane.loads.length === 0) continue
      lane.hurried = true
      if (!lane.sending) void this.#send(lane, partition)
    }
  }

  /** Too much waits for more to be added before `room`. */
  get full(): boolean {
    return this.#waiting >= MOST || this.#failure !== undefined
  }

  /** Resolves when there is room for more. Throws what a request failed with. */
  async room(): Promise<void> {
    if (!this.full) return
    await this.#until(() => this.#waiting < ROOM)
  }

  /** Resolves when everything is acknowledged. Throws what a request failed with. */
  async drain(): Promise<void> {
    this.hurry()
    await this.#until(() => this.#waiting === 0 && this.#underway === 0)
  }

  /** Forgets what waits and resolves when no request is under way. Never throws. */
  async giveUp(): Promise<void> {
    for (const { loads } of this.#lanes) loads.length = 0
    this.#waiting = 0
    while (this.#underway > 0) await this.#woke()
  }

  async #until(holds: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.thrown
      if (holds()) return
      this.hurry()
      await this.#woke()
    }
  }

  #woke(): Promise<void> {
    return new Promise((resolve) => this.#woken.push(resolve))
  }

  async #send(lane: Lane, partition: number): Promise<void> {
    lane.sending = true
    for (let load = next(lane); load !== undefined && this.#failure === undefined; load = next(lane)) {
      this.#waiting -= load.bytes + OVERHEAD * load.records.length
      this.#underway++
      try {
        await this.#producer.send({ topic: this.#topic, partition, records: load.records })
        this.acknowledged.rows += load.rows
        this.acknowledged.records += load.records.length
        this.acknowledged.heartbeats += load.heartbeats
        this.acknowledged.bytes += load.bytes
      } catch (thrown) {
        this.#failure ??= { thrown }
      }
      this.#underway--
      for (const wake of this.#woken.splice(0)) wake()
    }
    lane.sending = false
  }
}

const isFull = ({ records, bytes }: Load): boolean => records.length >= ENOUGH.records || bytes >= ENOUGH.bytes

/** The next load of the lane, when it is full or in a hurry. */
function next(lane: Lane): Load | undefined {
  const [load] = lane.loads
  if (load === undefined || !(lane.hurried || isFull(load))) return undefined
  if (lane.loads.length === 1) lane.hurried = false
  return lane.loads.shift()
}
