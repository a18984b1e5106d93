import { formatDate } from '../../core/time.ts'
import { isBelieved, type Known, readDatedTable } from '../datedTable.ts'

interface Holiday extends Known {
  readonly name: string
}

/** Day 0, 1970-01-01, was a Thursday. 0 is Sunday. */
export function weekdayOf(day: number): number {
  return (((day + 4) % 7) + 7) % 7
}

export function isWeekend(day: number): boolean {
  return weekdayOf(day) % 6 === 0
}

/**
 * The weekdays on which the NSE does not trade: holidays.csv, and holiday-years.csv, which says of which years all of
 * them are there. Of a year that is not whole, weekdays that are not named are taken for trading days.
 */
export class NseHolidays {
  readonly #byDay = new Map<number, Holiday[]>()
  readonly wholeYears: ReadonlySet<number>

  /** Throws MARKET_DATA_INVALID. */
  constructor(folder: string) {
    for (const row of readDatedTable(folder, 'holidays.csv', ['date', 'holiday', 'status', 'known', 'withdrawn', 'source'])) {
      const day = row.day('date')
      if (isWeekend(day)) row.refuse(`${formatDate(day)} is no weekday`)
      const holiday: Holiday = { name: row.text('holiday'), ...row.known() }
      if (row.oneOf('status', ['chosen', 'rejected']) === 1) continue
      const others = this.#byDay.get(day) ?? []
      if (others.some((other) => other.known < holiday.withdrawn && holiday.known < other.withdrawn)) row.refuse(`${formatDate(day)} is there twice`)
      this.#byDay.set(day, [...others, holiday])
    }
    this.wholeYears = this.#readYears(folder)
  }

  /** When each was known. */
  get facts(): readonly Known[] {
    return [...this.#byDay.values()].flat()
  }

  /** What the holiday is called, of a day that is one as far as was known at the end of the day `at`. */
  nameOf(day: number, at?: number): string | undefined {
    return this.#byDay.get(day)?.find((holiday) => isBelieved(holiday, at))?.name
  }

  /** Whether the regular market is open: sessions on weekends do not count, nor does an hour of Muhurat on a holiday. */
  isRegular(day: number, at?: number): boolean {
    return !isWeekend(day) && this.nameOf(day, at) === undefined
  }

  /** `day`, or the last day before it on which the regular market is open. */
  onOrBefore(day: number, at?: number): number {
    let found = day
    while (!this.isRegular(found, at)) found--
    return found
  }

  #readYears(folder: string): Set<number> {
    const counted = new Map<number, number>()
    for (const day of this.#byDay.keys()) {
      const year = Number(formatDate(day).slice(0, 4))
      if (this.nameOf(day) !== undefined) counted.set(year, (counted.get(year) ?? 0) + 1)
    }
    const whole = new Set<number>()
    for (const row of readDatedTable(folder, 'holiday-years.csv', ['year', 'holidays', 'status', 'source'])) {
      const [year, holidays] = [row.number('year'), row.number('holidays')]
      if (row.oneOf('status', ['complete', 'partial']) === 1) continue
      if (counted.get(year) !== holidays) row.refuse(`holidays.csv has ${counted.get(year) ?? 0} holidays of ${year}, not ${holidays}`)
      whole.add(year)
    }
    return whole
  }
}
