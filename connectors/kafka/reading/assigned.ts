import { setTimeout as sleep } from 'node:timers/promises'
import { TickloomError } from '../../../core/errors.ts'
import type { KafkaConfig } from '../config.ts'
import type { RecordBatch } from '../driver.ts'
import type { Fetched } from './fetchProtocol.ts'
import { passes, refused } from './passes.ts'
import { decodeRecords } from './recordSet.ts'
import type { Wire } from './wire.ts'

/** Milliseconds a broker may wait for records before it says that there are none. */
export const WAIT = 100
/** Partitions of one broker share an answer of at most this many times the bytes of one. */
const SHARE = 4

interface Place {
  readonly partition: number
  /** Undefined until somebody seeks. */
  next: number | undefined
  paused: boolean
  /** Counts seeks: what was asked for before the last is not handed over. */
  seeks: number
  /** Came while the partition was paused. */
  held: RecordBatch | undefined
}

/**
 * Reads the partitions that are assigned, each from where it was sought to, one fetch at a time from each broker.
 *
 * `fail` hears of what ends the reading: KAFKA_GAP, KAFKA_REFUSED, or KAFKA_UNREACHABLE after `requestTimeout` of failures.
 */
export class AssignedReading {
  readonly #wire: Wire
  readonly #topic: string
  readonly #config: KafkaConfig
  readonly #onRecords: (batch: RecordBatch) => void
  readonly #fail: (failure: unknown) => void
  #places = new Map<number, Place>()
  readonly #asking = new Set<number>()
  #failingSince: number | undefined
  #turn = 0
  #stopped = false

  constructor(wire: Wire, topic: string, config: KafkaConfig, onRecords: (batch: RecordBatch) => void, fail: (failure: unknown) => void) {
    this.#wire = wire
    this.#topic = topic
    this.#config = config
    this.#onRecords = onRecords
    this.#fail = fail
  }

  /** All of them stand still until `seek`. */
  assign(partitions: readonly number[]): void {
    this.#places = new Map(partitions.map((partition) => [partition, { partition, next: undefined, paused: false, seeks: 0, held: undefined }]))
  }

  seek(partition: number, offset: number): void {
    const place = this.#places.get(partition)
    if (place === undefined) return
    place.next = offset
    place.seeks++
    place.held = undefined
    this.#kick()
  }

  pause(partition: number): void {
    const place = this.#places.get(partition)
    if (place !== undefined) place.paused = true
  }

  resume(partition: number): void {
    const place = this.#places.get(partition)
    if (place === undefined || !place.paused) return
    place.paused = false
    // Not from within the caller: it may be about to say more.
    if (place.held !== undefined) queueMicrotask(() => this.#release(place))
    else this.#kick()
  }

  stop(): void {
    this.#stopped = true
    this.#places.clear()
  }

  #release(place: Place): void {
    const { held } = place
    if (held === undefined || place.paused || this.#places.get(place.partition) !== place) return
    place.held = undefined
    this.#deliver(held)
    this.#kick()
  }

  #kick(): void {
    if (this.#stopped) return
    const ready = [...this.#places.values()].filter(({ next, paused, held }) => next !== undefined && !paused && held === undefined)
    if (ready.length === 0) return
    const leaders = this.#wire.leaders(this.#topic)
    const byLeader = Map.groupBy(ready, ({ partition }) => leaders.get(partition) ?? -1)
    for (const [leader, places] of byLeader) {
      if (this.#asking.has(leader)) continue
      this.#asking.add(leader)
      void this.#ask(leader, places).finally(() => {
        this.#asking.delete(leader)
        this.#kick()
      })
    }
  }

  async #ask(leader: number, places: readonly Place[]): Promise<void> {
    // A broker fills its answer in the order asked: nobody is always last.
    const turn = this.#turn++ % places.length
    const asked = [...places.slice(turn), ...places.slice(0, turn)].map((place) => ({ place, offset: place.next!, seeks: place.seeks }))
    const bytes = this.#config.fetchBytes
    try {
      const positions = asked.map(({ place, offset }) => ({ partition: place.partition, offset }))
      const limits = { wait: WAIT, bytes: bytes * Math.min(places.length, SHARE), bytesPerPartition: bytes }
      for (const fetched of await this.#wire.fetch(leader, this.#topic, positions, limits)) {
        const { place, offset, seeks } = asked.find(({ place: { partition } }) => partition === fetched.partition)!
        if (this.#stopped || this.#places.get(place.partition) !== place || place.seeks !== seeks) continue
        await this.#take(place, offset, fetched)
      }
      this.#failingSince = undefined
    } catch (error) {
      await this.#recover(error)
    }
  }

  async #take(place: Place, offset: number, fetched: Fetched): Promise<void> {
    if (fetched.error !== 0) throw await fetchFailure(this.#wire, fetched, offset)
    const batch = decodeRecords(fetched, offset)
    place.next = batch.next
    // Without records, but past what the broker hides: whoever counts on batches that follow one another must hear of it.
    if (batch.next === offset) return
    if (place.paused) place.held = batch
    else this.#deliver(batch)
  }

  #deliver(batch: RecordBatch): void {
    try {
      this.#onRecords(batch)
    } catch (error) {
      this.#end(error)
    }
  }

  async #recover(failure: unknown): Promise<void> {
    if (this.#stopped) return
    this.#failingSince ??= performance.now()
    if (!passes(failure) || performance.now() - this.#failingSince > this.#config.requestTimeout) return this.#end(failure)
    await sleep(WAIT)
    try {
      await this.#wire.relearn(this.#topic)
    } catch (again) {
      if (refused(again)) this.#end(again)
    }
  }

  #end(failure: unknown): void {
    if (this.#stopped) return
    this.stop()
    this.#fail(failure)
  }
}

const OUT_OF_RANGE = 1
const REFUSED = [29, 30, 31]
const NAMES: Readonly<Record<number, string>> = {
  3: 'no such partition',
  5: 'no leader',
  6: 'another broker leads',
  9: 'no replica',
  56: 'disk failure',
}

const unreachable = (message: string): TickloomError => new TickloomError('KAFKA_UNREACHABLE', message)

/** What an error in a partition's answer means. */
export async function fetchFailure(wire: Wire, { topic, partition, error }: Fetched, offset: number): Promise<TickloomError> {
  if (error === OUT_OF_RANGE) {
    const [{ low, high }] = await wire.offsets(topic, [partition])
    // Between the answer and the question after the ends, a new leader may have caught up.
    if (offset >= low && offset <= high) return unreachable(`offset ${offset} was out of range for a moment`)
    const where = offset < low ? `the oldest record kept is ${low}` : `the log ends at ${high}`
    return new TickloomError('KAFKA_GAP', `Record ${offset} of partition ${partition} of ${topic} is not there: ${where}`, {
      topic,
      partition,
      offset,
      low,
      high,
    })
  }
  if (REFUSED.includes(error)) return new TickloomError('KAFKA_REFUSED', `Not allowed to read ${topic}`, { topic })
  return unreachable(`Partition ${partition} of ${topic}: ${NAMES[error] ?? `Kafka's error ${error}`}`)
}
