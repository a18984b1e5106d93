import { join } from 'node:path'
import { type Batch, type Schema, sliceRows } from '../../core/batch.ts'
import { EpochBuffers } from '../../core/epochBuffers.ts'
import { TickloomError } from '../../core/errors.ts'
import { HEARTBEAT } from '../../core/market.ts'
import type { Destination, Flushed, Sink, SinkTask } from '../../core/ports.ts'
import { dayOf, formatDate, IST, type Zone } from '../../core/time.ts'
import { ownTemporary, probeFolder } from './atomic.ts'
import { claimMark, isEpochFile, type OutputFile, OutputManifest } from './outputManifest.ts'
import { foldersOf, RECORDED, recordingFolder } from './recording.ts'
import { writeParquet } from './tableWriter.ts'

export interface RecordingDestinationOptions {
  readonly lake: string
  /** Whose days the `date=` folders are. */
  readonly zone?: Zone
}

/**
 * Files what a log brought into a lake, in the order it came: `recorded/date=D/partition=P/<epoch>.parquet`
 * (docs/concepts/recordings.md). The topology has one output of rows with `ts` and `instrument`, heartbeats among them.
 *
 * D is the date of arrival: that of the highest event time so far, heartbeats included, so that a late row lies where it
 * came, after the row or heartbeat that made it late. Manifest, idempotence and failures are those of parquetDestination,
 * but for one: opened without a checkpoint, it forgets only what lies from its first epoch on, which is recorded again.
 * What is older the log may no longer have.
 */
export function recordingDestination({ lake, zone = IST }: RecordingDestinationOptions): Destination {
  return {
    name: 'recording',
    async open(task) {
      const [output, ...others] = Object.keys(task.outputs)
      if (others.length > 0 || task.outputs[output]?.['ts'] !== 'time' || task.outputs[output]['instrument'] !== 'instrument')
        throw new TickloomError('TOPOLOGY_INVALID', `${task.topology} cannot be recorded: a recording has one output, with ts and instrument`, {
          outputs: Object.keys(task.outputs),
        })
      const recorded = join(lake, RECORDED)
      probeFolder(join(recorded, 'meta'))
      const manifest = new OutputManifest(recorded, task.run, task.partition, task.claim)
      const sink = new RecordingSink(recorded, zone, task, output, manifest)
      if (task.committed !== undefined) await sink.goOnAfter(task.committed)
      return sink
    },
    close: async () => {},
  }
}

class RecordingSink implements Sink {
  readonly #dir: string
  readonly #zone: Zone
  readonly #task: SinkTask
  readonly #output: string
  readonly #manifest: OutputManifest
  readonly #buffers: EpochBuffers
  /** Highest event time filed; undefined until it is known how much of an earlier recording stays. */
  #maximum: number | undefined

  constructor(dir: string, zone: Zone, task: SinkTask, output: string, manifest: OutputManifest) {
    this.#dir = dir
    this.#zone = zone
    this.#task = task
    this.#output = output
    this.#manifest = manifest
    this.#buffers = new EpochBuffers(task.outputs)
  }

  /** Forgets what lies beyond that epoch. */
  async goOnAfter(epoch: number): Promise<number> {
    const isOwn = (path: string): boolean => isEpochFile(path.slice(path.lastIndexOf('/') + 1))
    const kept = await this.#manifest.trim(epoch, foldersOf(this.#dir, this.#task.partition), isOwn)
    return (this.#maximum = kept.reduce((highest, { max }) => Math.max(highest, max ?? -Infinity), -Infinity))
  }

  write(output: string, batch: Batch<Schema>): void {
    this.#buffers.append(output, batch)
  }

  async flush(epoch: number): Promise<Flushed> {
    const rows = this.#buffers.seal(epoch).get(this.#output)?.view(-Infinity) as Batch<Schema>
    const files: OutputFile[] = []
    let maximum = this.#maximum ?? (await this.goOnAfter(epoch - 1))
    for (let from = 0; from < rows.n; ) {
      const day = this.#stretch(rows, from, maximum)
      files.push(await this.#write(sliceRows(rows, from, day.to, -Infinity), formatDate(day.date), epoch))
      maximum = day.maximum
      from = day.to
    }
    this.#manifest.replace(epoch, files)
    this.#maximum = maximum
    this.#buffers.release()
    return { rows: rows.n, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }
  }

  async close(): Promise<void> {
    this.#manifest.leave()
  }

  /** The rows from `from` on that came on one date, and the highest time after them. Before any time is known, rows go with the first that has one. */
  #stretch({ n, col }: Batch<Schema>, from: number, before: number): { to: number; date: number; maximum: number } {
    const ts = col['ts'] as Float64Array
    let maximum = before
    let date = NaN
    let to = from
    for (; to < n; to++) {
      const next = Number.isFinite(ts[to]) && ts[to] > maximum ? ts[to] : maximum
      const here = next === -Infinity ? NaN : dayOf(next, this.#zone)
      if (here > date) break
      date = here
      maximum = next
    }
    return { to, date: Number.isNaN(date) ? 0 : date, maximum }
  }

  async #write(rows: Batch<Schema>, date: string, epoch: number): Promise<OutputFile> {
    const { partition, instruments, outputs, claim } = this.#task
    const path = `${recordingFolder(date, partition)}/${epoch}${claimMark(claim)}.parquet`
    const file = join(this.#dir, path)
    const schema = outputs[this.#output]
    const bytes = await writeParquet(file, { schema, n: rows.n, col: rows.col }, instruments, { temporary: ownTemporary(file) })
    return { path, output: this.#output, epoch, rows: rows.n, bytes, ...extentOf(rows), heartbeats: this.#heartbeats(rows) }
  }

  #heartbeats({ n, col }: Batch<Schema>): number {
    const id = this.#task.instruments.id(HEARTBEAT)
    const ids = col['instrument'] as Int32Array
    let count = 0
    for (let i = 0; i < n; i++) if (ids[i] === id) count++
    return count
  }
}

/** First and last finite time. */
function extentOf({ n, col }: Batch<Schema>): { min: number | null; max: number | null } {
  const ts = col['ts'] as Float64Array
  let min = Infinity
  let max = -Infinity
  for (let i = 0; i < n; i++) {
    if (!Number.isFinite(ts[i])) continue
    if (ts[i] < min) min = ts[i]
    if (ts[i] > max) max = ts[i]
  }
  return max === -Infinity ? { min: null, max: null } : { min, max }
}
