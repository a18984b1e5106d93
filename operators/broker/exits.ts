import type { Columns } from '../../core/batch.ts'
import type { RowBuffer } from '../../core/rowBuffer.ts'
import { SECOND } from '../../core/time.ts'
import { purposeNumber } from '../../core/trading.ts'
import type { Accounts } from './accounts.ts'
import { isTrailed, type Position } from './positions.ts'
import { isPrice, type PriceRows } from './priceRows.ts'

/**
 * Looks at the second t of every open position: what ends it, in this order, is asked for from now on.
 *
 *     stop, target, trail   at the price of an observed second
 *     time                  t >= until
 *     session_end           t >= bell - squareOff; never where squareOff is NaN
 *
 * A position is not watched in the second of its entry, and not after its exit was asked for.
 */
export function watch(t: number, positions: RowBuffer<Position>, rows: PriceRows, accounts: Accounts, squareOff: number): void {
  const { instrument, account, entered, exit, placed, last } = positions.col
  const { close, observed } = rows.batch.col
  const { slotOf, col } = accounts.table
  const { marked, bell } = col
  for (let k = 0; k < positions.n; k++) {
    const i = rows.find(instrument[k])
    if (i < 0) continue
    const slot = slotOf[account[k]]
    marked[slot] = t
    const price = isPrice(close[i]) ? close[i] : NaN
    if (price > 0) last[k] = price
    if (exit[k] >= 0 || !(entered[k] < t)) continue
    exit[k] = reasonOf(k, t, observed[i] === 1 ? price : NaN, bell[slot] - squareOff * SECOND, positions.col)
    if (exit[k] >= 0) placed[k] = t
  }
}

/** Number of the purpose for which position k is to be ended; -1 for none. A price of NaN is not looked at. */
function reasonOf(k: number, t: number, price: number, ends: number, col: Columns<Position>): number {
  if (price > 0) {
    const { best, worst, stop, target } = col
    const isLong = col.long[k] === 1
    if (isLong ? price > best[k] : price < best[k]) best[k] = price
    if (isLong ? price < worst[k] : price > worst[k]) worst[k] = price
    if (isLong ? price <= stop[k] : price >= stop[k]) return purposeNumber.stop
    if (isLong ? price >= target[k] : price <= target[k]) return purposeNumber.target
    if (isTrailed(price, k, col)) return purposeNumber.trail
  }
  if (t >= col.until[k]) return purposeNumber.time
  return t >= ends ? purposeNumber.session_end : -1
}
