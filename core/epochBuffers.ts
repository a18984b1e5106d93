import type { Batch, Schema } from './batch.ts'
import { RowBuffer } from './rowBuffer.ts'

/** A buffer that grew beyond this many rows is given back when its epoch is durable. */
const KEPT_ROWS = 1_000_000

type Side = ReadonlyMap<string, RowBuffer<Schema>>

/**
 * The rows of a sink, an output each, in two sets: while those of one epoch are made durable, `append` fills the other,
 * so that the graph goes on. Memory is kept from epoch to epoch.
 */
export class EpochBuffers {
  #open: Side
  #idle: Side
  #sealed: { readonly epoch: number; readonly rows: Side } | undefined

  constructor(outputs: Readonly<Record<string, Schema>>) {
    this.#open = sideOf(outputs)
    this.#idle = sideOf(outputs)
  }

  /** Copies the rows to the epoch that is open; those of an output that is not kept are passed over. */
  append(output: string, batch: Batch<Schema>): void {
    this.#open.get(output)?.append(batch)
  }

  /**
   * Everything appended so far, as the rows of the epoch; what is appended from here on is of the next. An epoch sealed
   * and not released, because it could not be made durable, gives the same rows again.
   */
  seal(epoch: number): ReadonlyMap<string, RowBuffer<Schema>> {
    if (this.#sealed?.epoch === epoch) return this.#sealed.rows
    if (this.#sealed !== undefined) throw new Error(`epoch ${epoch} ends while epoch ${this.#sealed.epoch} is not yet durable`)
    this.#sealed = { epoch, rows: this.#open }
    this.#open = this.#idle
    return this.#sealed.rows
  }

  /** The sealed epoch is durable: its memory is free for the epoch after the one that is open. */
  release(): void {
    if (this.#sealed === undefined) return
    this.#idle = new Map([...this.#sealed.rows].map(([output, rows]) => [output, emptied(rows)]))
    this.#sealed = undefined
  }

  /** Forgets everything. */
  clear(): void {
    this.release()
    for (const rows of this.#open.values()) rows.clear()
  }
}

function sideOf(outputs: Readonly<Record<string, Schema>>): Side {
  return new Map(Object.entries(outputs).map(([output, schema]) => [output, new RowBuffer(schema)]))
}

function emptied(rows: RowBuffer<Schema>): RowBuffer<Schema> {
  if (rows.capacity > KEPT_ROWS) return new RowBuffer(rows.schema)
  rows.clear()
  return rows
}
