import { setTimeout as sleep } from 'node:timers/promises'
import { deadLetterHeaders as h } from '../connectors/kafka/deadLetters.ts'
import type { Admin, KafkaRecord, RangeReader } from '../connectors/kafka/driver.ts'
import { deadLetterTopic } from '../connectors/kafka/topics.ts'
import { TickloomError } from '../core/errors.ts'

/** A record of a dead-letter topic, and where it came from. */
export interface DeadLetter {
  /** Of the dead-letter topic. */
  readonly partition: number
  readonly record: KafkaRecord
  readonly reason: string
  /** Undefined where the headers do not say: no tickloom wrote it. */
  readonly origin: { readonly topic: string; readonly partition: number; readonly offset: number } | undefined
  /** When it was found to be unusable; ISO 8601, UTC. */
  readonly rejected: string
}

/** Milliseconds. */
const PATIENCE = 10_000

/** The reason of a record whose headers have none. */
export const FOREIGN = '(no reason)'

/** A bookmark of what was re-published, as a consumer group of the dead-letter topic: one a reason and destination. */
export function bookmarkGroup(topic: string, reason: string, to: string | undefined): string {
  return `${deadLetterTopic(topic)}-republish.${reason}${to === undefined ? '' : `.to.${to}`}`
}

/** How far letters of a reason were re-published, by partition. A coordinator that is still loading is asked again. */
export async function bookmarkOf(admin: Admin, topic: string, reason: string, to: string | undefined): Promise<ReadonlyMap<number, number>> {
  for (const giveUp = performance.now() + PATIENCE; ; await sleep(100)) {
    try {
      return await admin.committed(bookmarkGroup(topic, reason, to), deadLetterTopic(topic))
    } catch (thrown) {
      if (!(thrown instanceof TickloomError && thrown.retry) || performance.now() > giveUp) throw thrown
    }
  }
}

/** Partitions of the dead-letter topic with the oldest offset each. Throws KAFKA_TOPIC when there is no such topic. */
export async function partitionsOf(admin: Admin, topic: string): Promise<ReadonlyMap<number, number>> {
  const name = deadLetterTopic(topic)
  if ((await admin.partitions(name)) === undefined) throw new TickloomError('KAFKA_TOPIC', `there is no topic ${name}`, { topic: name })
  return new Map((await admin.offsets(name)).map(({ partition, low }) => [partition, low]))
}

/** The dead letters of a partition from an offset on, as many as there are now. */
export async function* lettersOf(
  reader: RangeReader,
  range: { readonly topic: string; readonly partition: number; readonly from: number; readonly signal?: AbortSignal },
): AsyncGenerator<DeadLetter> {
  const { topic, partition, from, signal } = range
  for await (const batch of reader.read({ topic: deadLetterTopic(topic), partition, from, signal })) {
    for (let i = 0; i < batch.n; i++) yield letterOf(partition, batch.record(i))
  }
}

function letterOf(partition: number, record: KafkaRecord): DeadLetter {
  const { headers } = record
  const origin = { topic: headers[h.topic], partition: Number(headers[h.partition]), offset: Number(headers[h.offset]) }
  const whole = origin.topic !== undefined && Number.isInteger(origin.partition) && headers[h.reason] !== undefined
  return {
    partition,
    record,
    reason: headers[h.reason] ?? FOREIGN,
    origin: whole ? origin : undefined,
    rejected: headers[h.rejected] ?? new Date(record.timestamp).toISOString(),
  }
}

/** The headers that the record had before it became a dead letter. */
export function ownHeaders({ record: { headers } }: DeadLetter): Record<string, string> {
  const added = new Set<string>(Object.values(h))
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !added.has(name)))
}

/** A record as a person looks at it. */
export interface ShownLetter {
  readonly reason: string
  /** In the dead-letter topic. */
  readonly partition: number
  readonly offset: number
  readonly from: DeadLetter['origin']
  readonly made: string
  readonly rejected: string
  readonly key: string | null
  /** Bytes of the value; -1: it has none. */
  readonly size: number
  readonly headers: Readonly<Record<string, string>>
  /** The first bytes of the value, and what of them is ASCII. */
  readonly hex: string
  readonly ascii: string
}

const SHOWN_BYTES = 48

export function shown(letter: DeadLetter): ShownLetter {
  const { partition, record, reason, origin, rejected } = letter
  const bytes = record.value?.subarray(0, SHOWN_BYTES) ?? Buffer.alloc(0)
  return {
    ...{ reason, partition, offset: record.offset, from: origin },
    ...{ made: record.headers[h.timestamp] ?? new Date(record.timestamp).toISOString(), rejected },
    ...{ key: record.key === null ? null : printable(record.key), size: record.value?.length ?? -1, headers: ownHeaders(letter) },
    ...{ hex: [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' '), ascii: printable(bytes) },
  }
}

/** What of the bytes is printable ASCII; a terminal obeys the rest. */
function printable(bytes: Uint8Array): string {
  return [...bytes].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
}
