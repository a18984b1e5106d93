import type { Meaning } from './layout.ts'
import { slotOf } from './slots.ts'

/** What is done with a field: its slot in a row, from 0 on, or one of these. */
export const SKIP = -1
export const EPOCH = 6
export const DATE = 7
export const TIME = 8
export const DATETIME = 9
export const NAME = 10
export const TRADED = 11

export function actionOf(meaning: Meaning): number {
  const slot = slotOf(meaning)
  if (slot >= 0) return slot
  return { epoch: EPOCH, date: DATE, time: TIME, datetime: DATETIME, name: NAME, traded: TRADED }[meaning as 'date'] ?? SKIP
}
