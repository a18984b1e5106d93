import type { Schema } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import type { Log, LogPartition, SavedCheckpoint, SinkTask } from '../../core/ports.ts'
import type { CheckpointTopic } from './checkpointTopic.ts'
import type { Admin, GroupReader, RangeReader, RecordBatch } from './driver.ts'
import { Inbox } from './inbox.ts'
import type { LiveLogOptions } from './liveLogOptions.ts'
import { OutputSink } from './outputs.ts'
import { KafkaPartition, type Reading } from './partition.ts'

/**
 * A Kafka topic as a live log: partitions are named by their numbers and shared out by the consumer group, checkpoints
 * and offsets are committed with the outputs in one transaction a partition and epoch.
 *
 * What it reads are the records of connectors/avro; what cannot be used goes to the dead letters.
 */
export function liveLog<S extends Schema>(options: LiveLogOptions<S>): Log<S> {
  return new LiveLog(options)
}

class LiveLog<S extends Schema> implements Log<S>, Reading {
  readonly #options: LiveLogOptions<S>
  readonly #inboxes = new Map<number, Inbox>()
  #group: GroupReader | undefined
  #reader: Promise<RangeReader> | undefined
  #admin: Promise<Admin> | undefined

  constructor(options: LiveLogOptions<S>) {
    this.#options = options
  }

  async join(assigned: (partitions: readonly string[]) => void, signal: AbortSignal): Promise<void> {
    const { driver, group, topic } = this.#options
    const early: (readonly number[])[] = []
    const share = (partitions: readonly number[]): void => {
      // Those that stay are read on; the driver lets every partition stand still until it is told where.
      for (const partition of partitions) this.#readOn(partition)
      assigned(partitions.map(String))
    }
    const reader = await driver.join({
      group,
      topic,
      member: {
        // The group may be shared out before `join` has answered; nothing can be read before that.
        onAssigned: (partitions) => (this.#group === undefined ? early.push(partitions) : share(partitions)),
        onRecords: (batch) => this.#take(batch),
      },
    })
    this.#group = reader
    const last = early.at(-1)
    if (last !== undefined) share(last)
    const leave = (): void => void reader.leave()
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave, { once: true })
    try {
      await reader.ended
    } finally {
      signal.removeEventListener('abort', leave)
      this.#group = undefined
    }
  }

  async claim(partition: string, task: Omit<SinkTask, 'committed' | 'claim'>): Promise<LogPartition<S>> {
    const { driver, group, topic, outputs, schemas } = this.#options
    const number = Number(partition)
    const producer = await driver.transactional({ id: `${group}-${topic}-${partition}` })
    try {
      const sink = outputs === undefined || outputs.names.length === 0 ? undefined : await OutputSink.open(number, task, outputs, schemas)
      return new KafkaPartition(number, this.#options, this, producer, sink)
    } catch (thrown) {
      await producer.close()
      throw thrown
    }
  }

  /** The driver is closed by whoever opened it. */
  async close(): Promise<void> {
    await (await this.#reader)?.close()
    await (await this.#admin)?.close()
  }

  attach(partition: number, offset: number): Inbox {
    const group = this.#joined()
    const inbox = new Inbox(offset, { pause: () => group.pause(partition), resume: () => group.resume(partition) }, this.#options.inbox)
    this.#inboxes.set(partition, inbox)
    group.seek(partition, offset)
    // Whoever had it before in this process left it paused.
    group.resume(partition)
    return inbox
  }

  detach(partition: number): void {
    this.#inboxes.delete(partition)
    this.#group?.pause(partition)
  }

  async oldest(partition: number): Promise<number> {
    this.#admin ??= this.#options.driver.admin()
    const offsets = await (await this.#admin).offsets(this.#options.topic)
    return offsets.find((o) => o.partition === partition)?.low ?? 0
  }

  async readKept(topic: CheckpointTopic): Promise<SavedCheckpoint[]> {
    this.#reader ??= this.#options.driver.reader()
    return topic.read(await this.#reader)
  }

  #readOn(partition: number): void {
    const inbox = this.#inboxes.get(partition)
    if (inbox === undefined) return
    this.#group?.seek(partition, inbox.next)
    if (inbox.full) this.#group?.pause(partition)
  }

  #take(batch: RecordBatch): void {
    const inbox = this.#inboxes.get(batch.partition)
    if (inbox === undefined) return
    // From elsewhere than where the last one ended: fetched before the reader was moved, so it is fetched again.
    if (!inbox.put(batch)) this.#group?.seek(batch.partition, inbox.next)
  }

  #joined(): GroupReader {
    if (this.#group !== undefined) return this.#group
    throw new TickloomError('KAFKA_UNREACHABLE', `the membership of group ${this.#options.group} has ended`)
  }
}
