import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TickloomError } from '../core/errors.ts'
import { attach, parseDate, UTC } from '../core/time.ts'

/** The days on which a fact could be believed: from `known` on, and before `withdrawn`. */
export interface Known {
  readonly known: number
  readonly withdrawn: number
}

/** Whether a fact was believed on the day `at`; without `at`, whether it still is. */
export function isBelieved({ known, withdrawn }: Known, at: number | undefined): boolean {
  return at === undefined ? withdrawn === Infinity : known <= at && at < withdrawn
}

/** One row of a table of dated facts; every cell is read through a check that names the file and the line. */
export class DatedRow {
  readonly #file: string
  readonly #line: number
  readonly #cells: ReadonlyMap<string, string>

  constructor(file: string, line: number, cells: ReadonlyMap<string, string>) {
    this.#file = file
    this.#line = line
    this.#cells = cells
  }

  /** The cell as text; never empty. */
  text(column: string): string {
    const text = this.#cells.get(column) ?? ''
    return text === '' ? this.refuse(`${column} is empty`) : text
  }

  isEmpty(column: string): boolean {
    return (this.#cells.get(column) ?? '') === ''
  }

  /** The cell as one of the words given. */
  oneOf(column: string, words: readonly string[]): number {
    const found = words.indexOf(this.text(column))
    return found >= 0 ? found : this.refuse(`${column} "${this.text(column)}" is none of ${words.join(', ')}`)
  }

  /** A YYYY-MM-DD cell as its day number. */
  day(column: string): number {
    const day = parseDate(this.text(column))
    return Number.isNaN(day) ? this.refuse(`${column} "${this.text(column)}" is not a date (YYYY-MM-DD)`) : day
  }

  /** As `day`, or `otherwise` where the cell is empty. */
  dayOr(column: string, otherwise: number): number {
    return this.isEmpty(column) ? otherwise : this.day(column)
  }

  /** The cell as a number of at least 0. */
  number(column: string): number {
    const number = Number(this.text(column))
    return number >= 0 && number < Infinity ? number : this.refuse(`${column} "${this.text(column)}" is not a number of 0 or more`)
  }

  /** The cells `known` and, where the table has it, `withdrawn`. */
  known(): Known {
    const [known, withdrawn] = [this.day('known'), this.dayOr('withdrawn', Infinity)]
    return withdrawn > known ? { known, withdrawn } : this.refuse('withdrawn is not after known')
  }

  /** An HH:MM[:SS] cell as microseconds since local midnight. */
  clock(column: string): number {
    const clock = attach(`1970-01-01 ${this.text(column)}`, UTC)
    return Number.isNaN(clock) ? this.refuse(`${column} "${this.text(column)}" is not a time (HH:MM)`) : clock
  }

  /** Throws MARKET_DATA_INVALID about this row. */
  refuse(reason: string): never {
    throw new TickloomError('MARKET_DATA_INVALID', `${this.#file}:${this.#line}: ${reason}`, { file: this.#file, line: this.#line })
  }
}

/**
 * Reads a comma-separated table whose first line is `columns`. Cells hold no commas, so there is no quoting;
 * `source` says where the fact is from and may not be empty. Lines that begin with # are remarks.
 */
export function readDatedTable(folder: string, name: string, columns: readonly string[]): DatedRow[] {
  const file = join(folder, name)
  const [head, ...lines] = readFileSync(file, 'utf8').split(/\r?\n/)
  if (head !== columns.join(',')) new DatedRow(file, 1, new Map()).refuse(`the first line is not ${columns.join(',')}`)
  const rows: DatedRow[] = []
  for (const [i, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue
    const cells = line.split(',')
    const row = new DatedRow(file, i + 2, new Map(columns.map((column, k) => [column, (cells[k] ?? '').trim()])))
    if (cells.length !== columns.length) row.refuse(`${cells.length} cells where there are ${columns.length} columns`)
    row.text('source')
    rows.push(row)
  }
  return rows
}
