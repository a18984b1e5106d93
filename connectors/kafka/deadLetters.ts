import type { RejectReason } from '../avro/decoder.ts'
import type { NewRecord, RecordBatch } from './driver.ts'

/** Headers of a dead letter, beside those that the record had. */
export const deadLetterHeaders = {
  reason: 'tickloom-reason',
  topic: 'tickloom-topic',
  partition: 'tickloom-partition',
  offset: 'tickloom-offset',
  /** When the record was made, and when it was found to be unusable; ISO 8601, UTC. */
  timestamp: 'tickloom-timestamp',
  rejected: 'tickloom-rejected-at',
  group: 'tickloom-group',
} as const

/** So many waiting records, or bytes of them, are sent without waiting for the end of the epoch. */
const MOST = { records: 2_000, bytes: 4 * 1024 * 1024 }

/** Records of one partition that could not be used, until they are sent to the dead-letter topic: once each. */
export class DeadLetters {
  readonly #group: string
  /** Offsets below this one were judged, and sent, by an earlier owner of the partition. */
  readonly #judged: number
  #waiting: NewRecord[] = []
  #bytes = 0

  constructor(group: string, judged: number) {
    this.#group = group
    this.#judged = judged
  }

  /** Too many wait to go on without sending them. */
  get due(): boolean {
    return this.#waiting.length >= MOST.records || this.#bytes >= MOST.bytes
  }

  add(batch: RecordBatch, i: number, reason: RejectReason): void {
    const { key, value, headers, timestamp, offset } = batch.record(i)
    if (offset < this.#judged) return
    const h = deadLetterHeaders
    this.#waiting.push({
      key,
      value,
      headers: {
        ...headers,
        [h.reason]: reason,
        [h.topic]: batch.topic,
        [h.partition]: String(batch.partition),
        [h.offset]: String(offset),
        [h.timestamp]: new Date(timestamp).toISOString(),
        [h.rejected]: new Date().toISOString(),
        [h.group]: this.#group,
      },
    })
    this.#bytes += value?.length ?? 0
  }

  /** Takes those that wait. They count as sent when the transaction they go into is committed: after a failure the partition is claimed anew. */
  take(): NewRecord[] {
    const records = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    return records
  }
}
