import { contractOf } from '../../core/instruments.ts'
import { formatDate } from '../../core/time.ts'
import type { Layout } from './layout.ts'
import type { PackMarkets, Refusal } from './ports.ts'

/** Where rows of an instrument and day belong. */
export interface Place {
  /** Canonical name. */
  readonly name: string
  /** `symbol=X/date=D` and, of futures and options, `/expiry=E`. */
  readonly folder: string
  readonly date: string
}

/** The place of rows that a member calls `name`, which is empty without a column of names; or why there is none. */
export function placeOf(markets: PackMarkets, layout: Layout, member: string, name: string, day: number): Place | Refusal {
  const { instrument, format } = layout
  const asked = askedOf(layout, member, name)
  const date = formatDate(day)
  const market = markets[layout.market]
  if (!market.isTradingDay(date)) return { reason: 'non_trading_day', detail: `${date} is no trading day` }
  const answer = instrument.from === 'fixed' ? asked : market.parse(asked, date, format)
  if (typeof answer !== 'string') return answer
  const contract = contractOf(answer)
  const folder = `symbol=${contract.underlying}/date=${date}`
  return { name: answer, folder: contract.kind === 'spot' ? folder : `${folder}/expiry=${contract.expiry}`, date }
}

/** What a member's rows are told apart by, beside their day: the name in a column, or the member. */
export function askedOf({ instrument }: Layout, member: string, name: string): string {
  return instrument.from === 'column' ? name : instrument.from === 'fixed' ? instrument.name : stemOf(member)
}

/** A member's file name without folders, containers and endings. */
export function stemOf(member: string): string {
  const leaf = member.slice(Math.max(member.lastIndexOf('/'), member.lastIndexOf('!'), member.lastIndexOf('\\')) + 1)
  return leaf.replace(/(?:\.(?:csv|txt|gz|parquet|parq|pq))+$/i, '')
}
