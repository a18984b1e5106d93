import type { FilePlan } from '../dayPlan.ts'
import { type Rows, TickFile, type Undecodable } from './tickFile.ts'
import { WindowMerge } from './windowMerge.ts'

/** A day to be read: its files in the order of rows of one time, and what is added to the codes of each. */
export interface DayTask {
  readonly key: string
  readonly files: readonly FilePlan[]
  readonly offsets: readonly number[]
}

/** Decoded rows held of all files of a merge together. */
const ROWS_IN_MERGE = 200_000
/** Decompressed pages of one day held at once; a day of more is left to the engines, which hold less of each file. */
const MOST_BYTES = 400e6

/** Decodes the files of a day, merged by time. Throws what TickFile throws. */
export class DayReader {
  readonly task: DayTask
  readonly #files: TickFile[] = []
  #merge: WindowMerge | undefined
  #undecodable: Undecodable | undefined

  constructor(task: DayTask) {
    this.task = task
  }

  /** Bytes held at most, about, of the files opened. */
  get bytes(): number {
    return this.#files.reduce((sum, file) => sum + file.bytes, 0)
  }

  /** Does one more piece of what comes before the first row; false when all is done. */
  step(): boolean {
    const { files, offsets } = this.task
    if (this.#undecodable !== undefined) return false
    if (this.#files.length < files.length) {
      this.#openNext(files[this.#files.length])
      return true
    }
    if (this.#files.length === 1) return false
    const { columns } = files[0]
    const ts = columns.findIndex(({ name }) => name === 'ts')
    const rows = Math.max(1_024, Math.min(16_384, Math.floor(ROWS_IN_MERGE / files.length)))
    this.#merge ??= new WindowMerge(this.#files, offsets, columns.length, ts, rows)
    return this.#merge.prepare()
  }

  /** Does all of it; tells the file that has to be left to the engines. */
  prepare(): Undecodable | undefined {
    while (this.step());
    return this.#undecodable
  }

  /** Fills `into` with up to `most` rows; 0 at the end. */
  read(into: Rows, most: number): number {
    if (this.#merge !== undefined) return this.#merge.read(into, most)
    const [file] = this.#files
    if (!file.coded) into.codes.fill(this.task.offsets[0], 0, most)
    return file.read(into, 0, most)
  }

  close(): void {
    for (const file of this.#files.splice(0)) file.close()
    this.#merge?.close()
    this.#merge = undefined
  }

  #openNext(plan: FilePlan): void {
    // Beside other files a wrong code would be one of theirs; alone it is none, which codesOfDay sees.
    const file = TickFile.open(plan, this.task.files.length > 1)
    if (file instanceof TickFile) this.#files.push(file)
    else this.#undecodable = file
    if (this.bytes > MOST_BYTES)
      this.#undecodable = { path: plan.path, reason: `the pages of its day, of ${Math.round(this.bytes / 1e6)} MB and more` }
    if (!plan.sorted && this.task.files.length > 1) this.#undecodable = { path: plan.path, reason: 'a merge with rows out of order' }
    if (this.#undecodable !== undefined) this.close()
  }
}
