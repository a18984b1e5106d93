import type { OptionContract } from '../../core/optionMarket.ts'
import { HOUR, parseDate, startOfDay, UTC } from '../../core/time.ts'

/** Options of Bybit expire at 08:00 UTC of the day they are named by. Microseconds. */
export function bybitExpiryTime({ expiry }: Pick<OptionContract, 'expiry'>): number {
  return startOfDay(parseDate(expiry), UTC) + 8 * HOUR
}
