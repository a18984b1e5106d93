import type { Consumer, Kafka } from 'kafkajs'
import type { KafkaConfig } from '../config.ts'
import { within } from '../deadline.ts'
import type { GroupMember, GroupReader } from '../driver.ts'
import { WAIT } from '../reading/assigned.ts'
import { MemberReader } from '../reading/member.ts'
import { passes } from '../reading/passes.ts'
import { retriesFor } from './client.ts'
import { failureOf } from './failures.ts'
import { KafkajsWire } from './wire.ts'

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
  const wire = new KafkajsWire(kafka, config)
  const state: State = { failingSince: undefined, left: false }
  const consumer = consumerOf(joining, state)
  try {
    await within(config.requestTimeout, `joining ${group}`, Promise.all([wire.connect(), consumer.connect()]))
    await within(config.requestTimeout, `looking for ${topic}`, Promise.all([wire.learn(topic), consumer.subscribe({ topic, fromBeginning: true })]))
  } catch (error) {
    await Promise.allSettled([wire.close(), consumer.disconnect()])
    throw failureOf(config, `Joining ${group} to read ${topic}`, error, { group, topic })
  }
  const reader = new MemberReader(wire, topic, config, joining.member)
  keepMembership(joining, consumer, state, reader)
  return reader
}

interface State {
  failingSince: number | undefined
  left: boolean
}

function consumerOf({ kafka, config, group }: Joining, state: State): Consumer {
  const { sessionTimeout, requestTimeout } = config
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
      restartOnFailure: async () => !state.left && performance.now() - (state.failingSince ??= performance.now()) < requestTimeout,
    },
  })
}

/** With all partitions paused for good: kafkajs reads none of them. */
function keepMembership({ config, group, topic }: Joining, consumer: Consumer, state: State, reader: MemberReader): void {
  const { GROUP_JOIN, REBALANCING, CRASH } = consumer.events
  const failure = (error: unknown): Error => failureOf(config, `Membership of ${group}`, error, { group, topic })
  consumer.on(GROUP_JOIN, ({ payload }) => {
    consumer.pause([{ topic }])
    state.failingSince = undefined
    reader.assigned(payload.memberAssignment[topic] ?? [])
  })
  consumer.on(REBALANCING, () => reader.rebalancing())
  consumer.on(CRASH, ({ payload }) => {
    const crash = failure(payload.error)
    if (!payload.restart || !passes(crash)) reader.fail(crash)
  })
  reader.begin({
    leave: () => {
      state.left = true
      return within(LEAVE_WITHIN, 'leaving the group', consumer.disconnect())
    },
  })
  consumer.run({ autoCommit: false, eachBatch: async () => {} }).catch((error) => reader.fail(failure(error)))
}
