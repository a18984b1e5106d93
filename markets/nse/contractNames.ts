import { TickloomError } from '../../core/errors.ts'
import { type Contract, contractOf, nameOf, type OptionType } from '../../core/instruments.ts'
import { formatDate, parseDate } from '../../core/time.ts'
import { nseCalendar } from './calendar.ts'
import { dayGiven, STOCKS } from './expiries.ts'
import { expiryNamed, nseExpiries, nseTerms } from './market.ts'

/**
 * How others write a contract. One of 2024-01-04 and one of 2024-01-25, the last of its month:
 *
 * | dialect | weekly | monthly | future |
 * | --- | --- | --- | --- |
 * | canonical | NIFTY:2024-01-04:21500:CE | NIFTY:2024-01-25:21500:CE | NIFTY:2024-01-25:FUT |
 * | archive | nifty2410421500ce | nifty24jan21500ce | |
 * | kite | NIFTY2410421500CE | NIFTY24JAN21500CE | NIFTY24JANFUT |
 * | gdfl | NIFTY04JAN2421500CE.NFO | NIFTY25JAN2421500CE.NFO | NIFTY25JAN24FUT.NFO |
 */
export const dialects = ['canonical', 'archive', 'kite', 'gdfl'] as const
export type Dialect = (typeof dialects)[number]

export interface NameOptions {
  /** A day on which the contract traded: it had not expired, and was listed. */
  readonly date?: string
  /** Read the name as this dialect only. */
  readonly dialect?: Dialect
  /** The expiries as they were known at the end of that day; by default as they are known now. */
  readonly knownAt?: string
  /** Believe in symbols that the tables do not have: single stocks, which have monthly contracts only. */
  readonly stocks?: boolean
}

interface Reading {
  readonly dialect: Dialect
  readonly symbol: string
  /** The day that the name says, or of a monthly name the month. */
  readonly expiry: { readonly day: number } | { readonly year: number; readonly month: number }
  readonly leg: { readonly strike: number; readonly type: OptionType } | undefined
}

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const letters = '123456789OND'
const symbolPattern = '(?<symbol>[A-Z0-9&-]*[A-Z&-][A-Z0-9&-]*?)'
const legPattern = '(?:(?<strike>[1-9]\\d*(?:\\.\\d+)?)(?<type>CE|PE)|FUT)'
// Of the others the month's letters stand where nothing else can; here O, N or D may be of the symbol, which therefore is given.
const byDay = new RegExp(`^(?<yy>\\d\\d)(?<m>[1-9OND])(?<dd>\\d\\d)${legPattern}$`)
const byMonth = new RegExp(`^${symbolPattern}(?<yy>\\d\\d)(?<mon>${months.join('|')})${legPattern}$`)
const byDate = new RegExp(`^${symbolPattern}(?<dd>\\d\\d)(?<mon>${months.join('|')})(?<yy>\\d\\d)${legPattern}(?:\\.NFO)?$`)

/** Days before its last one on which a contract can have traded; generous, since only what is impossible is to be ruled out. */
const listedFor = { weekly: 130, monthly: 5.5 * 366, stock: 130 }

/**
 * The contract that a name stands for, in whichever dialect: of all ways to read it, the one whose expiry exists, whose
 * strike can be one, and which traded on `date` when that is given. A contract that was named by an expiry that the
 * exchange revised later keeps the expiry of its name; `revisedExpiry` says where it went.
 *
 * Throws INSTRUMENT_INVALID when there is no such contract, CONTRACT_AMBIGUOUS with all `candidates` when there are several.
 */
export function parseContract(name: string, options: NameOptions = {}): Contract {
  const { dialect } = options
  const candidates = new Map<string, Contract>()
  const stepped = new Map<string, Contract>()
  for (const reading of readingsOf(name.trim())) {
    if (dialect !== undefined && reading.dialect !== dialect && !(dialect === 'archive' && reading.dialect === 'kite' && reading.leg)) continue
    const contract = contractRead(reading, options)
    if (contract === undefined) continue
    candidates.set(nameOf(contract), contract)
    if (onStep(contract)) stepped.set(nameOf(contract), contract)
  }
  const spot = dialect === undefined || dialect === 'canonical' || dialect === 'kite' ? spotNamed(name.trim()) : undefined
  if (spot) candidates.set(spot.underlying, spot)
  const left = stepped.size === 1 ? stepped : candidates
  if (left.size === 1) return left.values().next().value as Contract
  if (left.size === 0) throw new TickloomError('INSTRUMENT_INVALID', `"${name}" names no contract that ${askedFor(options)}`, { name, ...options })
  const names = [...left.keys()]
  throw new TickloomError('CONTRACT_AMBIGUOUS', `"${name}" may be ${names.join(' or ')}`, { name, candidates: names })
}

/** The name of a contract in a dialect. Throws INSTRUMENT_INVALID for one that the dialect cannot say. */
export function formatContract(contract: Contract, dialect: Dialect): string {
  if (dialect === 'canonical') return nameOf(contract)
  if (contract.kind === 'spot') return spotName(contract.underlying, dialect)
  const { underlying, expiry } = contract
  const [yy, month, dd] = [expiry.slice(2, 4), Number(expiry.slice(5, 7)) - 1, expiry.slice(8)]
  const leg = contract.kind === 'future' ? 'FUT' : `${contract.strike}${contract.type}`
  if (dialect === 'gdfl') return `${underlying}${dd}${months[month]}${yy}${leg}.NFO`
  const kind = knownExpiry(underlying, dayGiven(expiry, 'expiry'))?.kind
  if (kind === undefined) return cannotSay(contract, dialect, 'nothing of it expires on that day')
  if (contract.kind === 'future' && (dialect === 'archive' || kind === 'weekly')) return cannotSay(contract, dialect, 'it has no such futures')
  const name = `${underlying}${yy}${kind === 'monthly' ? months[month] : `${letters[month]}${dd}`}${leg}`
  return dialect === 'archive' ? name.toLowerCase() : name
}

/** Every way in which the text could be meant, whether or not there is such a contract. */
function* readingsOf(text: string): Generator<Reading> {
  if (text.includes(':')) {
    const contract = contractOf(text)
    if (contract.kind === 'spot') return
    const leg = contract.kind === 'option' ? { strike: contract.strike, type: contract.type } : undefined
    yield { dialect: 'canonical', symbol: contract.underlying, expiry: { day: parseDate(contract.expiry) }, leg }
    return
  }
  const upper = text.toUpperCase()
  for (const symbol of nseExpiries().symbols) {
    const day = upper.startsWith(symbol) ? partsOf(byDay.exec(upper.slice(symbol.length))) : undefined
    if (day) yield { dialect: 'kite', symbol, expiry: { day: dayOf(day.yy, letters.indexOf(day.m), day.dd) }, leg: legOf(day) }
  }
  const month = partsOf(byMonth.exec(upper))
  if (month)
    yield {
      dialect: 'kite',
      symbol: month.symbol,
      expiry: { year: 2000 + Number(month.yy), month: months.indexOf(month.mon) + 1 },
      leg: legOf(month),
    }
  const date = partsOf(byDate.exec(upper))
  if (date) yield { dialect: 'gdfl', symbol: date.symbol, expiry: { day: dayOf(date.yy, months.indexOf(date.mon), date.dd) }, leg: legOf(date) }
}

function contractRead({ symbol, expiry, leg }: Reading, options: NameOptions): Contract | undefined {
  const listed = nseExpiries().symbols.includes(symbol)
  if (!listed && !options.stocks) return undefined
  const rules = listed ? symbol : STOCKS
  const at = options.knownAt === undefined ? undefined : dayGiven(options.knownAt, 'knownAt')
  const found =
    'day' in expiry
      ? Number.isNaN(expiry.day)
        ? undefined
        : expiryNamed(rules, expiry.day, at)
      : nseExpiries().ofMonth(rules, expiry.year, expiry.month, at)
  if (found === undefined || found.day < firstDay() || (leg === undefined && found.kind === 'weekly')) return undefined
  if (options.date !== undefined) {
    const left = found.day - dayGiven(options.date)
    if (left < 0 || left > listedFor[listed ? found.kind : 'stock']) return undefined
  }
  const named = { underlying: symbol, expiry: formatDate(found.day) }
  if (leg === undefined) return { kind: 'future', ...named }
  const bounds = nseTerms().symbols.get(symbol)?.strikes
  if (bounds && !(bounds[0] <= leg.strike && leg.strike <= bounds[1])) return undefined
  return { kind: 'option', ...named, ...leg }
}

/** Before the first year whose holidays are all known, the calendar has only guesses. */
function firstDay(): number {
  return Date.UTC(Math.min(...nseCalendar.holidays.wholeYears), 0) / 86_400_000
}

function onStep(contract: Contract): boolean {
  const step = nseTerms().symbols.get(contract.underlying)?.strikeStep
  return step === undefined || contract.kind !== 'option' || contract.strike % step === 0
}

function knownExpiry(underlying: string, day: number) {
  return expiryNamed(nseExpiries().symbols.includes(underlying) ? underlying : STOCKS, day)
}

function spotNamed(text: string): Contract | undefined {
  const upper = text.toUpperCase()
  for (const [symbol, { kiteSpot }] of nseTerms().symbols) if (upper === symbol || upper === kiteSpot) return { kind: 'spot', underlying: symbol }
  return undefined
}

function spotName(symbol: string, dialect: Dialect): string {
  const kite = nseTerms().symbols.get(symbol)?.kiteSpot
  return dialect === 'kite' && kite !== undefined ? kite : cannotSay({ kind: 'spot', underlying: symbol }, dialect, 'it has no name for it')
}

function cannotSay(contract: Contract, dialect: Dialect, reason: string): never {
  throw new TickloomError('INSTRUMENT_INVALID', `${nameOf(contract)} cannot be written as ${dialect}: ${reason}`, { name: nameOf(contract), dialect })
}

/** The named groups of the patterns; a pattern has those that its reading asks for. */
interface Parts {
  readonly symbol: string
  readonly yy: string
  readonly m: string
  readonly mon: string
  readonly dd: string
  readonly strike?: string
  readonly type?: OptionType
}

function partsOf(match: RegExpExecArray | null): Parts | undefined {
  return match?.groups as Parts | undefined
}

function legOf({ strike, type }: Parts): Reading['leg'] {
  return type === undefined ? undefined : { strike: Number(strike), type }
}

function dayOf(yy: string, month: number, dd: string): number {
  return parseDate(`20${yy}-${String(month + 1).padStart(2, '0')}-${dd}`)
}

function askedFor({ date, dialect, knownAt }: NameOptions): string {
  return [
    'the calendar has',
    date && `and that traded on ${date}`,
    knownAt && `as it was known on ${knownAt}`,
    dialect && `and that ${dialect} writes so`,
  ]
    .filter(Boolean)
    .join(' ')
}
