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
/** Between a name and the claim of whoever wrote the file; no name of a partition has it, as file names are encoded. */
const CLAIM = '+'

/** A partition's name as part of a file name. */
export function fileName(partition: string): string {
  return encodeURIComponent(partition)
}

/** What tells the files of one owner of a partition from those of another: `+<claim>`, nothing where there are no claims. */
export function claimMark(claim: number | undefined): string {
  return claim === undefined ? '' : `${CLAIM}${claim}`
}

/** The partitions that have a manifest in the folder of a run, by name, in the order of their names. */
export function partitionsOf(dir: string): string[] {
  const names = manifestsIn(dir).map(({ partition }) => decodeURIComponent(partition))
  return [...new Set(names)].sort()
}

/** The files of one partition that exist, by epoch: those that its last owner names. Throws CHECKPOINT_CORRUPT naming a line that is none. */
export function outputFiles(dir: string, partition: string): OutputFile[] {
  const last = manifestsOf(dir, partition).at(-1)
  const lines = last === undefined ? [] : [...readLines(last.path).lines.values()]
  return lines.sort((a, b) => a.epoch - b.epoch).flatMap(({ files }) => files)
}

/**
 * The files of one partition that exist: whatever else lies in the folder under its name is a crash's leftover.
 *
 * A journal, one line an epoch that has files, added to and never rewritten but when it is opened: so an epoch costs the
 * same after months.
 *
 * Each owner of a live partition has a journal, and files, under his own claim: `<partition>+<claim>.jsonl`, begun with
 * what was committed before him. The highest claim is what counts. So a process that lost the partition and does not
 * know it yet, however long it stood still and wherever, adds nothing to what its successors wrote and takes nothing
 * away: it writes and deletes under its own and lower claims only.
 */
export class OutputManifest {
  readonly #dir: string
  readonly #run: string
  readonly #partition: string
  readonly #claim: number | undefined
  readonly #path: string
  readonly #own: string
  #last: EpochLine | undefined
  /** Where the partition's files lie, and which they are; known once it was trimmed. */
  #places: { readonly folders: readonly string[]; isOwn(path: string): boolean } | undefined

  constructor(dir: string, run: string, partition: string, claim?: number) {
    this.#dir = dir
    this.#run = run
    this.#partition = partition
    this.#claim = claim
    this.#path = join(dir, 'meta', `${fileName(partition)}${claimMark(claim)}${ENDING}`)
    this.#own = `${fileName(partition)}-`
  }

  /**
   * Forgets what lies beyond the committed epoch and deletes every file of the partition below `folders` that is not
   * named and that nobody is still writing; `isOwn` tells of a file's path whether it is the partition's. Answers the
   * files that stay. Throws FENCED, and touches nothing, where somebody with a higher claim has been.
   */
  async trim(committed: number | undefined, folders: readonly string[], isOwn = this.#isNamedAfterIt): Promise<readonly OutputFile[]> {
    const before = manifestsOf(this.#dir, this.#partition)
    const last = before.at(-1)
    if (last !== undefined && last.claim > (this.#claim ?? last.claim)) throw this.#fenced(last.claim)
    const { lines, torn } = last === undefined ? { lines: new Map<number, EpochLine>(), torn: false } : this.#read(last)
    const kept = [...lines.values()].filter(({ epoch }) => committed !== undefined && epoch <= committed)
    const begins = this.#claim !== undefined && last?.path !== this.#path
    if (torn || begins || kept.length < lines.size) await writeTextAtomically(this.#path, kept.map((line) => `${JSON.stringify(line)}\n`).join(''))
    const files = kept.flatMap((line) => line.files)
    this.#places = { folders, isOwn }
    this.#sweep(files, (claim) => claim <= (this.#claim ?? Infinity))
    for (const { path } of before) if (path !== this.#path) rmSync(path, { force: true })
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

  /**
   * To be called when the owner is done. One that was deposed removes what it wrote and could not commit, so that whoever
   * reads the folder as it is reads no row twice; otherwise nothing happens.
   */
  leave(): void {
    const last = manifestsOf(this.#dir, this.#partition).at(-1)
    if (last === undefined || this.#claim === undefined || last.claim <= this.#claim) return
    this.#sweep(
      [...readLines(last.path).lines.values()].flatMap(({ files }) => files),
      (claim) => claim === this.#claim,
    )
  }

  /** Deletes the partition's files of these claims that are not among the files given and that nobody is writing. */
  #sweep(files: readonly OutputFile[], claims: (claim: number) => boolean): void {
    const named = new Set(files.map(({ path }) => path))
    for (const path of found(this.#dir, this.#places?.folders ?? [])) {
      const file = join(this.#dir, path)
      if (this.#places?.isOwn(path) && claims(claimOf(path)) && !named.has(path) && !isBeingWritten(file)) rmSync(file, { force: true })
    }
  }

  /** A manifest that is gone by now was taken over by whoever came after this owner. */
  #read({ path, claim }: Manifest): ReturnType<typeof readLines> {
    try {
      return readLines(path)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw this.#fenced(claim)
      throw cause
    }
  }

  #fenced(claim: number): TickloomError {
    return new TickloomError('FENCED', `partition ${this.#partition} in ${this.#dir} has another owner since claim ${claim}`, {
      partition: this.#partition,
    })
  }

  readonly #isNamedAfterIt = (path: string): boolean => {
    const leaf = path.slice(path.lastIndexOf('/') + 1)
    return leaf.startsWith(this.#own) && isEpochFile(leaf.slice(this.#own.length))
  }
}

/** Is it `<epoch>.parquet` or `<epoch>+<claim>.parquet`, finished or not? */
export function isEpochFile(leaf: string): boolean {
  return /^-?\d+(\+\d+)?\.parquet(\..+\.tmp)?$/.test(leaf)
}

/** The claim in a file's name; 0 where there is none. */
function claimOf(path: string): number {
  return Number(/\+(\d+)\.(?:parquet|jsonl)[^/]*$/.exec(path)?.[1] ?? 0)
}

interface Manifest {
  readonly path: string
  /** The partition as file names have it. */
  readonly partition: string
  readonly claim: number
}

function manifestsIn(dir: string): Manifest[] {
  const meta = join(dir, 'meta')
  if (!existsSync(meta)) return []
  return readdirSync(meta)
    .filter((name) => name.endsWith(ENDING))
    .map((name) => ({ path: join(meta, name), partition: name.slice(0, -ENDING.length).split(CLAIM)[0], claim: claimOf(name) }))
}

/** Those of one partition, the highest claim last. */
function manifestsOf(dir: string, partition: string): Manifest[] {
  const wanted = fileName(partition)
  return manifestsIn(dir)
    .filter((manifest) => manifest.partition === wanted)
    .sort((a, b) => a.claim - b.claim)
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
