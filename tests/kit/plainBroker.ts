import type { Row } from './table.ts'

/** What the plain broker must be told of the market: times in microseconds, prices in ticks of 0.05. */
export interface PlainDay {
  readonly prices: readonly Row[]
  /** Bells in the order of time; the last is that of the contract's last day. */
  readonly bells: readonly number[]
  /** The spot's closing price at the last bell; NaN where there is none. */
  readonly closing: number
  readonly strike: number
  readonly isCall: boolean
  readonly maxAge: number
  readonly slippageTicks: number
  /** Seconds; NaN: never. */
  readonly squareOff: number
}

export interface PlainTrade {
  readonly entered: number
  readonly entry: number
  readonly ts: number
  readonly exit: number
  readonly reason: string
}

const ticks = (price: number): number => Math.round(price * 20)
const isPrice = (price: number): boolean => price > 0 && price < Infinity

/**
 * One order by the rules of docs/concepts/paper-broker.md, as slowly and plainly as can be, in whole ticks: to be compared
 * with the broker. Prices are of the order's own contract. Undefined where the order is not filled.
 */
export function plainTrade(order: Row, day: PlainDay): PlainTrade | undefined {
  const d = order['side'] === 'buy' ? 1 : -1
  const entered = Number(order['ts']) + 1e6
  const first = day.prices.find((row) => row['ts'] === entered)
  const entry = first === undefined ? NaN : fillOf(first, d, day)
  if (Number.isNaN(entry)) return undefined
  let best = entry
  let reason: string | undefined
  let last = Number(first?.['close'])
  const rows = day.prices.filter((row) => Number(row['ts']) > entered)
  for (const bell of day.bells.filter((bell) => bell > entered)) {
    while (rows.length > 0 && Number(rows[0]['ts']) < bell) {
      const row = rows.shift() as Row
      last = Number(row['close'])
      const exit = reason === undefined ? NaN : fillOf(row, -d, day)
      if (reason !== undefined && !Number.isNaN(exit)) return { entered, entry: entry / 20, ts: Number(row['ts']), exit: exit / 20, reason }
      if (reason !== undefined) continue
      if (row['observed'] === 1) best = d * ticks(last) > d * best ? ticks(last) : best
      reason = reasonOf(order, row, d, entry, best, bell - day.squareOff * 1e6)
    }
    const isLast = bell === day.bells[day.bells.length - 1]
    const worth = Math.max(0, day.isCall ? day.closing - day.strike : day.strike - day.closing)
    if (isLast) return { entered, entry: entry / 20, ts: bell, exit: Number.isNaN(day.closing) ? last : worth, reason: 'expiry' }
    if (!Number.isNaN(day.squareOff)) return { entered, entry: entry / 20, ts: bell, exit: last, reason: reason ?? 'session_end' }
  }
  return undefined
}

function fillOf(row: Row, d: number, { maxAge, slippageTicks }: PlainDay): number {
  const quote = Number(row[d > 0 ? 'ask' : 'bid'])
  if (Number(row['age']) > maxAge) return NaN
  if (isPrice(quote)) return ticks(quote)
  return isPrice(Number(row['close'])) ? Math.max(1, ticks(Number(row['close'])) + d * slippageTicks) : NaN
}

/** Fractions are of thousandths, so everything is compared in whole numbers. */
function reasonOf(order: Row, row: Row, d: number, entry: number, best: number, ends: number): string | undefined {
  const thousandths = (column: string): number => Math.round(Number(order[column]) * 1000)
  const [stop, target, trail] = ['stop', 'target', 'trail'].map(thousandths)
  const after = Number.isNaN(thousandths('trailAfter')) ? 0 : thousandths('trailAfter')
  const price = row['observed'] === 1 ? ticks(Number(row['close'])) : NaN
  if (d * price * 1000 <= d * entry * (1000 - d * stop)) return 'stop'
  if (d * price * 1000 >= d * entry * (1000 + d * target)) return 'target'
  const isArmed = d * best * 1000 >= d * entry * (1000 + d * after)
  if (isArmed && d * price * 1000 <= d * best * (1000 - d * trail)) return 'trail'
  if (Number(row['ts']) >= Number(order['until'])) return 'time'
  return Number(row['ts']) >= ends ? 'session_end' : undefined
}
