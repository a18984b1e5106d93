import type { Meaning } from './layout.ts'

/**
 * Numbers of a row by their place in a block: price, volume, oi, bid, ask, close. A bar goes where a tick does, its own
 * close as the price, so that the readers of rows are one for both.
 */
export const slots: readonly (readonly Meaning[])[] = [['price'], ['volume'], ['oi'], ['bid', 'low'], ['ask', 'high'], ['close', 'open']]

export function slotOf(meaning: Meaning): number {
  return slots.findIndex((meanings) => meanings.includes(meaning))
}
