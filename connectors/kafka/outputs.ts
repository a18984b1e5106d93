import type { Batch, Schema } from '../../core/batch.ts'
import type { Flushed, Sink, SinkTask } from '../../core/ports.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'
import { OutputEncoder } from '../avro/encoder.ts'
import type { SchemaSource } from '../avro/schemaSource.ts'
import { outputSchema } from '../avro/schemas.ts'
import type { NewRecord, Outgoing } from './driver.ts'

export interface OutputTopics {
  /** Outputs that are published; the topic of each is `prefix` and its name. */
  readonly names: readonly string[]
  readonly prefix: string
}

interface Output {
  readonly topic: string
  readonly schema: Schema
  readonly encoder: OutputEncoder<Schema>
  rows: RowBuffer<Schema>
  spare: RowBuffer<Schema>
}

/**
 * Outputs as records of topics, a record a row: key the underlying, partition that of the input, headers `run` and
 * `epoch`. A flush only makes the records; `take` hands them to the transaction that commits the epoch.
 */
export class OutputSink implements Sink {
  readonly #partition: number
  readonly #task: Omit<SinkTask, 'committed' | 'claim'>
  readonly #outputs = new Map<string, Output>()
  readonly #keys: Buffer[] = []
  #staged: Outgoing[] = []

  private constructor(partition: number, task: Omit<SinkTask, 'committed' | 'claim'>) {
    this.#partition = partition
    this.#task = task
  }

  /** Registers the outputs' schemas. Throws as SchemaSource.idOf. */
  static async open(
    partition: number,
    task: Omit<SinkTask, 'committed' | 'claim'>,
    { names, prefix }: OutputTopics,
    schemas: SchemaSource,
  ): Promise<OutputSink> {
    const sink = new OutputSink(partition, task)
    for (const name of names) {
      const schema = task.outputs[name]
      const topic = prefix + name
      const id = await schemas.idOf(`${topic}-value`, outputSchema(name, schema))
      sink.#outputs.set(name, {
        topic,
        schema,
        encoder: new OutputEncoder(id, schema, task.instruments),
        rows: new RowBuffer(schema),
        spare: new RowBuffer(schema),
      })
    }
    return sink
  }

  write(output: string, batch: Batch<Schema>): void {
    this.#outputs.get(output)?.rows.append(batch)
  }

  async flush(epoch: number): Promise<Flushed> {
    let [rows, bytes] = [0, 0]
    const headers = { run: this.#task.run, epoch: String(epoch) }
    this.#staged = []
    for (const output of this.#outputs.values()) {
      const full = output.rows
      output.rows = output.spare
      output.spare = full
      const records = this.#records(output, full, headers)
      full.clear()
      rows += records.length
      for (const { value } of records) bytes += value?.length ?? 0
      if (records.length > 0) this.#staged.push({ topic: output.topic, partition: this.#partition, records })
    }
    return { rows, bytes }
  }

  /** What the last flush made. */
  take(): readonly Outgoing[] {
    return this.#staged
  }

  async close(): Promise<void> {}

  #records({ schema, encoder }: Output, rows: RowBuffer<Schema>, headers: Readonly<Record<string, string>>): NewRecord[] {
    const batch = rows.view(-Infinity)
    const [instrument] = Object.keys(schema).filter((name) => schema[name] === 'instrument')
    const ids = batch.col[instrument] as Int32Array | undefined
    return Array.from({ length: batch.n }, (_, row) => ({
      key: ids === undefined ? null : this.#key(ids[row]),
      value: encoder.encodeRow(batch, row),
      headers,
    }))
  }

  #key(id: number): Buffer {
    return (this.#keys[id] ??= Buffer.from(this.#task.instruments.contract(id).underlying))
  }
}
