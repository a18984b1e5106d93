import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, TickloomError } from '../../core/errors.ts'
import { writeTextAtomically } from './atomic.ts'

/** One file of an output, relative to the run's folder; times are microseconds, null for an output without them. */
export interface OutputFile {
  readonly path: string
  readonly output: string
  readonly epoch: number
  readonly rows: number
  readonly bytes: number
  readonly min: number | null
  readonly max: number | null
}

interface Saved {
  readonly partition: string
  readonly run: string
  readonly files: readonly OutputFile[]
}

/** A partition's name as part of a file name. */
export function fileName(partition: string): string {
  return encodeURIComponent(partition)
}

/** The files of one partition that exist: whatever else lies in the folder under its name is a crash's leftover. */
export class OutputManifest {
  readonly #dir: string
  readonly #run: string
  readonly #partition: string
  #files: readonly OutputFile[]

  constructor(dir: string, run: string, partition: string) {
    this.#dir = dir
    this.#run = run
    this.#partition = partition
    this.#files = read(this.#path)
  }

  get #path(): string {
    return join(this.#dir, 'meta', `${fileName(this.#partition)}.json`)
  }

  /** Forgets what lies beyond the committed epoch and deletes every file of the partition that is not named. */
  async trim(committed: number | undefined, outputs: readonly string[]): Promise<void> {
    const kept = this.#files.filter(({ epoch }) => committed !== undefined && epoch <= committed)
    if (kept.length < this.#files.length) await this.#save(kept)
    const named = new Set(kept.map(({ path }) => path))
    for (const path of this.#found(outputs)) if (!named.has(path)) rmSync(join(this.#dir, path), { force: true })
  }

  /** Makes these the files of the epoch, instead of those it had. */
  async replace(epoch: number, files: readonly OutputFile[]): Promise<void> {
    const before = this.#files.filter((file) => file.epoch === epoch)
    if (before.length === 0 && files.length === 0) return
    await this.#save([...this.#files.filter((file) => file.epoch !== epoch), ...files])
    for (const { path } of before) if (!files.some((file) => file.path === path)) rmSync(join(this.#dir, path), { force: true })
  }

  async #save(files: readonly OutputFile[]): Promise<void> {
    const saved: Saved = { partition: this.#partition, run: this.#run, files }
    await writeTextAtomically(this.#path, `${JSON.stringify(saved, null, 1)}\n`)
    this.#files = files
  }

  #found(outputs: readonly string[]): string[] {
    const own = `${fileName(this.#partition)}-`
    return outputs.flatMap((output) => {
      if (!existsSync(join(this.#dir, output))) return []
      return (readdirSync(join(this.#dir, output), { recursive: true }) as string[])
        .filter((path) => {
          const leaf = path.slice(path.lastIndexOf('/') + 1)
          return leaf.startsWith(own) && /^-?\d+\.parquet(\.tmp)?$/.test(leaf.slice(own.length))
        })
        .map((path) => `${output}/${path}`)
    })
  }
}

function read(path: string): readonly OutputFile[] {
  if (!existsSync(path)) return []
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as Saved).files
  } catch (cause) {
    throw new TickloomError('CHECKPOINT_CORRUPT', `${path} cannot be read: ${messageOf(cause)}`, { file: path }, cause)
  }
}
