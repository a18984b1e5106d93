import { formatDate } from '../../core/time.ts'
import type { LedgerEntry, Reason, Sample } from './reasons.ts'

/** Lines kept of each reason, member and date, and how much of each. */
const SAMPLES = 3
const LONGEST = 200

interface Count {
  readonly reason: Reason
  /** Day number, NaN for none. */
  readonly day: number
  rows: number
  readonly samples: Sample[]
}

/** What became of the rows of one member. Every row is told to it once. */
export class Tally {
  readonly #input: string
  readonly #member: string
  readonly #counts = new Map<string, Count>()

  constructor(input: string, member: string) {
    this.#input = input
    this.#member = member
  }

  /** `sample` is asked only while samples are wanted. */
  add(reason: Reason, day: number, rows: number, sample?: () => Sample): void {
    const key = `${reason} ${day}`
    let count = this.#counts.get(key)
    if (count === undefined) this.#counts.set(key, (count = { reason, day, rows: 0, samples: [] }))
    count.rows += rows
    if (sample !== undefined && count.samples.length < SAMPLES) {
      const { line, text } = sample()
      count.samples.push({ line, text: text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text })
    }
  }

  get rows(): number {
    let sum = 0
    for (const { rows } of this.#counts.values()) sum += rows
    return sum
  }

  entries(): LedgerEntry[] {
    return [...this.#counts.values()].map(({ reason, day, rows, samples }) => ({
      input: this.#input,
      member: this.#member,
      date: Number.isNaN(day) ? '' : formatDate(day),
      reason,
      rows,
      samples,
    }))
  }
}
