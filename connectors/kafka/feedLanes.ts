import type { NewRecord, Producer } from './driver.ts'

/** What every in-sync replica has. */
export interface Acknowledged {
  rows: number
  records: number
  heartbeats: number
  /** Of the records' values. */
  bytes: number
}

interface Lane {
  records: NewRecord[]
  rows: number
  heartbeats: number
  bytes: number
  sending: boolean
  /** What waits is to go although it is little. */
  hurried: boolean
}

/** A request is worth its while from here on. */
const ENOUGH = { records: 4_000, bytes: 400_000 }
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
    this.#lanes = Array.from({ length: partitions }, () => ({ records: [], rows: 0, heartbeats: 0, bytes: 0, sending: false, hurried: false }))
  }

  /** `rows`: ticks in the record; 0 is a heartbeat. Does not wait. */
  add(partition: number, record: NewRecord, rows: number): void {
    const lane = this.#lanes[partition]
    const bytes = record.value?.length ?? 0
    lane.records.push(record)
    lane.rows += rows
    lane.bytes += bytes
    if (rows === 0) lane.heartbeats++
    this.#waiting += bytes + OVERHEAD
    if (!lane.sending && (lane.records.length >= ENOUGH.records || lane.bytes >= ENOUGH.bytes)) void this.#send(lane, partition)
  }

  /** Sends what waits, however little. */
  hurry(): void {
    for (const [partition, lane] of this.#lanes.entries()) {
      if (lane.records.length === 0) continue
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
    for (const lane of this.#lanes) {
      this.#take(lane)
      lane.hurried = false
    }
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

  #take(lane: Lane): Omit<Lane, 'sending' | 'hurried'> {
    const { records, rows, heartbeats, bytes } = lane
    Object.assign(lane, { records: [], rows: 0, heartbeats: 0, bytes: 0 })
    this.#waiting -= bytes + OVERHEAD * records.length
    return { records, rows, heartbeats, bytes }
  }

  async #send(lane: Lane, partition: number): Promise<void> {
    lane.sending = true
    while (
      this.#failure === undefined &&
      lane.records.length > 0 &&
      (lane.hurried || lane.records.length >= ENOUGH.records || lane.bytes >= ENOUGH.bytes)
    ) {
      lane.hurried = false
      const { records, rows, heartbeats, bytes } = this.#take(lane)
      this.#underway++
      try {
        await this.#producer.send({ topic: this.#topic, partition, records })
        this.acknowledged.rows += rows
        this.acknowledged.records += records.length
        this.acknowledged.heartbeats += heartbeats
        this.acknowledged.bytes += bytes
      } catch (thrown) {
        this.#failure ??= { thrown }
      }
      this.#underway--
      for (const wake of this.#woken.splice(0)) wake()
    }
    lane.sending = false
  }
}
