import { TickloomError } from '../../core/errors.ts'
import type { Admin, TopicSpec } from './driver.ts'

export type TopicRole = 'input' | 'dead letters' | 'output' | 'checkpoints'

/** A topic of a live run; its configuration names the `cleanup.policy` that its role needs. */
export interface PlannedTopic extends TopicSpec {
  readonly role: TopicRole
  readonly config: Readonly<Record<string, string>>
}

export interface LiveTopics {
  readonly input: string
  readonly group: string
  /** Of the input, and so of all the others. */
  readonly partitions: number
  /** Names of the topology's outputs that go to Kafka; `prefix` comes before each. */
  readonly outputs?: readonly string[]
  readonly prefix?: string
  /** Copies of each; the broker's default when missing. */
  readonly replicas?: number
  /** Days the input and the outputs are kept; 7 by default. */
  readonly days?: number
}

const MILLISECONDS_A_DAY = 86_400_000
/** Of dead letters: somebody has to mend what was wrong first. */
const DEAD_LETTER_DAYS = 30

/**
 * The checkpoint topic holds the newest checkpoint of each partition. What is older can only be cleaned out of segments
 * that are closed, so segments are small and young, and cleaned as soon as a tenth of a partition is old.
 */
const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(16 << 20),
  'segment.ms': String(10 * 60_000),
  'min.cleanable.dirty.ratio': '0.1',
  'max.compaction.lag.ms': String(30 * 60_000),
  'delete.retention.ms': String(60 * 60_000),
} as const

/** Name of the topic that holds the checkpoints of a group. */
export const checkpointTopic = (group: string): string => `${group}-checkpoints`
/** Name of the topic for records of `input` that cannot be used. */
export const deadLetterTopic = (input: string): string => `${input}-dlq`

/** Every topic of a live run. */
export function planTopics({ input, group, partitions, outputs = [], prefix = '', replicas, days = 7 }: LiveTopics): readonly PlannedTopic[] {
  const kept = (forDays: number) => ({ 'cleanup.policy': 'delete', 'retention.ms': String(forDays * MILLISECONDS_A_DAY) })
  const planned = (role: TopicRole, name: string, config: PlannedTopic['config']): PlannedTopic => ({ role, name, partitions, replicas, config })
  return [
    planned('input', input, kept(days)),
    planned('dead letters', deadLetterTopic(input), kept(Math.max(days, DEAD_LETTER_DAYS))),
    ...outputs.map((output) => planned('output', `${prefix}${output}`, kept(days))),
    planned('checkpoints', checkpointTopic(group), COMPACTED),
  ]
}

/**
 * Creates the topics that are missing; returns their names. Others are left as they are: throws KAFKA_TOPIC, before
 * anything is created, for one with another number of partitions, or cleaned up otherwise than its role bears.
 */
export async function ensureTopics(admin: Admin, plan: readonly PlannedTopic[]): Promise<readonly string[]> {
  const missing: PlannedTopic[] = []
  for (const topic of plan) {
    const partitions = await admin.partitions(topic.name)
    if (partitions === undefined) missing.push(topic)
    else checkTopic(topic, partitions, await admin.config(topic.name))
  }
  const created: string[] = []
  for (const topic of missing) if (await admin.create(topic)) created.push(topic.name)
  return created
}

/** Throws KAFKA_TOPIC for a topic that has another number of partitions, or is cleaned up otherwise, than planned. */
export function checkTopic({ name, role, partitions: wanted, config }: PlannedTopic, partitions: number, is: Readonly<Record<string, string>>): void {
  if (partitions !== wanted) {
    throw new TickloomError('KAFKA_TOPIC', `Topic ${name} (${role}) has ${partitions} partitions, ${wanted} are needed`, {
      topic: name,
      partitions,
      wanted,
    })
  }
  const [needed, found] = [config['cleanup.policy'], is['cleanup.policy']]
  const fits = needed === 'compact' ? found === 'compact' : !found?.includes('compact')
  if (!fits) {
    throw new TickloomError('KAFKA_TOPIC', `Topic ${name} (${role}) has cleanup.policy ${found}, ${needed} is needed`, {
      topic: name,
      policy: found,
      wanted: needed,
    })
  }
}
