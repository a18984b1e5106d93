import { TickloomError } from '../../core/errors.ts'
import type { Outgoing } from './driver.ts'

type Place = Pick<Outgoing, 'topic' | 'partition'>

/**
 * Throws KAFKA_UNREACHABLE unless one of the answers is of the partition. Where the metadata that a client library has
 * lacks a partition (a broker has just come back, the topic grew), kafkajs sends its records nowhere and calls that done.
 */
export function expectTaken(place: Place, answers: readonly { readonly partition: number }[]): void {
  if (!answers.some(({ partition }) => partition === place.partition)) throw notKnown(place)
}

/** The same for a library that sends them to another partition: to be asked before, with as many as its metadata has. */
export function expectKnown(place: Place, partitions: number): void {
  if (place.partition >= partitions) throw notKnown(place)
}

function notKnown({ topic, partition }: Place): TickloomError {
  const message = `Nobody took the records: the brokers' metadata has no partition ${partition} of ${topic}`
  return new TickloomError('KAFKA_UNREACHABLE', message, { topic, partition })
}
