import type { Batch, Schema } from './batch.ts'
import type { Instruments } from './instruments.ts'

/** Where a source stands in one partition. Whatever it is, it survives JSON. */
export type Position = number | string | { readonly [name: string]: Position }

/** Rows, and the position after the first `rows` of them, so that an epoch may end inside a batch. */
export interface Delivery<S extends Schema> {
  readonly batch: Batch<S>
  /** The source has made sure that no row of the batch is older than the row before it. */
  readonly sorted?: boolean
  /** Of a live log: records that have come already and are not delivered yet. */
  readonly waiting?: number
  after(rows: number): Position
}

export interface Partition {
  readonly name: string
  /** Rows the partition is known to hold, for progress; undefined when nobody knows. */
  readonly rows?: number
}

/**
 * Where rows come from.
 *
 * Contract (tests/kit/sourceContract.ts): the same position gives the same rows in the same order; the watermark
 * never moves back and the last delivery of a finished partition has a watermark past every session of it; an
 * abort ends the iteration with an error; breaking off frees what was open.
 */
export interface Source<S extends Schema = Schema> {
  partitions(): Promise<readonly Partition[]>
  open(partition: string, from: Position | undefined, signal: AbortSignal): AsyncIterable<Delivery<S>>
  /** Rows that the source itself dropped or remarked on in a partition, as `step/reason`; undefined: it passes everything on. */
  counts?(partition: string): Readonly<Record<string, number>>
  close(): Promise<void>
}

/** What a sink is told before its first row. */
export interface SinkTask {
  readonly topology: string
  readonly run: string
  readonly partition: string
  readonly outputs: Readonly<Record<string, Schema>>
  readonly instruments: Instruments
  /** The last epoch that the checkpoint calls committed; what lies beyond it is a crash's leftover. */
  readonly committed: number | undefined
  /**
   * Of a live log: higher than that of every earlier owner of the partition, one of whom may still be at work without
   * knowing that he lost it. Nothing of an owner with a higher one may be touched.
   */
  readonly claim?: number
}

export interface Flushed {
  readonly rows: number
  readonly bytes: number
}

/** A place that outputs go to: opened once a process, then once a partition. */
export interface Destination {
  readonly name: string
  open(task: SinkTask): Promise<Sink>
  close(): Promise<void>
}

/**
 * Where one partition's rows go.
 *
 * Contract (tests/kit/sinkContract.ts): `write` is called from inside the graph, copies what it keeps and must not
 * wait. `flush` makes everything written since the last flush durable under the epoch's name and is idempotent by
 * it: the same epoch flushed again, after a crash at any moment, leaves every row exactly once. What is written after
 * `flush` was called, while it is still going, belongs to the next epoch. `flush` is never called twice at once; one
 * that failed is made again under the same epoch, or the sink is closed.
 */
export interface Sink {
  write(output: string, batch: Batch<Schema>): void
  flush(epoch: number): Promise<Flushed>
  close(): Promise<void>
}

/** A whole checkpoint, or what changed since the one before it; the bytes mean nothing to whoever keeps them. */
export interface SavedCheckpoint {
  readonly full: boolean
  readonly bytes: Uint8Array
}

/** Where one partition of a log stood when its last owner ended. */
export interface Restored {
  /** The newest full checkpoint, then the differences after it in their order. Empty: never committed. */
  readonly kept: readonly SavedCheckpoint[]
  /** Announced, and not committed: sinks may hold some of its epochs already, so the next commit must end there. */
  readonly announced: number | undefined
  /** The owner's number: higher than that of every owner before. */
  readonly claim: number
}

/** The end of an epoch of one partition of a log. */
export interface EpochEnd extends SavedCheckpoint {
  readonly epoch: number
  /** Where reading goes on after it. */
  readonly position: Position
}

/**
 * One partition of a live log, owned by this process until it is released or somebody else claims it.
 *
 * Contract (tests/kit/logContract.ts): between two claims of a partition, what `commit` was told is whole or absent;
 * a commit after somebody else's claim throws FENCED and changes nothing.
 */
export interface LogPartition<S extends Schema = Schema> {
  /** What was committed last. */
  restore(): Promise<Restored>
  /** Makes known to every later owner that the next commit is that of all epochs up to this one. Throws FENCED. */
  announce(epoch: number): Promise<void>
  /** The position, or that of the oldest record kept where what lies between them is gone. For whoever knows what he loses. */
  notBeforeOldest(position: Position): Promise<Position>
  /** Rows from the position on; never ends by itself. Where there is no position, from the oldest record kept. */
  open(from: Position | undefined, signal: AbortSignal): AsyncIterable<Delivery<S>>
  /** When something last arrived, record or heartbeat, by performance.now(); undefined: nothing since the claim. */
  readonly heardAt: number | undefined
  /** Ids of the instruments that came out of it since the claim. */
  delivered(): number[]
  /** Outputs that go to the log's own system are part of its commit: undefined when there are none. */
  readonly sink?: Sink
  /** Makes the checkpoint, the position and everything the sink was given up to the epoch's end durable, all or nothing. */
  commit(end: EpochEnd): Promise<void>
  release(): Promise<void>
}

/** A live log whose partitions are shared out among the processes of a group. */
export interface Log<S extends Schema = Schema> {
  /**
   * Takes part in the group until the signal. `assigned` is called with all partitions that are this process's, each
   * time they are shared out; it must not wait. Resolves when the group was left; throws what ended it otherwise.
   */
  join(assigned: (partitions: readonly string[]) => void, signal: AbortSignal): Promise<void>
  /** From here on nobody else's commit of the partition succeeds. */
  claim(partition: string, task: Omit<SinkTask, 'committed' | 'claim'>): Promise<LogPartition<S>>
  close(): Promise<void>
}
