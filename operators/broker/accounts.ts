import type { Columns } from '../../core/batch.ts'
import type { RowBuffer } from '../../core/rowBuffer.ts'
import type { Step } from '../../core/step.ts'
import { f64, i32, type Table } from '../../core/table.ts'
import { DAY, type Zone } from '../../core/time.ts'
import { Equity } from '../../core/trading.ts'
import { appendRow, type Position } from './positions.ts'

/** `number`: of its last position. `moved`, `marked`: the last second with a fill, and with a price of an open position. */
const fields = {
  cash: f64(0),
  realised: f64(0),
  fees: f64(0),
  open: i32(0),
  number: i32(0),
  bell: f64(Infinity),
  moved: f64(-Infinity),
  marked: f64(-Infinity),
}

/**
 * An account an underlying, by its spot. It is opened by the first fill and forgotten at the bell, unless something is
 * carried over it.
 */
export class Accounts {
  readonly table: Table<typeof fields>
  readonly rows: RowBuffer<Equity>
  readonly #positions: RowBuffer<Position>
  readonly #every: number
  readonly #offset: number
  /** The first bell of all; Infinity without an account. */
  firstBell = Infinity
  /** No row is due by the clock before this. A cache of the clock, no state. */
  #quietUntil = -Infinity

  /** `every`: microseconds between two rows of an account that has something open; they are at multiples of it since local midnight. */
  constructor(step: Step, positions: RowBuffer<Position>, every: number, zone: Zone) {
    this.table = step.table('accounts', { version: 1, fields })
    this.rows = step.scratch(Equity)
    this.#positions = positions
    this.#every = every
    this.#offset = zone.offset
    step.onRestore(() => this.#survey())
  }

  /** Opens the account if need be, and returns its slot and the number of its next position. */
  enter(account: number, bell: number): { slot: number; number: number } {
    const slot = this.table.slot(account)
    this.table.col.bell[slot] = bell
    this.table.col.open[slot]++
    this.#survey()
    return { slot, number: ++this.table.col.number[slot] }
  }

  /** `cash`: what a fill brings before fees, below 0 for what it takes. */
  book(slot: number, t: number, cash: number, fees: number): void {
    const { col } = this.table
    col.cash[slot] += cash - fees
    col.fees[slot] += fees
    col.moved[slot] = t
  }

  leave(slot: number, pnl: number): void {
    this.table.col.open[slot]--
    this.table.col.realised[slot] += pnl
  }

  /** Rows of the second t: of accounts with a fill, and of those with something open when it is time for one. */
  write(t: number): void {
    const { moved, marked, open } = this.table.col
    const isTime = t >= this.#quietUntil && this.#isTime(t)
    for (let slot = 0; slot < this.table.size; slot++)
      if (moved[slot] === t || (isTime && open[slot] > 0 && marked[slot] === t)) this.writeOne(t, slot)
  }

  writeOne(ts: number, slot: number): void {
    const { cash, realised, fees, open } = this.table.col
    const equity = cash[slot] + marketValue(this.table.keys[slot], this.#positions.col, this.#positions.n)
    appendRow(this.rows, {
      ts,
      instrument: this.table.keys[slot],
      cash: cash[slot],
      realised: realised[slot],
      unrealised: open[slot] === 0 ? 0 : equity - realised[slot],
      fees: fees[slot],
      equity,
      open: open[slot],
    })
  }

  /** Goes on with an account over which something is carried, until its next bell; forgets any other. */
  endDay(slot: number, nextBell: number): void {
    const { col } = this.table
    if (col.open[slot] > 0) col.bell[slot] = nextBell
    else for (const name of Object.keys(fields) as (keyof typeof fields)[]) col[name][slot] = fields[name].empty
    this.#survey()
    if (this.firstBell === Infinity && !this.#isOpen()) this.table.clear()
  }

  #isOpen(): boolean {
    return this.table.col.open.subarray(0, this.table.size).some((open) => open > 0)
  }

  #survey(): void {
    const { bell } = this.table.col
    this.firstBell = Infinity
    for (let slot = 0; slot < this.table.size; slot++) if (bell[slot] < this.firstBell) this.firstBell = bell[slot]
  }

  /** Whether t is a whole number of `every` after local midnight. */
  #isTime(t: number): boolean {
    const since = (t + this.#offset) % DAY
    const late = since % this.#every
    this.#quietUntil = t + Math.min(this.#every - late, DAY - since)
    return late === 0
  }
}

function marketValue(account: number, { account: of, long, quantity, last }: Columns<Position>, n: number): number {
  let sum = 0
  for (let k = 0; k < n; k++) if (of[k] === account) sum += (long[k] === 1 ? 1 : -1) * quantity[k] * last[k]
  return sum
}
