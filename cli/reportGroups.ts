import { contractOf } from '../core/instruments.ts'
import { dayOf, formatDate, formatTime, type Zone } from '../core/time.ts'
import { sumOf, type Trade } from './reportMetrics.ts'

/** Trades that have something in common. */
export interface Group {
  readonly key: string
  readonly trades: number
  readonly wins: number
  readonly fees: number
  readonly pnl: number
}

export interface Groups {
  /** By the local date of the exit: every day of the run, also those without a trade. */
  readonly day: readonly Group[]
  /** By the local hour of the entry. */
  readonly hour: readonly Group[]
  /** By strikes from the money. */
  readonly distance: readonly Group[]
  readonly reason: readonly Group[]
  /** By calls, puts, futures or spot, and the direction. */
  readonly kind: readonly Group[]
}

export const UNKNOWN = 'unknown'

/** The trades in groups, each way once: whichever way, the groups add up to all trades. */
export function groupsOf(trades: readonly Trade[], days: readonly string[], zone: Zone): Groups {
  return {
    day: grouped(trades, ({ ts }) => dateOf(ts, zone), [...days]),
    hour: grouped(trades, ({ entered, ts }) => hourOf(Number.isNaN(entered) ? ts : entered, zone)),
    distance: grouped(trades, ({ distance }) => (Number.isNaN(distance) ? UNKNOWN : signed(distance))).sort(byNumber),
    reason: grouped(trades, ({ reason }) => reason || UNKNOWN),
    kind: grouped(trades, ({ instrument, direction }) => `${kindOf(instrument)}${direction === '' ? '' : ` ${direction}`}`),
  }
}

/** The local date of an instant. */
export function dateOf(ts: number, zone: Zone): string {
  return formatDate(dayOf(ts, zone))
}

function hourOf(ts: number, zone: Zone): string {
  return `${formatTime(ts, zone).slice(11, 13)}:00`
}

function signed(distance: number): string {
  return distance > 0 ? `+${distance}` : `${distance}`
}

function kindOf(instrument: string): string {
  const contract = contractOf(instrument)
  return contract.kind === 'option' ? contract.type : contract.kind
}

function grouped(trades: readonly Trade[], keyOf: (trade: Trade) => string, always: readonly string[] = []): Group[] {
  const byKey = new Map<string, Trade[]>(always.map((key) => [key, []]))
  for (const trade of trades) {
    const key = keyOf(trade)
    const members = byKey.get(key)
    if (members === undefined) byKey.set(key, [trade])
    else members.push(trade)
  }
  return [...byKey.keys()].sort().map((key) => {
    const members = byKey.get(key) as Trade[]
    return {
      key,
      trades: members.length,
      wins: members.filter(({ pnl }) => pnl > 0).length,
      fees: sumOf(members, ({ fees }) => fees),
      pnl: sumOf(members, ({ pnl }) => pnl),
    }
  })
}

/** What is not known comes last. */
function byNumber(a: Group, b: Group): number {
  if (a.key === UNKNOWN || b.key === UNKNOWN) return Number(a.key === UNKNOWN) - Number(b.key === UNKNOWN)
  return Number(a.key) - Number(b.key)
}
