import type { KafkaConfig } from '../config.ts'
import type { GroupMember, GroupReader } from '../driver.ts'
import { AssignedReading } from './assigned.ts'
import type { Wire } from './wire.ts'

/** What a client library does for a member: joining, staying, hearing of assignments. It reads nothing. */
export interface Membership {
  /** Must not wait for a broker that is gone for longer than a few seconds: the group notices by itself. */
  leave(): Promise<void>
}

/** A group reader whose membership is the client library's and whose records come over the wire, which it closes. */
export class MemberReader implements GroupReader {
  readonly ended: Promise<void>
  readonly #member: GroupMember
  readonly #wire: Wire
  readonly #reading: AssignedReading
  readonly #ending = Promise.withResolvers<void>()
  #membership: Membership | undefined
  #closing: Promise<void> | undefined

  constructor(wire: Wire, topic: string, config: KafkaConfig, member: GroupMember) {
    this.ended = this.#ending.promise
    // Whoever only ever leaves need not listen.
    this.ended.catch(() => {})
    this.#member = member
    this.#wire = wire
    this.#reading = new AssignedReading(
      wire,
      topic,
      config,
      (batch) => member.onRecords(batch),
      (failure) => this.fail(failure),
    )
  }

  /** From the membership, when it begins. */
  begin(membership: Membership): void {
    this.#membership = membership
  }

  /** From the membership: the partitions now. */
  assigned(partitions: readonly number[]): void {
    if (this.#closing !== undefined) return
    const sorted = [...partitions].sort((a, b) => a - b)
    this.#reading.assign(sorted)
    this.#member.onAssigned(sorted)
  }

  rebalancing(): void {
    if (this.#closing === undefined) this.#member.onRebalancing?.()
  }

  fail(failure: unknown): void {
    this.#ending.reject(failure)
    this.#closing ??= this.#close()
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

  async leave(): Promise<void> {
    await (this.#closing ??= this.#close())
    this.#ending.resolve()
  }

  async #close(): Promise<void> {
    this.#reading.stop()
    await Promise.allSettled([this.#membership?.leave(), this.#wire.close()])
  }
}
