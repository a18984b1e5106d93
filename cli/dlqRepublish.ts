import type { Admin, KafkaDriver, NewRecord, Outgoing, TransactionalProducer } from '../connectors/kafka/driver.ts'
import { deadLetterTopic } from '../connectors/kafka/topics.ts'
import { TickloomError } from '../core/errors.ts'
import { bookmarkGroup, bookmarkOf, type DeadLetter, lettersOf, ownHeaders, partitionsOf } from './dlqLetters.ts'
import type { Reading } from './dlqRead.ts'

export interface Republishing extends Omit<Reading, 'reason'> {
  readonly driver: KafkaDriver
  readonly reasons: readonly string[]
  /** Another topic than the one they came from. */
  readonly to?: string
  /** Records at most. */
  readonly limit: number
}

export interface Republished {
  readonly reason: string
  readonly records: number
}

/** Of one transaction. */
const MOST = { records: 500, bytes: 900_000 }

/**
 * Sends dead letters again as they were, into the partition they came from, those that were not sent before: each
 * transaction holds records and, as the bookmark of their reason, the offset behind them. However it ends, every letter
 * was sent once or waits. Whoever starts the same later takes over; the commits of the one before throw FENCED.
 *
 * An abort ends it after the transaction under way. Throws KAFKA_TOPIC where the destination has no such partition.
 */
export async function republish(work: Republishing): Promise<Republished[]> {
  // Bookmarks are read when nobody else can move them any more.
  const producer = await work.driver.transactional({ id: `${deadLetterTopic(work.topic)}-republish` })
  try {
    const done: Republished[] = []
    let left = work.limit
    for (const reason of work.reasons) {
      const records = await ofReason({ ...work, limit: left }, reason, producer)
      left -= records
      done.push({ reason, records })
    }
    return done
  } finally {
    await producer.close()
  }
}

async function ofReason(work: Republishing, reason: string, producer: TransactionalProducer): Promise<number> {
  const { admin, reader, topic, to, limit, signal } = work
  const bookmark = bookmarkGroup(topic, reason, to)
  const committed = await bookmarkOf(admin, topic, reason, to)
  const room = new Destinations(admin)
  let sent = 0
  for (const [partition, oldest] of await partitionsOf(admin, topic)) {
    const commit = async (letters: readonly DeadLetter[]): Promise<void> => {
      if (letters.length === 0) return
      const outgoing = await room.outgoing(letters, to)
      const offset = letters[letters.length - 1].record.offset + 1
      await producer.commit({ outgoing, offsets: { group: bookmark, topic: deadLetterTopic(topic), partition, offset } })
      sent += letters.length
    }
    if (signal.aborted) return sent
    const from = Math.max(committed.get(partition) ?? 0, oldest)
    let [letters, bytes]: [DeadLetter[], number] = [[], 0]
    for await (const letter of lettersOf(reader, { topic, partition, from })) {
      if (letter.reason !== reason || letter.origin === undefined) continue
      if (signal.aborted || sent + letters.length >= limit) break
      letters.push(letter)
      bytes += letter.record.value?.length ?? 0
      if (letters.length < MOST.records && bytes < MOST.bytes) continue
      await commit(letters)
      ;[letters, bytes] = [[], 0]
    }
    if (!signal.aborted) await commit(letters)
  }
  return sent
}

/** Where letters go, by topic and partition. */
class Destinations {
  readonly #admin: Admin
  readonly #partitions = new Map<string, number | undefined>()

  constructor(admin: Admin) {
    this.#admin = admin
  }

  async outgoing(letters: readonly DeadLetter[], to: string | undefined): Promise<Outgoing[]> {
    const parts = new Map<string, { topic: string; partition: number; records: NewRecord[] }>()
    for (const letter of letters) {
      const { origin, record } = letter as DeadLetter & { origin: NonNullable<DeadLetter['origin']> }
      const topic = to ?? origin.topic
      await this.#check(topic, origin.partition)
      const key = `${origin.partition} ${topic}`
      let part = parts.get(key)
      if (part === undefined) parts.set(key, (part = { topic, partition: origin.partition, records: [] }))
      part.records.push({ key: record.key, value: record.value, headers: ownHeaders(letter) })
    }
    return [...parts.values()]
  }

  async #check(topic: string, partition: number): Promise<void> {
    if (!this.#partitions.has(topic)) this.#partitions.set(topic, await this.#admin.partitions(topic))
    const there = this.#partitions.get(topic)
    if (there === undefined) throw new TickloomError('KAFKA_TOPIC', `there is no topic ${topic} to send dead letters to`, { topic })
    if (partition >= there)
      throw new TickloomError('KAFKA_TOPIC', `topic ${topic} has ${there} partitions: none to put letters of partition ${partition} into`, {
        topic,
        partition,
        partitions: there,
      })
  }
}
