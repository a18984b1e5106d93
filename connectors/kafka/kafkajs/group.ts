import type { Consumer, Kafka } from 'kafkajs'
import type { KafkaConfig } from '../config.ts'
import { within } from '../deadline.ts'
import type { GroupMember, GroupReader } from '../driver.ts'
import { AssignedReading, WAIT } from './assigned.ts'
import { retriesFor } from './client.ts'
import { failureOf, passes } from './failures.ts'
import { Wire } from './wire.ts'

interface Joining {
  readonly kafka: Kafka
  readonly config: KafkaConfig
  readonly group: string
  readonly topic: string
  readonly member: GroupMember
}

/** Leaving may wait for a broker that is gone: the group notices by itself after the session timeout. */
const LEAVE_WITHIN = 3000

/**
 * A member of a group: kafkajs joins, keeps the membership alive and hears of new assignments, with all partitions
 * paused for good; the records come over a wire of our own.
 */
export async function joinGroup(joining: Joining): Promise<GroupReader> {
  const { kafka, config, group, topic } = joining
  const wire = new Wire(kafka)
  const consumer = consumerOf(joining)
  try {
    await within(config.requestTimeout, `joining ${group}`, Promise.all([wire.connect(), consumer.connect()]))
    await within(config.requestTimeout, `looking for ${topic}`, Promise.all([wire.learn(topic), consumer.subscribe({ topic, fromBeginning: true })]))
  } catch (error) {
    await Promise.allSettled([wire.disconnect(), consumer.disconnect()])
    throw failureOf(config, `Joining ${group} to read ${topic}`, error, { group, topic })
  }
  return new Member(joining, wire, consumer)
}

function consumerOf({ kafka, config, group }: Joining): Consumer {
  const { sessionTimeout, requestTimeout } = config
  let since: number | undefined
  return kafka.consumer({
    groupId: group,
    sessionTimeout,
    rebalanceTimeout: Math.max(sessionTimeout, 6000),
    heartbeatInterval: Math.min(Math.max(Math.floor(sessionTimeout / 10), 100), 1000),
    maxWaitTimeInMs: WAIT,
    allowAutoTopicCreation: false,
    readUncommitted: false,
    retry: {
      ...retriesFor(requestTimeout),
      // A member that lost its broker for longer than a call may take has lost its partitions, too.
      restartOnFailure: async () => performance.now() - (since ??= performance.now()) < requestTimeout,
    },
  })
}

class Member implements GroupReader {
  readonly ended: Promise<void>
  readonly #consumer: Consumer
  readonly #wire: Wire
  readonly #reading: AssignedReading
  readonly #ending = Promise.withResolvers<void>()
  #leaving: Promise<void> | undefined

  constructor({ config, group, topic, member }: Joining, wire: Wire, consumer: Consumer) {
    this.ended = this.#ending.promise
    // Whoever only ever leaves need not listen.
    this.ended.catch(() => {})
    this.#wire = wire
    this.#consumer = consumer
    this.#reading = new AssignedReading(wire, topic, config, member.onRecords.bind(member), (failure) => void this.#fail(failure))
    const { GROUP_JOIN, REBALANCING, CRASH } = consumer.events
    consumer.on(GROUP_JOIN, ({ payload }) => {
      if (this.#leaving !== undefined) return
      consumer.pause([{ topic }])
      const partitions = [...(payload.memberAssignment[topic] ?? [])].sort((a, b) => a - b)
      this.#reading.assign(partitions)
      member.onAssigned(partitions)
    })
    consumer.on(REBALANCING, () => {
      if (this.#leaving === undefined) member.onRebalancing?.()
    })
    consumer.on(CRASH, ({ payload }) => {
      if (!payload.restart || !passes(payload.error)) void this.#fail(failureOf(config, `Membership of ${group}`, payload.error, { group, topic }))
    })
    consumer
      .run({ autoCommit: false, eachBatch: async () => {} })
      .catch((error) => this.#fail(failureOf(config, `Membership of ${group}`, error, { group, topic })))
  }

  seek(partition: number, offset: number): void {
    this.#reading.seek(partition, offset)
  }
  pause(partition: number): void {
    this.#reading.pause(partition)
  }
  resume(partition: number): void {
    this.#reading.resume(partition)
  }

  leave(): Promise<void> {
    return (this.#leaving ??= this.#close().then(() => this.#ending.resolve()))
  }

  async #fail(failure: unknown): Promise<void> {
    this.#ending.reject(failure)
    await (this.#leaving ??= this.#close())
  }

  async #close(): Promise<void> {
    this.#reading.stop()
    await Promise.allSettled([within(LEAVE_WITHIN, 'leaving the group', this.#consumer.disconnect()), this.#wire.disconnect()])
  }
}
