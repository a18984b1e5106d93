import { TickloomError } from '../../core/errors.ts'
import type { GroupReader, KafkaDriver, RecordBatch, TransactionalProducer } from './driver.ts'
import { type JobRecord, jobRecords, resultsTopic } from './jobs.ts'

export interface JobTakerOptions {
  readonly driver: KafkaDriver
  readonly topic: string
  readonly group: string
  readonly signal: AbortSignal
  /** Does a job; what it answers is its result. What it throws ends the taker, and the job stays for somebody else. */
  work(job: JobRecord): Promise<unknown>
  /** Whether a result found in the topic settles its job; one of a failure may not. */
  settles(result: unknown): boolean
  /** After a result and the offset behind its job were committed. */
  onDone?(id: string): void
}

/** Records waiting in a partition's inbox from which on it is paused. */
const FULL = 100

/**
 * Takes jobs as a member of a consumer group until the signal. Jobs of a partition are done in turn, partitions beside
 * each other.
 *
 * Each job counts once: its result and the offset behind it are one transaction of the partition's producer, whose id
 * fences whoever had the partition before, and an owner first reads which jobs of the partition are done. A job whose
 * worker dies is done again by the next owner; of the two results only one can be committed.
 */
export async function takeJobs(options: JobTakerOptions): Promise<void> {
  await new Taker(options).run()
}

class Taker {
  readonly #options: JobTakerOptions
  readonly #owned = new Map<number, OwnedPartition>()
  readonly #ending = new AbortController()
  #group: GroupReader | undefined
  #failure: { readonly thrown: unknown } | undefined
  #running: Promise<void>[] = []

  constructor(options: JobTakerOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    const { driver, group, topic, signal } = this.#options
    const stop = (): void => this.#ending.abort()
    signal.addEventListener('abort', stop, { once: true })
    try {
      const reader = await driver.join({
        group,
        topic,
        member: { onAssigned: (partitions) => this.#share(partitions), onRecords: (batch) => this.#take(batch) },
      })
      this.#group = reader
      for (const partition of this.#owned.values()) partition.attach(reader)
      this.#ending.signal.addEventListener('abort', () => void reader.leave(), { once: true })
      if (signal.aborted || this.#ending.signal.aborted) {
        stop()
        await reader.leave()
      }
      await reader.ended
    } finally {
      signal.removeEventListener('abort', stop)
      for (const partition of this.#owned.values()) partition.lose()
      await Promise.all(this.#running)
    }
    if (this.#failure !== undefined) throw this.#failure.thrown
  }

  #share(partitions: readonly number[]): void {
    for (const [number, partition] of this.#owned) {
      if (partitions.includes(number)) continue
      partition.lose()
      this.#owned.delete(number)
    }
    for (const number of partitions) {
      const known = this.#owned.get(number)
      if (known !== undefined) known.readOn()
      else this.#own(number)
    }
  }

  #own(number: number): void {
    const partition = new OwnedPartition(number, this.#options)
    this.#owned.set(number, partition)
    if (this.#group !== undefined) partition.attach(this.#group)
    const running = partition.run().catch((thrown: unknown) => {
      // Somebody else has the partition; this process goes on with those it has.
      if (thrown instanceof TickloomError && thrown.code === 'FENCED') return
      this.#failure ??= { thrown }
      this.#ending.abort()
    })
    this.#running = [...this.#running, running]
    void running.then(() => {
      this.#running = this.#running.filter((one) => one !== running)
    })
  }

  #take(batch: RecordBatch): void {
    this.#owned.get(batch.partition)?.take(batch)
  }
}

/** A partition of jobs in this process's hands, from the moment it was assigned until it is lost. */
class OwnedPartition {
  readonly #number: number
  readonly #options: JobTakerOptions
  readonly #waiting: (JobRecord & { readonly offset: number })[] = []
  readonly #done = new Set<string>()
  #group: GroupReader | undefined
  /** The offset to be read next; undefined until it is known where to begin. */
  #next: number | undefined
  #paused = false
  #lost = false
  #wake: () => void = () => undefined

  constructor(number: number, options: JobTakerOptions) {
    this.#number = number
    this.#options = options
  }

  attach(group: GroupReader): void {
    this.#group = group
    this.readOn()
  }

  /** After the group was shared out every partition stands still. */
  readOn(): void {
    if (this.#next === undefined || this.#group === undefined) return
    this.#group.seek(this.#number, this.#next)
    if (this.#paused) this.#group.pause(this.#number)
    else this.#group.resume(this.#number)
  }

  take(batch: RecordBatch): void {
    // Fetched before the reader was moved: it is fetched again.
    if (this.#next === undefined || batch.from !== this.#next) {
      this.readOn()
      return
    }
    this.#waiting.push(...jobRecords(batch))
    this.#next = batch.next
    if (this.#waiting.length >= FULL && !this.#paused) {
      this.#paused = true
      this.#group?.pause(this.#number)
    }
    this.#wake()
  }

  lose(): void {
    this.#lost = true
    this.#wake()
  }

  async run(): Promise<void> {
    const { driver, group, topic } = this.#options
    const producer = await driver.transactional({ id: `${group}-${topic}-${this.#number}` })
    try {
      // Opened first: from here on no other owner adds a result.
      await this.#readDone()
      this.#next = await this.#begin()
      this.readOn()
      for (let job = await this.#nextJob(); job !== undefined; job = await this.#nextJob()) await this.#do(job, producer)
    } finally {
      await producer.close()
    }
  }

  async #do(job: JobRecord & { readonly offset: number }, producer: TransactionalProducer): Promise<void> {
    const { group, topic, work, onDone } = this.#options
    const offsets = { group, topic, partition: this.#number, offset: job.offset + 1 }
    if (job.id === '' || job.value === undefined || this.#done.has(job.id)) return producer.commit({ outgoing: [], offsets })
    const result = await work(job)
    const records = [{ key: job.id, value: Buffer.from(JSON.stringify(result)) }]
    await producer.commit({ outgoing: [{ topic: resultsTopic(topic), partition: this.#number, records }], offsets })
    if (this.#options.settles(result)) this.#done.add(job.id)
    onDone?.(job.id)
  }

  async #readDone(): Promise<void> {
    const { driver, topic, settles } = this.#options
    const reader = await driver.reader()
    try {
      for await (const batch of reader.read({ topic: resultsTopic(topic), partition: this.#number })) {
        for (const { id, value } of jobRecords(batch)) {
          if (settles(value)) this.#done.add(id)
          else this.#done.delete(id)
        }
      }
    } finally {
      await reader.close()
    }
  }

  /** Where the group stands, else the oldest job kept. */
  async #begin(): Promise<number> {
    const { driver, group, topic } = this.#options
    const admin = await driver.admin()
    try {
      const low = (await admin.offsets(topic)).find(({ partition }) => partition === this.#number)?.low ?? 0
      return Math.max(low, (await admin.committed(group, topic)).get(this.#number) ?? low)
    } finally {
      await admin.close()
    }
  }

  /** The next job; undefined once the partition is lost. */
  async #nextJob(): Promise<(JobRecord & { readonly offset: number }) | undefined> {
    while (this.#waiting.length === 0 && !this.#lost)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    if (this.#lost) return undefined
    if (this.#paused && this.#waiting.length < FULL / 2) {
      this.#paused = false
      this.#group?.resume(this.#number)
    }
    return this.#waiting.shift()
  }
}
