import type { Calendar, Session } from '../../core/calendar.ts'
import type { Contract } from '../../core/instruments.ts'
import { formatDate, IST, startOfDay } from '../../core/time.ts'
import { type DatedRow, readDatedTable } from '../datedTable.ts'
import { nseFolder } from './folder.ts'
import { NseHolidays } from './holidays.ts'

const segments = ['equity', 'derivatives'] as const
export type NseSegment = (typeof segments)[number]

const kinds = ['muhurat', 'weekend', 'outage'] as const
/** Why a day has hours of its own. */
export type SpecialKind = (typeof kinds)[number]

interface Hours {
  readonly open: number
  readonly close: number
}
interface Regular extends Hours {
  readonly from: number
  readonly to: number
}
interface Tables {
  /** By segment, in the order of `from`. */
  readonly regular: readonly (readonly Regular[])[]
  /** By day, then segment; no hours when the date is known and the hours are not. */
  readonly special: ReadonlyMap<number, readonly (readonly Hours[])[]>
  readonly kinds: ReadonlyMap<number, SpecialKind>
  readonly holidays: NseHolidays
  readonly unannounced: readonly string[]
}

/**
 * Trading hours of the NSE from sessions.csv, special-sessions.csv, holidays.csv and holiday-years.csv of a folder,
 * read once, when they are first asked for. MARKET_DATA_INVALID names the file and line of a row that does not hold.
 *
 * In this order: a date with special sessions has those and no others, holiday or not; a weekend and a holiday have
 * none; any other day has the regular hours in force. The list of holidays is whole for the years of
 * holiday-years.csv: in others weekdays that it does not name are taken for trading days. Before the first regular
 * row there are no sessions.
 */
export class NseCalendar implements Calendar {
  readonly zone = IST
  readonly segments = segments
  readonly #folder: string
  readonly #known = new Map<number, readonly Session[]>()
  #tables: Tables | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Spot and indices trade with the equity segment, futures and options with the derivatives segment. */
  segmentOf(contract: Contract): number {
    return contract.kind === 'spot' ? 0 : 1
  }

  /**
   * Dates on which the exchange trades at hours that the tables do not give. They have no sessions, so a row of
   * such a date counts as off-session; a caller who replays one should warn.
   */
  get unannounced(): readonly string[] {
    return this.#read().unannounced
  }

  sessions(day: number, segment: number): readonly Session[] {
    const key = day * segments.length + segment
    let found = this.#known.get(key)
    if (found === undefined) this.#known.set(key, (found = sessionsOf(this.#read(), day, segment)))
    return found
  }

  get holidays(): NseHolidays {
    return this.#read().holidays
  }

  /** Why the hours of a day are its own, of a day whose hours are. */
  specialKind(day: number): SpecialKind | undefined {
    return this.#read().kinds.get(day)
  }

  /** Whether anything trades on that day, be it for an hour, or at hours not yet known. */
  isTradingDay(day: number): boolean {
    return this.#read().special.has(day) || segments.some((_, segment) => this.sessions(day, segment).length > 0)
  }

  #read(): Tables {
    this.#tables ??= readTables(this.#folder)
    return this.#tables
  }
}

/** The NSE as the tables beside this file have it. */
export const nseCalendar: NseCalendar = new NseCalendar(nseFolder)

function sessionsOf(tables: Tables, day: number, segment: number): readonly Session[] {
  const midnight = startOfDay(day, IST)
  const special = tables.special.get(day)
  if (special) return special[segment].map(({ open, close }) => ({ open: midnight + open, close: midnight + close }))
  if (!tables.holidays.isRegular(day)) return []
  const regular = tables.regular[segment].find(({ from, to }) => from <= day && day <= to)
  return regular ? [{ open: midnight + regular.open, close: midnight + regular.close }] : []
}

function readTables(folder: string): Tables {
  return { regular: readRegular(folder), ...readSpecial(folder), holidays: new NseHolidays(folder) }
}

function readRegular(folder: string): Regular[][] {
  const regular: Regular[][] = segments.map(() => [])
  for (const row of readDatedTable(folder, 'sessions.csv', ['effective_from', 'effective_to', 'segment', 'open', 'close', 'known', 'source'])) {
    const from = row.day('effective_from')
    const to = row.dayOr('effective_to', Infinity)
    row.known()
    const before = regular[row.oneOf('segment', segments)]
    if (to < from) row.refuse('effective_to is before effective_from')
    if (before.some((other) => from <= other.to && other.from <= to)) row.refuse('overlaps a row before it of the same segment')
    before.push({ from, to, ...hoursOf(row) })
  }
  return regular
}

function readSpecial(folder: string): Pick<Tables, 'special' | 'kinds' | 'unannounced'> {
  const special = new Map<number, Hours[][]>()
  const kindOf = new Map<number, SpecialKind>()
  const unannounced = new Set<string>()
  for (const row of readDatedTable(folder, 'special-sessions.csv', ['date', 'segment', 'open', 'close', 'kind', 'known', 'source'])) {
    const day = row.day('date')
    kindOf.set(day, kinds[row.oneOf('kind', kinds)])
    row.known()
    const bySegment = special.get(day) ?? segments.map((): Hours[] => [])
    const hours = bySegment[row.oneOf('segment', segments)]
    special.set(day, bySegment)
    if (row.isEmpty('open') && row.isEmpty('close')) {
      unannounced.add(formatDate(day))
      continue
    }
    const next = hoursOf(row)
    if (hours.length > 0 && next.open < hours[hours.length - 1].close) row.refuse('begins before the session above it closes')
    hours.push(next)
  }
  return { special, kinds: kindOf, unannounced: [...unannounced] }
}

function hoursOf(row: DatedRow): Hours {
  const hours = { open: row.clock('open'), close: row.clock('close') }
  return hours.open < hours.close ? hours : row.refuse('close is not after open')
}
