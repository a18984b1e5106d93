import { type Command, InvalidArgumentError } from 'commander'
import type { Session } from '../core/calendar.ts'
import { TickloomError } from '../core/errors.ts'
import { formatDate, formatTime, IST } from '../core/time.ts'
import { nseCalendar } from '../markets/nse/calendar.ts'
import { nseExpiries } from '../markets/nse/market.ts'
import { type CommonFlags, list, verb } from './flags.ts'
import { table } from './tables.ts'

/** One day, with its hours by segment as 09:15-15:30. */
export interface CalendarDay {
  readonly date: string
  readonly weekday: string
  /** Whether anything trades, at hours known or not. */
  readonly trading: boolean
  readonly equity: readonly string[]
  readonly derivatives: readonly string[]
  /** Whether the hours are those of any other day, or what they are. */
  readonly session: 'regular' | 'muhurat' | 'weekend' | 'outage' | 'closed'
  /** A date that trades at hours which the tables do not have yet. */
  readonly hoursUnknown: boolean
  readonly holiday?: string
  readonly expiries: readonly { readonly symbol: string; readonly kind: 'weekly' | 'monthly'; readonly nominal: string }[]
}

export interface CalendarMonth {
  readonly month: string
  /** Whether the holidays of the year are all known; if not, a weekday may yet become one. */
  readonly whole: boolean
  readonly days: readonly CalendarDay[]
}

interface CalendarFlags extends CommonFlags {
  readonly month: string
  readonly symbol?: string[]
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** `tickloom calendar`: when the NSE trades in a month, and what expires. */
export function calendarVerb(): Command {
  return verb('calendar', 'Show a month of the NSE: sessions, holidays, expiries.', [
    'tickloom calendar --month 2026-11',
    'tickloom calendar --month 2024-01 --symbol NIFTY,BANKNIFTY',
    'tickloom calendar --month 2026-11 --json',
  ])
    .option('--month <YYYY-MM>', 'the month', monthGiven, formatTime(Date.now() * 1000, IST).slice(0, 7))
    .option('--symbol <names>', 'expiries of these indices; of all by default', list)
    .action(({ month, symbol, json }: CalendarFlags) => {
      const shown = calendarMonth(month, symbol)
      process.stdout.write(`${json ? JSON.stringify(shown) : drawMonth(shown)}\n`)
    })
}

/** A month, YYYY-MM. Throws OPTION_INVALID for a symbol that the tables do not have. */
export function calendarMonth(month: string, symbols: readonly string[] = nseExpiries().symbols): CalendarMonth {
  const unknown = symbols.find((symbol) => !nseExpiries().symbols.includes(symbol))
  if (unknown !== undefined)
    throw new TickloomError('OPTION_INVALID', `there is no "${unknown}"; there are ${nseExpiries().symbols.join(', ')}`, { option: '--symbol' })
  const [year, number] = month.split('-').map(Number)
  const [first, end] = [Date.UTC(year, number - 1) / 86_400_000, Date.UTC(year, number) / 86_400_000]
  const days = Array.from({ length: end - first }, (_, i) => calendarDay(first + i, symbols))
  return { month, whole: nseCalendar.holidays.wholeYears.has(year), days }
}

function calendarDay(day: number, symbols: readonly string[]): CalendarDay {
  const date = formatDate(day)
  const trading = nseCalendar.isTradingDay(day)
  const hours = (segment: 'equity' | 'derivatives') => nseCalendar.sessions(day, nseCalendar.segments.indexOf(segment)).map(clock)
  const expiries = symbols.flatMap((symbol) => {
    const found = nseExpiries().on(symbol, day)
    return found ? [{ symbol, kind: found.kind, nominal: formatDate(found.nominal) }] : []
  })
  return {
    date,
    weekday: weekdays[new Date(date).getUTCDay()],
    trading,
    equity: hours('equity'),
    derivatives: hours('derivatives'),
    session: nseCalendar.specialKind(day) ?? (trading ? 'regular' : 'closed'),
    hoursUnknown: nseCalendar.unannounced.includes(date),
    holiday: nseCalendar.holidays.nameOf(day),
    expiries,
  }
}

/** The month as a table: every weekday, and the days of a weekend on which something trades. */
export function drawMonth({ month, whole, days }: CalendarMonth): string {
  const shown = days.filter(({ weekday, trading }) => trading || !['Sat', 'Sun'].includes(weekday))
  const trading = days.filter((day) => day.trading).length
  return [
    table(
      ['day', 'hours', 'what is special', 'expiries'],
      shown.map((day) => [`${day.date} ${day.weekday}`, hoursShown(day), remark(day), expiriesShown(day)]),
    ),
    ...regularHours(days),
    `${month}: ${trading} trading days${whole ? '' : `; holidays of ${month.slice(0, 4)} are not all known, so any weekday may be one`}`,
  ].join('\n')
}

/** One line for the hours of all regular days, more when they change within the month. */
function regularHours(days: readonly CalendarDay[]): string[] {
  const since = new Map<string, string>()
  for (const day of days) {
    const hours = `equity ${day.equity.join(' ')}, derivatives ${day.derivatives.join(' ')}`
    if (day.session === 'regular' && !since.has(hours)) since.set(hours, day.date)
  }
  return [...since].map(([hours, date]) => `regular hours${since.size > 1 ? ` from ${date}` : ''}: ${hours}`)
}

function hoursShown({ session, hoursUnknown, equity, derivatives }: CalendarDay): string {
  if (session === 'regular') return 'regular'
  if (session === 'closed') return 'closed'
  if (hoursUnknown) return 'not known yet'
  const [spot, rest] = [equity.join(' '), derivatives.join(' ')]
  return spot === rest ? spot : `equity ${spot}, derivatives ${rest}`
}

function remark({ session, holiday }: CalendarDay): string {
  const special = { muhurat: 'Muhurat', weekend: 'session on a weekend', outage: 'outage', regular: '', closed: '' }[session]
  return [holiday, special].filter(Boolean).join('; ')
}

/** Symbols that share kind and cause together: `monthly NIFTY BANKNIFTY (for 2026-11-24)`. */
function expiriesShown({ date, expiries }: CalendarDay): string {
  const together = new Map<string, string[]>()
  for (const { symbol, kind, nominal } of expiries) {
    const key = `${kind} | (for ${nominal})`
    together.set(key, [...(together.get(key) ?? []), symbol])
  }
  return [...together].map(([key, symbols]) => key.replace('|', symbols.join(' ')).replace(` (for ${date})`, '')).join(', ')
}

function clock({ open, close }: Session): string {
  const of = (ts: number): string => formatTime(ts, IST).slice(11, 16)
  return `${of(open)}-${of(close)}`
}

function monthGiven(text: string): string {
  if (!/^20\d\d-(0[1-9]|1[0-2])$/.test(text)) throw new InvalidArgumentError('It is a month such as 2026-11.')
  return text
}
