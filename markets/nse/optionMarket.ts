import { TickloomError } from '../../core/errors.ts'
import type { Leg, LegFees, OptionContract, OptionMarket } from '../../core/optionMarket.ts'
import { formatDate, parseDate } from '../../core/time.ts'
import { readDatedTable } from '../datedTable.ts'
import { nseCalendar } from './calendar.ts'
import { readOptionFees } from './fees.ts'
import { nseFolder } from './folder.ts'
import { finalExpiry, freezeQuantity, lotSize, revisedExpiry, strikeStep, tickSize } from './market.ts'

interface ExerciseTax {
  readonly from: number
  /** Percent of what the option is worth. */
  readonly stt: number
}

/** The rows of option-exercise-tax.csv in order of time. Throws MARKET_DATA_INVALID. */
export function readExerciseTax(folder: string): readonly ExerciseTax[] {
  const taxes: ExerciseTax[] = []
  for (const row of readDatedTable(folder, 'option-exercise-tax.csv', ['from', 'stt', 'known', 'source'])) {
    const next = { from: row.day('from'), stt: row.number('stt') }
    row.known()
    if (taxes.some(({ from }) => from >= next.from)) row.refuse('is not later than the row above it')
    taxes.push(next)
  }
  return taxes
}

let schedules: ReturnType<typeof readOptionFees> | undefined
let taxes: readonly ExerciseTax[] | undefined

/**
 * What one leg costs, unrounded, by the schedule in force on its day: a buyer pays stamp duty, a seller STT, both the
 * exchange, IPFT, SEBI and GST on these three. At a settlement nothing is traded: he who holds an option that is worth
 * something pays STT on what it is worth, nobody pays anything else.
 */
function legFees({ day, side, price, quantity, orders, brokerage, settlement }: Leg): LegFees {
  for (const [what, value] of Object.entries({ price, quantity, orders, brokerage }))
    if (!(value >= 0 && value < Infinity))
      throw new TickloomError('OPTION_INVALID', `${what} ${value} is not a number of 0 or more`, { [what]: value })
  const hundredth = (price * quantity) / 100
  if (settlement) return { ...nothing, stt: side === 'sell' ? inForce((taxes ??= readExerciseTax(nseFolder)), day).stt * hundredth : 0 }
  const { rate } = inForce((schedules ??= readOptionFees(nseFolder)), day)
  const [exchange, ipft, sebi] = [rate.exchange * hundredth, rate.ipft * hundredth, rate.sebi * hundredth]
  return {
    stt: side === 'sell' ? rate.stt_sell * hundredth : 0,
    exchange,
    ipft,
    sebi,
    stamp: side === 'buy' ? rate.stamp_buy * hundredth : 0,
    gst: (rate.gst / 100) * (exchange + ipft + sebi),
    brokerage: orders * brokerage,
  }
}

const nothing: LegFees = { stt: 0, exchange: 0, ipft: 0, sebi: 0, stamp: 0, gst: 0, brokerage: 0 }

function inForce<T extends { readonly from: number }>(rows: readonly T[], day: number): T {
  const found = rows.findLast(({ from }) => from <= day)
  if (found === undefined) throw new TickloomError('OPTION_INVALID', `no schedule of fees is known for ${formatDate(day)}`, { date: formatDate(day) })
  return found
}

function expires({ underlying, expiry }: OptionContract, day: number): number {
  return parseDate(revisedExpiry(underlying, expiry, formatDate(day)))
}

/** Index options of the NSE, by the tables beside this file. */
export const nseOptions: OptionMarket = {
  calendar: nseCalendar,
  strikeStep,
  tick: tickSize,
  expiry: (underlying, day, series) => finalExpiry(underlying, formatDate(day), series, formatDate(day)),
  expires,
  lot: (contract, day) => lotSize(contract, { date: formatDate(day), knownAt: formatDate(day) }),
  freeze: (underlying, day) => freezeQuantity(underlying, formatDate(day), formatDate(day)),
  fees: legFees,
}
