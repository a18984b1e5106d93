import { join } from 'node:path'
import type { Batch, Column, Schema } from '../../core/batch.ts'
import { EpochBuffers } from '../../core/epochBuffers.ts'
import type { Destination, Flushed, Sink, SinkTask } from '../../core/ports.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'
import { dayOf, formatDate, IST, type Zone } from '../../core/time.ts'
import { ownTemporary, probeFolder } from './atomic.ts'
import { claimMark, fileName, type OutputFile, OutputManifest } from './outputManifest.ts'
import { writeParquet } from './tableWriter.ts'

export interface ParquetDestinationOptions {
  /** Folder of the run. */
  readonly dir: string
  /** Noted in the manifests; the run of the task by default. */
  readonly run?: string
  /** Whose days the `date=` folders are. */
  readonly zone?: Zone
  /** What writes a file; by default with the column `instrument`. */
  readonly write?: typeof writeParquet
}

/**
 * Parquet files `DIR/<output>/date=<D>/<partition>-<epoch>.parquet`, and `DIR/meta/<partition>.jsonl` naming those
 * that exist: a flush writes its files whole, then adds a line to the manifest; files it does not name are deleted at
 * open.
 *
 * Opening throws OUTPUT_UNWRITABLE before any work is done; a flush throws DISK_FULL or OUTPUT_UNWRITABLE naming the
 * file. Column types: tableWriter.ts.
 */
export function parquetDestination({ dir, run, zone = IST, write = writeParquet }: ParquetDestinationOptions): Destination {
  return {
    name: 'parquet',
    async open(task) {
      probeFolder(join(dir, 'meta'))
      const manifest = new OutputManifest(dir, run ?? task.run, task.partition, task.claim)
      await manifest.trim(task.committed, Object.keys(task.outputs))
      return new ParquetSink(dir, zone, task, manifest, write)
    },
    close: async () => {},
  }
}

class ParquetSink implements Sink {
  readonly #dir: string
  readonly #zone: Zone
  readonly #task: SinkTask
  readonly #manifest: OutputManifest
  readonly #write: typeof writeParquet
  readonly #buffers: EpochBuffers

  constructor(dir: string, zone: Zone, task: SinkTask, manifest: OutputManifest, write: typeof writeParquet) {
    this.#write = write
    this.#dir = dir
    this.#zone = zone
    this.#task = task
    this.#manifest = manifest
    this.#buffers = new EpochBuffers(task.outputs)
  }

  write(output: string, batch: Batch<Schema>): void {
    this.#buffers.append(output, batch)
  }

  async flush(epoch: number): Promise<Flushed> {
    const files: OutputFile[] = []
    for (const [output, buffer] of this.#buffers.seal(epoch)) {
      for (const part of partsOf(buffer, this.#zone)) files.push(await this.#writePart(output, buffer.schema, part, epoch))
    }
    this.#manifest.replace(epoch, files)
    this.#buffers.release()
    return { rows: files.reduce((sum, { rows }) => sum + rows, 0), bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }
  }

  async close(): Promise<void> {
    this.#manifest.leave()
  }

  async #writePart(output: string, schema: Schema, { date, n, col, min, max }: Part, epoch: number): Promise<OutputFile> {
    const folder = date === undefined ? output : `${output}/date=${date}`
    const path = `${folder}/${fileName(this.#task.partition)}-${epoch}${claimMark(this.#task.claim)}.parquet`
    const file = join(this.#dir, path)
    const bytes = await this.#write(file, { schema, n, col }, this.#task.instruments, { temporary: ownTemporary(file) })
    return { path, output, epoch, rows: n, bytes, min, max }
  }
}

interface Part {
  /** Undefined for an output without times. */
  readonly date: string | undefined
  readonly n: number
  readonly col: Readonly<Record<string, Column>>
  readonly min: number | null
  readonly max: number | null
}

/** The rows of a buffer by date, in their order; nearly always one part. Rows whose time is none are a part without a date. */
function partsOf(buffer: RowBuffer<Schema>, zone: Zone): Part[] {
  const { n, col, schema } = buffer
  if (n === 0) return []
  if (schema['ts'] !== 'time') return [{ date: undefined, n, col, min: null, max: null }]
  const ts = col['ts'] as Float64Array
  const [min, max, timed] = rangeOf(ts, n)
  const [first, last] = [dayOf(min, zone), dayOf(max, zone)]
  if (timed === n && first === last) return [{ date: formatDate(first), n, col, min, max }]
  const days = timed === 0 ? [] : Array.from({ length: last - first + 1 }, (_, i) => first + i)
  return [...days, NaN].map((day) => ofDay(buffer, day, zone)).filter((part) => part.n > 0)
}

/** The rows of a day; of NaN those whose time is none. */
function ofDay({ n, col, schema }: RowBuffer<Schema>, day: number, zone: Zone): Part {
  const ts = col['ts'] as Float64Array
  const rows = new RowBuffer(schema)
  const belongs = (t: number): boolean => (Number.isFinite(t) ? dayOf(t, zone) === day : Number.isNaN(day))
  for (let from = 0; from < n; ) {
    let to = from + 1
    const inside = belongs(ts[from])
    while (to < n && belongs(ts[to]) === inside) to++
    if (inside) rows.append({ n, watermark: -Infinity, col }, from, to)
    from = to
  }
  if (Number.isNaN(day)) return { date: undefined, n: rows.n, col: rows.col, min: null, max: null }
  const [min, max] = rangeOf(rows.col['ts'] as Float64Array, rows.n)
  return { date: formatDate(day), n: rows.n, col: rows.col, min, max }
}

/** The first and the last time, and how many there are: NaN and the infinities are none. */
function rangeOf(ts: Float64Array, n: number): [min: number, max: number, timed: number] {
  let [min, max, timed] = [Infinity, -Infinity, 0]
  for (let i = 0; i < n; i++) {
    if (!Number.isFinite(ts[i])) continue
    timed++
    if (ts[i] < min) min = ts[i]
    if (ts[i] > max) max = ts[i]
  }
  return [min, max, timed]
}
