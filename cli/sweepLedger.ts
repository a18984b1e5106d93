import { closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, TickloomError } from '../core/errors.ts'
import type { Metrics } from '../runtime/sweepMetrics.ts'
import type { SweepResult } from './sweepJob.ts'

/** Where a sweep's folder keeps what finished jobs came to: a line of JSON a job. */
export const RESULTS = 'results.jsonl'

/**
 * What finished jobs came to, on disk before the next is begun upon it: a sweep that is killed goes on after the last of
 * them. A line that a kill left half is cut off. One process writes a ledger at a time.
 *
 * Throws OUTPUT_UNWRITABLE, DISK_FULL.
 */
export class SweepLedger {
  readonly #path: string
  readonly #file: number
  readonly #rows = new Map<string, Map<number, Metrics>>()
  readonly results: SweepResult[] = []
  rowsIn = 0

  constructor(folder: string) {
    this.#path = join(folder, RESULTS)
    try {
      mkdirSync(folder, { recursive: true })
      const whole = existsSync(this.#path) ? this.#read() : 0
      this.#file = openSync(this.#path, 'a')
      ftruncateSync(this.#file, whole)
    } catch (cause) {
      throw this.#failure(cause)
    }
  }

  /** Whether that set has an answer for the day. */
  has(date: string, set: number): boolean {
    return this.#rows.get(date)?.has(set) === true
  }

  /** The metrics of a set on a day that it has an answer for. */
  metrics(date: string, set: number): Metrics {
    return this.#rows.get(date)?.get(set) as Metrics
  }

  add(result: SweepResult): void {
    try {
      writeSync(this.#file, `${JSON.stringify(result)}\n`)
      fsyncSync(this.#file)
    } catch (cause) {
      throw this.#failure(cause)
    }
    this.#take(result)
  }

  close(): void {
    closeSync(this.#file)
  }

  /** Takes the lines that are whole; answers their bytes. */
  #read(): number {
    const bytes = readFileSync(this.#path)
    const whole = bytes.lastIndexOf(0x0a) + 1
    for (const line of bytes.toString('utf8', 0, whole).split('\n')) if (line !== '') this.#take(JSON.parse(line) as SweepResult)
    return whole
  }

  #take(result: SweepResult): void {
    const { date, metrics, sets, rows, rowsIn } = result
    const day = this.#rows.get(date) ?? new Map<number, Metrics>()
    this.#rows.set(date, day)
    for (const [i, set] of sets.entries()) day.set(set, Object.fromEntries(metrics.map((name, k) => [name, rows[i][k]])))
    this.results.push(result)
    this.rowsIn += rowsIn
  }

  #failure(cause: unknown): TickloomError {
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC')
      return new TickloomError('DISK_FULL', `no space left for ${this.#path}`, { path: this.#path }, cause)
    return new TickloomError('OUTPUT_UNWRITABLE', `cannot write ${this.#path}: ${messageOf(cause)}`, { path: this.#path }, cause)
  }
}
