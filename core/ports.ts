import type { Batch, Schema } from './batch.ts'
import type { Instruments } from './instruments.ts'

/** Where a source stands in one partition. Whatever it is, it survives JSON. */
export type Position = number | string | { readonly [name: string]: Position }

/** Rows, and the position after the first `rows` of them, so that an epoch may end inside a batch. */
export interface Delivery<S extends Schema> {
  readonly batch: Batch<S>
  /** The source has made sure that no row of the batch is older than the row before it. */
  readonly sorted?: boolean
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
 * it: the same epoch flushed again, after a crash at any moment, leaves every row exactly once.
 */
export interface Sink {
  write(output: string, batch: Batch<Schema>): void
  flush(epoch: number): Promise<Flushed>
  close(): Promise<void>
}
