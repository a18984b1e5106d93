import type { Trade } from './reportMetrics.ts'

/** A row of the account (Equity of core/trading.ts), as much of it as a report needs. */
export interface AccountRow {
  readonly ts: number
  /** The underlying. */
  readonly instrument: string
  readonly realised: number
  readonly unrealised: number
}

/** What the run stood at, at instants in order: money won or lost since its beginning, from 0. */
export interface Curve {
  readonly ts: readonly number[]
  readonly value: readonly number[]
}

/** An underlying on the way: what its closed trades came to, and those that are to come. */
interface Account {
  realised: number
  unrealised: number
  readonly closes: Trade[]
  next: number
}

/** The sum of pnl after each trade, in the order of their exits. */
export function closedCurve(trades: readonly Trade[]): Curve {
  let sum = 0
  return { ts: trades.map(({ ts }) => ts), value: trades.map(({ pnl }) => (sum += pnl)) }
}

/**
 * The same with open positions at their last price: at every row of the account
 *
 *     value = sum over underlyings of (pnl of its trades closed by then + unrealised of its latest row)
 *
 * so it goes on from day to day although accounts start anew. The last point has all trades. `trades` and `rows` in the
 * order of ts.
 */
export function markedCurve(trades: readonly Trade[], rows: readonly AccountRow[]): Curve {
  const accounts = new Map<string, Account>()
  const accountOf = (underlying: string): Account => {
    const known = accounts.get(underlying)
    if (known !== undefined) return known
    const made: Account = { realised: 0, unrealised: 0, closes: [], next: 0 }
    accounts.set(underlying, made)
    return made
  }
  for (const trade of trades) accountOf(underlyingOf(trade.instrument)).closes.push(trade)
  const [ts, value]: [number[], number[]] = [[], []]
  const mark = (t: number): void => {
    let sum = 0
    for (const { realised, unrealised } of accounts.values()) sum += realised + unrealised
    if (ts.length > 0 && ts[ts.length - 1] === t) value[ts.length - 1] = sum
    else value[ts.push(t) - 1] = sum
  }
  for (const row of rows) {
    const account = accountOf(row.instrument)
    for (; account.next < account.closes.length && account.closes[account.next].ts <= row.ts; account.next++)
      account.realised += account.closes[account.next].pnl
    account.unrealised = row.unrealised
    mark(row.ts)
  }
  let end = ts.length === 0 ? -Infinity : ts[ts.length - 1]
  for (const account of accounts.values()) {
    // Closed after its last row: what that row said was open is not any more.
    if (account.next < account.closes.length) account.unrealised = 0
    for (; account.next < account.closes.length; account.next++) {
      account.realised += account.closes[account.next].pnl
      end = Math.max(end, account.closes[account.next].ts)
    }
  }
  if (end > -Infinity) mark(end)
  return { ts, value }
}

/** The underlying of a contract's name. */
export function underlyingOf(instrument: string): string {
  return instrument.split(':', 1)[0]
}

/**
 * The deepest fall of a curve from the highest point before it, the beginning (0) included. `peak` is NaN where that is
 * the beginning, `recovered` where the curve was not as high again. All NaN but `depth` where it never fell.
 */
export interface Drawdown {
  readonly depth: number
  readonly peak: number
  readonly trough: number
  readonly recovered: number
}

export function drawdownOf({ ts, value }: Curve): Drawdown {
  let [top, topAt] = [0, NaN]
  let found = { depth: 0, peak: NaN, trough: NaN, recovered: NaN }
  let level = 0
  for (let i = 0; i < ts.length; i++) {
    if (value[i] >= top) {
      if (found.depth > 0 && Number.isNaN(found.recovered) && value[i] >= level) found = { ...found, recovered: ts[i] }
      if (value[i] > top) [top, topAt] = [value[i], ts[i]]
    }
    if (top - value[i] > found.depth) {
      found = { depth: top - value[i], peak: topAt, trough: ts[i], recovered: NaN }
      level = top
    }
  }
  return found
}

/** Of each point how far it lies below the highest before it, the beginning included: 0 or less. */
export function underwater({ value }: Curve): number[] {
  let top = 0
  return value.map((v) => {
    top = Math.max(top, v)
    return v === top ? 0 : v - top
  })
}

/** At most about `most` points of a curve: of every stretch its first, lowest, highest and last, so no extreme is lost. */
export function thinned(curve: Curve, most: number): Curve {
  const n = curve.ts.length
  if (n <= most) return curve
  const length = Math.ceil(n / Math.max(1, Math.floor(most / 4)))
  const kept: number[] = []
  for (let from = 0; from < n; from += length) {
    const to = Math.min(n, from + length)
    let [low, high] = [from, from]
    for (let i = from; i < to; i++) {
      if (curve.value[i] < curve.value[low]) low = i
      if (curve.value[i] > curve.value[high]) high = i
    }
    kept.push(...[...new Set([from, low, high, to - 1])].sort((a, b) => a - b))
  }
  return { ts: kept.map((i) => curve.ts[i]), value: kept.map((i) => curve.value[i]) }
}
