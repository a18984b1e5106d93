/** One unit of time everywhere: integer microseconds since the epoch, UTC, exact in a float64. */
export const SECOND = 1_000_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** A zone without daylight saving, which is every zone the markets here trade in. */
export interface Zone {
  readonly name: string
  /** Local = UTC + offset, in microseconds. */
  readonly offset: number
}

export const UTC: Zone = { name: 'UTC', offset: 0 }
export const IST: Zone = { name: 'Asia/Kolkata', offset: 330 * MINUTE }

/**
 * Whether a session that opened at `opened` is of a later day than the one that opened at `before`. Sessions of one
 * day open less than twelve hours apart, and every row of an earlier day comes before it.
 */
export function isNewDay(opened: number, before: number): boolean {
  return opened >= before + 12 * HOUR
}

/** Days since 1970-01-01 of the local date at `ts`. */
export function dayOf(ts: number, zone: Zone): number {
  return Math.floor((ts + zone.offset) / DAY)
}

/** Local midnight of a day number, as an instant. */
export function startOfDay(day: number, zone: Zone): number {
  return day * DAY - zone.offset
}

/** 'YYYY-MM-DD' to its day number, or NaN when there is no such date. */
export function parseDate(text: string): number {
  const m = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text)
  if (!m) return NaN
  const ms = Date.UTC(Number(m[1]), Number(m[2]) - 1, Number(m[3]))
  return formatDate(ms / 86_400_000) === text ? ms / 86_400_000 : NaN
}

export function formatDate(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10)
}

/**
 * A naive wall time *attached* to its zone, never shifted: 09:15 stays 09:15 there.
 *
 *     attach('2024-01-04 09:15:00', IST) = 1704339900000000
 *
 * Takes 'YYYY-MM-DD[ T]HH:MM[:SS[.ffffff]]'; NaN for anything else.
 */
export function attach(text: string, zone: Zone): number {
  const m = /^(\d{4}-\d\d-\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?$/.exec(text)
  if (!m) return NaN
  const [hours, minutes, seconds] = [Number(m[2]), Number(m[3]), Number(m[4] ?? 0)]
  if (hours > 23 || minutes > 59 || seconds > 59) return NaN
  return startOfDay(parseDate(m[1]), zone) + hours * HOUR + minutes * MINUTE + seconds * SECOND + Number((m[5] ?? '').padEnd(6, '0'))
}

/** Microseconds after midnight of a wall clock such as 10:00 or 15:15:30; NaN for anything else. */
export function timeOfDay(text: string): number {
  return attach(`1970-01-01 ${text}`, UTC)
}

/** An instant as the wall clock of the zone shows it: '2024-01-04 09:15:00[.ffffff]'. */
export function formatTime(ts: number, zone: Zone): string {
  if (!Number.isFinite(ts)) return String(ts)
  const local = ts + zone.offset
  const micros = ((local % SECOND) + SECOND) % SECOND
  const text = new Date((local - micros) / 1000).toISOString().slice(0, 19).replace('T', ' ')
  return micros === 0 ? text : `${text}.${String(micros).padStart(6, '0')}`
}
