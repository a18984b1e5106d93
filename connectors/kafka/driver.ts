/** A record as it lies in the log. Times are milliseconds since the epoch. */
export interface KafkaRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
  readonly timestamp: number
  readonly offset: number
}

/** Records of one partition as one fetch brought them, in the order of their offsets. */
export interface RecordBatch {
  readonly topic: string
  readonly partition: number
  /** The offset that was asked for: that of `next` of the batch before, unless somebody moved the reader. */
  readonly from: number
  /** The offset to ask for next. A batch of no record moves it past what the broker hides. */
  readonly next: number
  readonly n: number
  /** Bytes of the values. */
  readonly bytes: number
  readonly values: readonly (Buffer | null)[]
  /** Of the first `n`; gaps are legal (compaction, ends of transactions). */
  readonly offsets: Float64Array
  /** Milliseconds since the epoch, as the producer or the broker stamped them. */
  readonly timestamps: Float64Array
  /** All of record i, for those few that somebody has to look at. */
  record(i: number): KafkaRecord
}

export interface NewRecord {
  readonly key?: Buffer | string | null
  /** null deletes the key from a compacted topic. */
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, string>>
  /** Milliseconds; the clock's by default. */
  readonly timestamp?: number
}

/** Records for one partition. Drivers send one partition a request: a request over several may lose acknowledged ones. */
export interface Outgoing {
  readonly topic: string
  readonly partition: number
  readonly records: readonly NewRecord[]
}

export interface GroupMember {
  /**
   * The group was shared out: these are this member's partitions now. All of them stand still until `seek`. Must not wait.
   * Comes for the first time after `join` has resolved.
   */
  onAssigned(partitions: readonly number[]): void
  /** The group is about to be shared out anew. */
  onRebalancing?(): void
  /** Must neither wait nor throw: whoever cannot take more calls `pause`. */
  onRecords(batch: RecordBatch): void
}

/** Membership of a consumer group that reads one topic, committed records only. */
export interface GroupReader {
  /** Reads the partition from this offset on. What was fetched before and not handed over yet never is. */
  seek(partition: number, offset: number): void
  pause(partition: number): void
  resume(partition: number): void
  /** Resolves when the group was left after `leave`; rejects with KAFKA_GAP, KAFKA_UNREACHABLE or KAFKA_REFUSED when reading cannot go on. */
  readonly ended: Promise<void>
  leave(): Promise<void>
}

export interface Producer {
  /** Resolves when every in-sync replica has the records. One call at a time a partition keeps their order. */
  send(outgoing: Outgoing): Promise<void>
  close(): Promise<void>
}

export interface Transaction {
  readonly outgoing: readonly Outgoing[]
  /** Offsets that the group goes on from, should no checkpoint say otherwise. */
  readonly offsets?: { readonly group: string; readonly topic: string; readonly partition: number; readonly offset: number }
}

/** A producer with a transactional id. Opening it fences whoever had the id before: his commits throw FENCED. */
export interface TransactionalProducer {
  /**
   * All of it or nothing. Throws FENCED; KAFKA_UNREACHABLE after retries, when nobody knows which. After a failure the
   * producer is spent: close it, open the id anew, and read what was committed.
   */
  commit(transaction: Transaction): Promise<void>
  close(): Promise<void>
}

export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  /** Copies; the broker's default when missing. */
  readonly replicas?: number
  readonly config?: Readonly<Record<string, string>>
}

export interface PartitionOffsets {
  readonly partition: number
  /** Of the oldest record kept, and the one after the newest. */
  readonly low: number
  readonly high: number
}

export interface Admin {
  topics(): Promise<readonly string[]>
  /** Undefined when there is no such topic. */
  partitions(topic: string): Promise<number | undefined>
  config(topic: string): Promise<Readonly<Record<string, string>>>
  /** False when it was there already. Throws KAFKA_TOPIC when the broker refuses it. */
  create(spec: TopicSpec): Promise<boolean>
  remove(topic: string): Promise<void>
  offsets(topic: string): Promise<readonly PartitionOffsets[]>
  /** What a group has committed, undefined where it has nothing. For a moment after a transaction it may be what was there before. */
  committed(group: string, topic: string): Promise<ReadonlyMap<number, number>>
  close(): Promise<void>
}

/** Reads without a group: what is there, from an offset up to the end as it is when the call is made. Throws KAFKA_GAP where records before were deleted. */
export interface RangeReader {
  /**
   * Committed records only. Ends after the last record below `to` (default: the end now), even when markers of transactions are what lies there.
   * Waits for transactions below `to` that are open: the broker ends them by their timeout. An aborted signal throws its reason.
   */
  read(range: { topic: string; partition: number; from?: number; to?: number; signal?: AbortSignal }): AsyncIterable<RecordBatch>
  close(): Promise<void>
}

/**
 * A Kafka client library behind the few calls that are made of it.
 *
 * Contract: tests/kit/driverContract.ts, which every driver passes against a real broker. Failures are TickloomErrors:
 * KAFKA_UNREACHABLE, KAFKA_REFUSED, KAFKA_TOPIC, KAFKA_GAP, FENCED.
 */
export interface KafkaDriver {
  readonly name: 'kafkajs' | 'platformatic'
  join(options: { group: string; topic: string; member: GroupMember }): Promise<GroupReader>
  producer(): Promise<Producer>
  /** `timeout`: milliseconds after which the broker gives up an open transaction. */
  transactional(options: { id: string; timeout?: number }): Promise<TransactionalProducer>
  admin(): Promise<Admin>
  reader(): Promise<RangeReader>
  /** Closes everything opened through it. */
  close(): Promise<void>
}
