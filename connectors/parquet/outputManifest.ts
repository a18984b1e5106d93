import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, TickloomError } from '../../core/errors.ts'
import { appendLine, isBeingWritten, writeTextAtomically } from './atomic.ts'

/** One file of an output, relative to the run's folder; times are microseconds, null for an output without them. */
export interface OutputFile {
  readonly path: string
  readonly output: string
  readonly epoch: number
  readonly rows: number
  readonly bytes: number
  readonly min: number | null
  readonly max: number | null
  /** How many of the rows are heartbeats; only of a recording. */
  readonly heartbeats?: number
}

/** A line of a manifest: the files of an epoch, instead of those that a line before it named for the same epoch. */
interface EpochLine {
  readonly run: string
  readonly epoch: number
  readonly files: readonly OutputFile[]
}

const ENDING = '.jsonl'

/** A partition's name as part of a file name. */
export function fileName(partition: string): string {
  return encodeURIComponent(partition)
}

/** The partitions that have a manifest in the folder of a run, by name, in the order of their names. */
export function partitionsOf(dir: string): string[] {
  const meta = join(dir, 'meta')
  if (!existsSync(meta)) return []
  const named = readdirSync(meta).filter((name) => name.endsWith(ENDING))
  return named.map((name) => decodeURIComponent(name.slice(0, -ENDING.length))).sort()
}

/** The files of one partition that exist, by epoch. Throws CHECKPOINT_CORRUPT naming a line that is none. */
export function outputFiles(dir: string, partition: string): OutputFile[] {
  return [...readLines(pathOf(dir, partition)).lines.values()].sort((a, b) => a.epoch - b.epoch).flatMap(({ files }) => files)
}

/**
 * The files of one partition that exist: whatever else lies in the folder under its name is a crash's leftover.
 *
 * A journal, one line an epoch that has files, added to and never rewritten but when it is opened: so an epoch costs the
 * same after months, and a process that lost the partition and does not know it yet takes nothing away from its
 * successor, as both write the same files for the same epoch.
 */
export class OutputManifest {
  readonly #dir: string
  readonly #run: string
  readonly #path: string
  readonly #own: string
  #last: EpochLine | undefined

  constructor(dir: string, run: string, partition: string) {
    this.#dir = dir
    this.#run = run
    this.#path = pathOf(dir, partition)
    this.#own = `${fileName(partition)}-`
  }

  /**
   * Forgets what lies beyond the committed epoch and deletes every file of the partition below `folders` that is not
   * named and that nobody is still writing; `isOwn` tells of a file's path whether it is the partition's. Answers the files that stay.
   */
  async trim(committed: number | undefined, folders: readonly string[], isOwn = this.#isNamedAfterIt): Promise<readonly OutputFile[]> {
    const { lines, torn } = readLines(this.#path)
    const kept = [...lines.values()].filter(({ epoch }) => committed !== undefined && epoch <= committed)
    if (torn || kept.length < lines.size) await writeTextAtomically(this.#path, kept.map((line) => `${JSON.stringify(line)}\n`).join(''))
    const files = kept.flatMap((line) => line.files)
    const named = new Set(files.map(({ path }) => path))
    for (const path of found(this.#dir, folders)) {
      const file = join(this.#dir, path)
      if (isOwn(path) && !named.has(path) && !isBeingWritten(file)) rmSync(file, { force: true })
    }
    return files
  }

  /** Makes these the files of the epoch, instead of those this process gave it before. */
  replace(epoch: number, files: readonly OutputFile[]): void {
    const before = this.#last?.epoch === epoch ? this.#last.files : []
    if (before.length === 0 && files.length === 0) return
    const line: EpochLine = { run: this.#run, epoch, files }
    appendLine(this.#path, JSON.stringify(line))
    this.#last = line
    for (const { path } of before) if (!files.some((file) => file.path === path)) rmSync(join(this.#dir, path), { force: true })
  }

  readonly #isNamedAfterIt = (path: string): boolean => {
    const leaf = path.slice(path.lastIndexOf('/') + 1)
    return leaf.startsWith(this.#own) && isEpochFile(leaf.slice(this.#own.length))
  }
}

/** Is it `<epoch>.parquet`, finished or not? */
export function isEpochFile(leaf: string): boolean {
  return /^-?\d+\.parquet(\..+\.tmp)?$/.test(leaf)
}

function pathOf(dir: string, partition: string): string {
  return join(dir, 'meta', `${fileName(partition)}${ENDING}`)
}

function found(dir: string, folders: readonly string[]): string[] {
  return folders.flatMap((folder) => {
    if (!existsSync(join(dir, folder))) return []
    return (readdirSync(join(dir, folder), { recursive: true }) as string[]).map((path) => `${folder}/${path}`)
  })
}

/** The newest line of each epoch. `torn`: after the last of them something lies that a crash left of another. */
function readLines(path: string): { readonly lines: ReadonlyMap<number, EpochLine>; readonly torn: boolean } {
  const lines = new Map<number, EpochLine>()
  if (!existsSync(path)) return { lines, torn: false }
  const whole = readFileSync(path, 'utf8').split('\n')
  const rest = whole.pop()
  for (const [i, text] of whole.entries()) {
    try {
      const line = JSON.parse(text) as EpochLine
      lines.set(line.epoch, line)
    } catch (cause) {
      throw new TickloomError('CHECKPOINT_CORRUPT', `${path}, line ${i + 1} cannot be read: ${messageOf(cause)}`, { file: path, row: i + 1 }, cause)
    }
  }
  return { lines, torn: rest !== '' }
}
