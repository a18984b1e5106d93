import type { Schema } from '../../core/batch.ts'
import type { Delivery, EpochEnd, LogPartition, Position, Restored, SavedCheckpoint } from '../../core/ports.ts'
import { RecordDecoder } from '../avro/decoder.ts'
import { CheckpointTopic } from './checkpointTopic.ts'
import { DeadLetters } from './deadLetters.ts'
import { Deliveries } from './deliveries.ts'
import type { Outgoing, TransactionalProducer } from './driver.ts'
import type { Inbox } from './inbox.ts'
import type { LiveLogOptions } from './liveLogOptions.ts'
import type { OutputSink } from './outputs.ts'

/** What a partition needs of the membership it belongs to. */
export interface Reading {
  /** Reads the partition from the offset on, into the inbox answered. */
  attach(partition: number, offset: number): Inbox
  detach(partition: number): void
  /** The oldest offset kept of the partition. */
  oldest(partition: number): Promise<number>
  readKept(topic: CheckpointTopic): Promise<SavedCheckpoint[]>
}

/**
 * A partition of a Kafka topic in this process's hands: its records as deliveries, and one transaction an epoch for
 * output records, dead letters, checkpoint and offset. Its transactional producer fenced whoever had it before.
 */
export class KafkaPartition<S extends Schema> implements LogPartition<S> {
  readonly sink: OutputSink | undefined
  readonly #number: number
  readonly #options: LiveLogOptions<S>
  readonly #reading: Reading
  readonly #producer: TransactionalProducer
  readonly #checkpoints: CheckpointTopic
  #dead: DeadLetters
  #deliveries: Deliveries<S> | undefined
  #inbox: Inbox | undefined
  #yielded: number | undefined
  /** One transaction at a time. */
  #last: Promise<void> = Promise.resolve()

  constructor(number: number, options: LiveLogOptions<S>, reading: Reading, producer: TransactionalProducer, sink: OutputSink | undefined) {
    this.#number = number
    this.#options = options
    this.#reading = reading
    this.#producer = producer
    this.sink = sink
    this.#checkpoints = new CheckpointTopic(options.topics.checkpoints, number)
    this.#dead = new DeadLetters(options.group, 0)
  }

  get heardAt(): number | undefined {
    const came = this.#inbox?.heardAt
    return came === undefined ? this.#yielded : Math.max(came, this.#yielded ?? 0)
  }

  delivered(): number[] {
    return this.#deliveries?.delivered() ?? []
  }

  async restore(): Promise<Restored> {
    const kept = await this.#reading.readKept(this.#checkpoints)
    this.#dead = new DeadLetters(this.#options.group, this.#checkpoints.judged)
    const { announced, claims } = this.#checkpoints
    // Above every claim of this group, and of a group before it whose files this one takes over: hence the clock.
    const claim = Math.max(claims + 1, Date.now())
    // In a transaction, so that whoever was fenced meanwhile does not get a number that a successor has.
    await this.#amend({ claims: claim })
    return { kept, announced, claim }
  }

  announce(epoch: number): Promise<void> {
    return this.#amend({ announced: epoch })
  }

  async notBeforeOldest(position: Position): Promise<Position> {
    const oldest = await this.#reading.oldest(this.#number)
    return (position as { offset: number }).offset < oldest ? { offset: oldest } : position
  }

  async *open(from: Position | undefined, signal: AbortSignal): AsyncGenerator<Delivery<S>, void, undefined> {
    const { columns, instruments, schemas, limits } = this.#options
    const { offset, skip = 0 } = (from ?? { offset: await this.#reading.oldest(this.#number) }) as { offset: number; skip?: number }
    const decoder = new RecordDecoder({ columns, instruments, schemas, limits })
    const deliveries = new Deliveries({
      schema: columns,
      decoder,
      instruments,
      skip,
      reject: (batch, i, reason) => {
        this.#dead.add(batch, i, reason)
        this.#options.onReject?.(String(this.#number), reason)
      },
    })
    this.#deliveries = deliveries
    const inbox = this.#reading.attach(this.#number, offset)
    this.#inbox = inbox
    try {
      for (;;) {
        for await (const delivery of deliveries.of(await inbox.take(signal), () => inbox.records)) {
          this.#yielded = performance.now()
          yield delivery
          signal.throwIfAborted()
        }
        if (this.#dead.due) await this.#amend({})
      }
    } finally {
      this.#reading.detach(this.#number)
    }
  }

  commit({ epoch, position, full, bytes }: EpochEnd): Promise<void> {
    return this.#alone(async () => {
      const { group, topic, topics } = this.#options
      const { offset } = position as { offset: number }
      const checkpoint = this.#checkpoints.write(epoch, { full, bytes }, this.#judged())
      const outgoing: Outgoing[] = [
        ...(this.sink?.take() ?? []),
        ...this.#deadLetters(),
        { topic: topics.checkpoints, partition: this.#number, records: checkpoint.records },
      ]
      await this.#producer.commit({ outgoing, offsets: { group, topic, partition: this.#number, offset } })
      checkpoint.committed()
    })
  }

  release(): Promise<void> {
    return this.#alone(() => this.#producer.close())
  }

  /** A transaction between two epochs: a change of the head, and the dead letters that wait. */
  #amend(change: { readonly announced?: number; readonly claims?: number }): Promise<void> {
    return this.#alone(async () => {
      const { records, committed } = this.#checkpoints.amend({ ...change, judged: this.#judged() })
      const outgoing: Outgoing[] = [...this.#deadLetters(), { topic: this.#options.topics.checkpoints, partition: this.#number, records }]
      await this.#producer.commit({ outgoing })
      committed()
    })
  }

  #deadLetters(): Outgoing[] {
    const records = this.#dead.take()
    return records.length === 0 ? [] : [{ topic: this.#options.topics.deadLetters, partition: this.#number, records }]
  }

  #judged(): number {
    return Math.max(this.#checkpoints.judged, this.#deliveries?.judged ?? 0)
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    const before = this.#last
    let done = (): void => {}
    this.#last = new Promise((resolve) => {
      done = resolve
    })
    await before
    try {
      await work()
    } finally {
      done()
    }
  }
}
