import { TickloomError } from '../../core/errors.ts'
import { type DatedRow, readDatedTable } from '../datedTable.ts'
import { dayGiven } from './expiries.ts'
import { nseFolder } from './folder.ts'

/** One round trip in one option contract. */
export interface OptionTrade {
  /** Trade date of both legs, YYYY-MM-DD. */
  readonly date: string
  /** Premium in rupees at which it was bought and sold. A short's sale is its entry. */
  readonly buy: number
  readonly sell: number
  /** Lots times lot size. */
  readonly quantity: number
  /** What the broker takes for one order in rupees, taxes on it included; none by default. */
  readonly brokeragePerOrder?: number
}

/** In rupees. */
export interface OptionFees {
  readonly stt: number
  readonly exchange: number
  readonly ipft: number
  readonly sebi: number
  readonly stamp: number
  readonly gst: number
  readonly brokerage: number
  readonly total: number
}

interface Schedule {
  readonly from: number
  readonly rate: Readonly<Record<(typeof rates)[number], number>>
}

const rates = ['stt_sell', 'exchange', 'ipft', 'sebi', 'stamp_buy', 'gst'] as const

/** The schedules of option-fees.csv that are believed, in order of time. Throws MARKET_DATA_INVALID. */
export function readOptionFees(folder: string): readonly Schedule[] {
  const schedules: Schedule[] = []
  for (const row of readDatedTable(folder, 'option-fees.csv', ['from', 'status', ...rates, 'known', 'source'])) {
    const from = row.day('from')
    const rate = rateOf(row)
    row.known()
    if (row.oneOf('status', ['chosen', 'rejected']) === 1) continue
    if (schedules.some((other) => other.from >= from)) row.refuse('is not later than the chosen row above it')
    schedules.push({ from, rate })
  }
  return schedules
}

let schedules: readonly Schedule[] | undefined

/**
 * What a round trip costs, unrounded, by the schedule in force on its date. Throws OPTION_INVALID for a date before the
 * first schedule, and for prices and quantities that are none.
 */
export function optionFees({ date, buy, sell, quantity, brokeragePerOrder = 0 }: OptionTrade): OptionFees {
  for (const [what, value] of Object.entries({ buy, sell, quantity, brokeragePerOrder }))
    if (!(value >= 0 && value < Infinity))
      throw new TickloomError('OPTION_INVALID', `${what} ${value} is not a number of 0 or more`, { [what]: value })
  const day = dayGiven(date)
  schedules ??= readOptionFees(nseFolder)
  const rate = schedules.findLast(({ from }) => from <= day)?.rate
  if (rate === undefined) throw new TickloomError('OPTION_INVALID', `no schedule of fees is known for ${date}`, { date })
  const [bought, sold] = [(buy * quantity) / 100, (sell * quantity) / 100]
  const both = bought + sold
  const [exchange, ipft, sebi] = [rate.exchange * both, rate.ipft * both, rate.sebi * both]
  const [stt, stamp, gst] = [rate.stt_sell * sold, rate.stamp_buy * bought, (rate.gst / 100) * (exchange + ipft + sebi)]
  const brokerage = 2 * brokeragePerOrder
  return { stt, exchange, ipft, sebi, stamp, gst, brokerage, total: stt + exchange + ipft + sebi + stamp + gst + brokerage }
}

function rateOf(row: DatedRow): Schedule['rate'] {
  const of = (name: (typeof rates)[number]): number => row.number(name)
  return { stt_sell: of('stt_sell'), exchange: of('exchange'), ipft: of('ipft'), sebi: of('sebi'), stamp_buy: of('stamp_buy'), gst: of('gst') }
}
