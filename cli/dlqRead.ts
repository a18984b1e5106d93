import type { Admin, RangeReader } from '../connectors/kafka/driver.ts'
import { bookmarkOf, type DeadLetter, lettersOf, partitionsOf, type ShownLetter, shown } from './dlqLetters.ts'

/** The dead letters of one reason. */
export interface LetterGroup {
  readonly reason: string
  count: number
  /** Of them, those that were not re-published yet. */
  waiting: number
  /** When the first and the last was found to be unusable; ISO 8601, UTC. */
  first: string
  last: string
  /** Of the topic they came from, or, where that is not known, of the dead-letter topic. */
  readonly partitions: Set<number>
  readonly example: ShownLetter
}

export interface Reading {
  readonly admin: Admin
  readonly reader: RangeReader
  /** The topic that the records came from. */
  readonly topic: string
  readonly reason?: string
  readonly signal: AbortSignal
}

/** All dead letters, by reason, the most frequent first. */
export async function groupLetters(reading: Reading): Promise<LetterGroup[]> {
  const groups = new Map<string, LetterGroup>()
  const bookmarks = new Map<string, ReadonlyMap<number, number>>()
  for await (const letter of everyLetter(reading)) {
    const { reason, origin, partition, rejected, record } = letter
    let bookmark = bookmarks.get(reason)
    if (bookmark === undefined) {
      bookmark = await bookmarkOf(reading.admin, reading.topic, reason, undefined)
      bookmarks.set(reason, bookmark)
    }
    let group = groups.get(reason)
    if (group === undefined) {
      group = { reason, count: 0, waiting: 0, first: rejected, last: rejected, partitions: new Set(), example: shown(letter) }
      groups.set(reason, group)
    }
    group.count++
    if (record.offset >= (bookmark.get(partition) ?? 0)) group.waiting++
    if (rejected < group.first) group.first = rejected
    if (rejected > group.last) group.last = rejected
    group.partitions.add(origin?.partition ?? partition)
  }
  return [...groups.values()].sort((a, b) => b.count - a.count)
}

/** The oldest of each partition, so many in all. */
export async function firstLetters(reading: Reading, limit: number): Promise<ShownLetter[]> {
  const found: ShownLetter[] = []
  for await (const letter of everyLetter(reading)) {
    if (found.length >= limit) break
    found.push(shown(letter))
  }
  return found
}

async function* everyLetter({ admin, reader, topic, reason, signal }: Reading): AsyncGenerator<DeadLetter> {
  for (const [partition, from] of await partitionsOf(admin, topic)) {
    for await (const letter of lettersOf(reader, { topic, partition, from, signal })) {
      if (reason === undefined || letter.reason === reason) yield letter
    }
  }
}
