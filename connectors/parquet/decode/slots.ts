import type { Rows } from './tickFile.ts'

/** Rows a slot has room for: no delivery is longer. */
export const SLOT_ROWS = 65_536
/** Slots that are filled while others are read from. */
export const SLOTS = 6

/** Places in the shared counters. */
export const FREE = 0
export const STOP = 1

/** Memory through which a thread hands decoded rows over: slots used in turn, and counters. Plain data, for a message. */
export interface SharedRows {
  readonly counters: Int32Array<SharedArrayBuffer>
  readonly memory: SharedArrayBuffer
  /** Columns of numbers. */
  readonly numbers: number
}

export function sharedRows(numbers: number): SharedRows {
  return { counters: new Int32Array(new SharedArrayBuffer(8)), memory: new SharedArrayBuffer(SLOTS * slotBytes(numbers)), numbers }
}

/** The columns of every slot. */
export function slotsOf({ memory, numbers }: SharedRows): Rows[] {
  return Array.from({ length: SLOTS }, (_, slot) => {
    const at = slot * slotBytes(numbers)
    const columns = Array.from({ length: numbers }, (_, i) => new Float64Array(memory, at + i * SLOT_ROWS * 8, SLOT_ROWS))
    return { numbers: columns, codes: new Int32Array(memory, at + numbers * SLOT_ROWS * 8, SLOT_ROWS) }
  })
}

function slotBytes(numbers: number): number {
  return SLOT_ROWS * (numbers * 8 + 4)
}
