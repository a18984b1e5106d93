import { allocateColumns, type Batch, type Columns, type Schema, takeRows } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { RecordEncoder } from '../avro/encoder.ts'
import type { Lanes } from './feedLanes.ts'
import { partitionOf } from './partitioner.ts'

interface Place {
  readonly partition: number
  readonly underlying: string
  readonly key: Buffer
}

/** Rows that go into one record, as soon as another does not fit to them. */
interface Run {
  batch: Batch<Schema> | undefined
  place: Place | undefined
  readonly rows: Int32Array
  n: number
}

export interface RunsOptions {
  readonly lanes: Lanes
  readonly encoder: RecordEncoder
  readonly instruments: Instruments
  readonly partitions: number
  /** Of the batches that rows are taken from. */
  readonly columns: Schema
  /** Ticks of a record at most. */
  readonly most: number
}

/**
 * Rows as records: the key is the underlying, the partition what Kafka's own producers choose for it. A record holds
 * the rows of one underlying that follow each other in a partition, `most` of them, so that no order is changed.
 */
export class Runs {
  readonly #options: RunsOptions
  readonly #places: Place[] = []
  readonly #byUnderlying = new Map<string, Place>()
  readonly #runs: Run[]
  readonly #gathered: Columns<Schema>

  constructor(options: RunsOptions) {
    const { partitions, most, columns } = options
    this.#options = options
    this.#runs = Array.from({ length: partitions }, () => ({ batch: undefined, place: undefined, rows: new Int32Array(most), n: 0 }))
    this.#gathered = allocateColumns(columns, most > 1 ? most : 0)
  }

  /** `partition`: where the row belongs whatever its underlying is. The batch is read until `cut`. */
  add(batch: Batch<Schema>, row: number, partition?: number): void {
    const place = this.#placeOf((batch.col['instrument'] as Int32Array)[row])
    const to = partition ?? place.partition
    const { most, lanes, encoder } = this.#options
    if (most === 1) {
      lanes.add(to, { key: place.key, value: encoder.encodeTick(batch, row) }, 1)
      return
    }
    const run = this.#runs[to]
    if (run.n > 0 && (run.place !== place || run.n === most)) this.#end(run, to)
    run.batch = batch
    run.place = place
    run.rows[run.n++] = row
  }

  /** Ends every record that is begun. */
  cut(): void {
    for (const [partition, run] of this.#runs.entries()) if (run.n > 0) this.#end(run, partition)
  }

  #end(run: Run, partition: number): void {
    const { lanes, encoder } = this.#options
    const { batch, place, rows, n } = run as Run & { batch: Batch<Schema>; place: Place }
    lanes.add(partition, { key: place.key, value: n === 1 ? encoder.encodeTick(batch, rows[0]) : this.#block(encoder, place, batch, rows, n) }, n)
    run.n = 0
  }

  #block(encoder: RecordEncoder, { underlying }: Place, batch: Batch<Schema>, rows: Int32Array, n: number): Buffer {
    if (rows[n - 1] - rows[0] === n - 1) return encoder.encodeBlock(underlying, batch, rows[0], rows[0] + n)
    return encoder.encodeBlock(underlying, takeRows(batch, rows, n, this.#gathered), 0, n)
  }

  #placeOf(id: number): Place {
    return (this.#places[id] ??= this.#newPlace(this.#options.instruments.contract(id).underlying))
  }

  #newPlace(underlying: string): Place {
    let place = this.#byUnderlying.get(underlying)
    if (place === undefined) {
      place = { underlying, key: Buffer.from(underlying), partition: partitionOf(underlying, this.#options.partitions) }
      this.#byUnderlying.set(underlying, place)
    }
    return place
  }
}
