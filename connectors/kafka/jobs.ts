import { createHash } from 'node:crypto'
import { TickloomError } from '../../core/errors.ts'
import type { Admin, KafkaDriver, RecordBatch } from './driver.ts'

/** A job, or what came of it, as it lies in its topic: JSON under the job's id. */
export interface JobRecord {
  readonly id: string
  readonly value: unknown
}

/** What came of jobs lies here, in the partition of the same number. */
export const resultsTopic = (jobs: string): string => `${jobs}-results`

const WEEK = 7 * 86_400_000

/**
 * Makes the topic of jobs and that of their results where they are missing; answers the number of partitions. Results are
 * kept compacted: one a job, the newest. Throws KAFKA_TOPIC when the two do not fit.
 */
export async function ensureJobTopics(admin: Admin, jobs: string, partitions: number): Promise<number> {
  const results = resultsTopic(jobs)
  await admin.create({ name: jobs, partitions, config: { 'cleanup.policy': 'delete', 'retention.ms': String(WEEK) } })
  const there = (await admin.partitions(jobs)) ?? partitions
  await admin.create({ name: results, partitions: there, config: { 'cleanup.policy': 'compact' } })
  const found = await admin.partitions(results)
  if (found === there) return there
  throw new TickloomError('KAFKA_TOPIC', `topic ${results} has ${found} partitions and ${jobs} has ${there}; they must be as many`, {
    topic: results,
  })
}

/** The partition of a job: always the same, so that one worker at a time can have it. */
export function partitionOfJob(id: string, partitions: number): number {
  return createHash('sha256').update(id).digest().readUInt32LE(0) % partitions
}

/** The records of a batch, as far as they are JSON under a key; others are none of ours. */
export function jobRecords(batch: RecordBatch): (JobRecord & { readonly offset: number })[] {
  return Array.from({ length: batch.n }, (_, i) => {
    const { key, value, offset } = batch.record(i)
    return { id: key?.toString() ?? '', value: parsed(value), offset }
  })
}

function parsed(value: Buffer | null): unknown {
  try {
    return value === null ? undefined : JSON.parse(value.toString())
  } catch {
    // What is no JSON is no job: it has no value.
    return undefined
  }
}

/** Milliseconds between two looks at the results. */
const LOOK_EVERY = 500

/** Puts jobs into their topic and reads what came of them. */
export class JobBoard {
  readonly #driver: KafkaDriver
  readonly #topic: string
  readonly #partitions: number
  readonly #next: number[]

  private constructor(driver: KafkaDriver, topic: string, partitions: number) {
    this.#driver = driver
    this.#topic = topic
    this.#partitions = partitions
    this.#next = Array(partitions).fill(0) as number[]
  }

  static async open(driver: KafkaDriver, topic: string, partitions: number): Promise<JobBoard> {
    const admin = await driver.admin()
    try {
      return new JobBoard(driver, topic, await ensureJobTopics(admin, topic, partitions))
    } finally {
      await admin.close()
    }
  }

  /** Every job into its partition. One that was put there before, and is done, is not done again. */
  async put(jobs: readonly JobRecord[]): Promise<void> {
    const producer = await this.#driver.producer()
    try {
      for (const [partition, records] of Map.groupBy(jobs, ({ id }) => partitionOfJob(id, this.#partitions))) {
        const outgoing = records.map(({ id, value }) => ({ key: id, value: Buffer.from(JSON.stringify(value)) }))
        await producer.send({ topic: this.#topic, partition, records: outgoing })
      }
    } finally {
      await producer.close()
    }
  }

  /** What came since the last call, of whatever job. */
  async look(signal: AbortSignal): Promise<JobRecord[]> {
    const reader = await this.#driver.reader()
    const found: JobRecord[] = []
    try {
      for (let partition = 0; partition < this.#partitions; partition++) {
        for await (const batch of reader.read({ topic: resultsTopic(this.#topic), partition, from: this.#next[partition], signal })) {
          found.push(...jobRecords(batch))
          this.#next[partition] = batch.next
        }
      }
    } finally {
      await reader.close()
    }
    return found
  }

  /** Results as they come, until told to stop by breaking off. Throws the signal's reason. */
  async *results(signal: AbortSignal): AsyncGenerator<JobRecord, void, undefined> {
    for (;;) {
      yield* await this.look(signal)
      await waited(LOOK_EVERY, signal)
    }
  }
}

function waited(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
