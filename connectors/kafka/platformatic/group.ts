import type { KafkaConfig } from '../config.ts'
import { within } from '../deadline.ts'
import type { GroupMember, GroupReader } from '../driver.ts'
import { MemberReader } from '../reading/member.ts'
import { passes } from '../reading/passes.ts'
import { failureOf, translated } from './failures.ts'
import type { Library, LibraryConsumer } from './library.ts'
import { clientOptions } from './options.ts'
import { PlatformaticWire } from './wire.ts'

interface Joining {
  readonly library: Library
  readonly config: KafkaConfig
  readonly group: string
  readonly topic: string
  readonly member: GroupMember
}

const LEAVE_WITHIN = 3000
const REJOIN_AFTER = 200

/** A member of a group: the library joins and keeps the membership alive; the records come over a wire of our own. */
export async function joinGroup(joining: Joining): Promise<GroupReader> {
  const { library, config, group, topic } = joining
  const wire = new PlatformaticWire(library, config)
  try {
    await within(config.requestTimeout, `looking for ${topic}`, wire.learn(topic))
  } catch (error) {
    await wire.close()
    throw failureOf(config, `Joining ${group} to read ${topic}`, error, { group, topic })
  }
  const reader = new MemberReader(wire, topic, config, joining.member)
  // The caller has the reader before the first assignment comes.
  setImmediate(() => new Membership(joining, reader))
  return reader
}

class Membership {
  readonly #joining: Joining
  readonly #reader: MemberReader
  readonly #consumer: LibraryConsumer
  #failingSince: number | undefined
  #left = false

  constructor(joining: Joining, reader: MemberReader) {
    const { library, config, group, topic } = joining
    const { sessionTimeout } = config
    const rebalanceTimeout = Math.max(sessionTimeout, 6000)
    this.#joining = joining
    this.#reader = reader
    this.#consumer = new library.Consumer({
      ...clientOptions(config, 0.7 * config.requestTimeout),
      ...{ groupId: group, sessionTimeout, rebalanceTimeout, autocommit: false },
      heartbeatInterval: Math.min(Math.max(Math.floor(sessionTimeout / 10), 100), 1000),
      // Joining takes as long as the slowest member.
      requestTimeout: Math.max(config.requestTimeout, rebalanceTimeout + 5000),
    })
    this.#consumer.topics.track(topic)
    this.#consumer.on('consumer:group:join', ({ assignments }) => {
      this.#failingSince = undefined
      if (!this.#left) reader.assigned(assignments?.find((assignment) => assignment.topic === topic)?.partitions ?? [])
    })
    this.#consumer.on('consumer:group:rebalance', () => reader.rebalancing())
    this.#consumer.on('error', (error) => this.#lost(error))
    reader.begin({ leave: () => this.#leave() })
    this.#join()
  }

  #join(): void {
    this.#consumer.joinGroup().catch((error: unknown) => this.#lost(error))
  }

  /** The library joins once and then gives up. */
  #lost(error: unknown): void {
    if (this.#left) return
    const { config, group, topic } = this.#joining
    this.#failingSince ??= performance.now()
    const failure = failureOf(config, `Membership of ${group}`, error, { group, topic })
    if (!passes(failure) || performance.now() - this.#failingSince > config.requestTimeout) this.#reader.fail(failure)
    else setTimeout(() => this.#left || this.#join(), REJOIN_AFTER)
  }

  async #leave(): Promise<void> {
    this.#left = true
    const { config, group } = this.#joining
    await within(
      LEAVE_WITHIN,
      'leaving the group',
      translated(config, `Leaving ${group}`, () => this.#consumer.close()),
    )
  }
}
