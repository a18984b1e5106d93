import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Batch, Schema } from '../../core/batch.ts'
import { messageOf, TickloomError } from '../../core/errors.ts'
import type { Destination, Flushed, Sink, SinkTask } from '../../core/ports.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'
import { sync, writeFailure, writeParquet } from './writeFile.ts'

/** A file that exists, because the manifest of its partition names it. */
export interface WrittenFile {
  readonly output: string
  readonly epoch: number
  /** Relative to the run's folder. */
  readonly path: string
  readonly rows: number
  readonly bytes: number
}

interface Manifest {
  readonly partition: string
  readonly files: readonly WrittenFile[]
}

/**
 * Writes outputs as Parquet: `dir/<output>/date=<partition>/<partition>-<epoch>.parquet`, a file an output and epoch.
 *
 * Guarantee: each row exactly once by (partition, epoch), whatever is killed when. Files appear whole and under the
 * epoch's name, so an epoch flushed again replaces its own; `dir/meta/<partition>.json` is the manifest, and at open
 * what it does not name, or what lies beyond the committed epoch, is a crash's leftover and removed.
 *
 * Throws OUTPUT_UNWRITABLE before the first row when the folder cannot be written, DISK_FULL when it is full.
 */
export function parquetDestination({ dir }: { readonly dir: string }): Destination {
  return {
    name: 'parquet',
    async open(task) {
      probe(dir)
      return new ParquetSink(dir, task)
    },
    close: async () => {},
  }
}

class ParquetSink implements Sink {
  readonly #dir: string
  readonly #task: SinkTask
  readonly #pending: ReadonlyMap<string, RowBuffer<Schema>>
  #files: WrittenFile[]

  constructor(dir: string, task: SinkTask) {
    this.#dir = dir
    this.#task = task
    this.#pending = new Map(Object.entries(task.outputs).map(([name, schema]) => [name, new RowBuffer(schema)]))
    this.#files = readManifest(this.#manifestPath).filter((f) => task.committed !== undefined && f.epoch <= task.committed)
    this.#removeLeftovers()
  }

  write(output: string, batch: Batch<Schema>): void {
    this.#pending.get(output)?.append(batch)
  }

  async flush(epoch: number): Promise<Flushed> {
    const written: WrittenFile[] = []
    for (const [output, rows] of this.#pending) {
      if (rows.n === 0) continue
      const path = join(this.#folder(output), `${this.#task.partition}-${epoch}.parquet`)
      const bytes = await writeParquet(join(this.#dir, path), rows.schema, rows.view(Infinity), this.#task.instruments)
      written.push({ output, epoch, path, rows: rows.n, bytes })
    }
    if (written.length > 0) {
      this.#files = [...this.#files.filter((f) => f.epoch !== epoch), ...written]
      writeManifest(this.#manifestPath, { partition: this.#task.partition, files: this.#files })
    }
    // Kept until here: a flush that failed may be made again.
    for (const rows of this.#pending.values()) rows.clear()
    return { rows: written.reduce((sum, f) => sum + f.rows, 0), bytes: written.reduce((sum, f) => sum + f.bytes, 0) }
  }

  async close(): Promise<void> {
    for (const rows of this.#pending.values()) rows.clear()
  }

  get #manifestPath(): string {
    return join(this.#dir, 'meta', `${this.#task.partition}.json`)
  }

  #folder(output: string): string {
    return join(output, `date=${this.#task.partition}`)
  }

  #removeLeftovers(): void {
    const named = new Set(this.#files.map((f) => f.path))
    for (const output of this.#pending.keys()) {
      const folder = this.#folder(output)
      if (!existsSync(join(this.#dir, folder))) continue
      for (const name of readdirSync(join(this.#dir, folder))) {
        if (!named.has(join(folder, name))) rmSync(join(this.#dir, folder, name))
      }
    }
    if (existsSync(this.#manifestPath)) writeManifest(this.#manifestPath, { partition: this.#task.partition, files: this.#files })
  }
}

/** The files that the manifest names, none when there is no manifest yet. */
function readManifest(path: string): WrittenFile[] {
  if (!existsSync(path)) return []
  try {
    return [...(JSON.parse(readFileSync(path, 'utf8')) as Manifest).files]
  } catch (cause) {
    throw new TickloomError('LAKE_MANIFEST', `${path} is not the manifest of a partition: ${messageOf(cause)}`, { path }, cause)
  }
}

function writeManifest(path: string, manifest: Manifest): void {
  const temporary = `${path}.tmp`
  try {
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(temporary, `${JSON.stringify(manifest, null, 1)}\n`)
    sync(temporary)
    renameSync(temporary, path)
    sync(join(path, '..'))
  } catch (cause) {
    rmSync(temporary, { force: true })
    throw writeFailure(path, cause)
  }
}

function probe(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true })
    accessSync(dir, constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw new TickloomError('OUTPUT_UNWRITABLE', `cannot write into ${dir}: ${messageOf(cause)}`, { path: dir }, cause)
  }
}
