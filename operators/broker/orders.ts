import type { Batch, Columns } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { RowBuffer } from '../../core/rowBuffer.ts'
import { SECOND } from '../../core/time.ts'
import type { Order } from '../../core/trading.ts'

/** The second in which an order of the time `placed` is due: the one after that it was decided on. */
export function dueOf(placed: number): number {
  return (Math.floor(placed / SECOND) + 1) * SECOND
}

/** Puts orders behind those that wait. Throws ORDER_INVALID for one that cannot mean anything. */
export function acceptOrders(orders: Batch<Order>, waiting: RowBuffer<Order>, instruments: Instruments): void {
  for (let i = 0; i < orders.n; i++) refuseNonsense(orders.col, i, instruments)
  waiting.append(orders)
}

function refuseNonsense(order: Columns<Order>, i: number, instruments: Instruments): void {
  const check = (holds: boolean, column: keyof Order, meaning: string): void => {
    if (holds) return
    const name = instruments.name(order.instrument[i])
    throw new TickloomError('ORDER_INVALID', `order for ${name}: ${column} ${order[column][i]} is not ${meaning}`, { instrument: name, column })
  }
  check(Number.isFinite(order.ts[i]), 'ts', 'a time')
  check(order.lots[i] > 0, 'lots', 'a whole number above 0')
  check(order.side[i] === 0 || order.side[i] === 1, 'side', 'buy or sell')
  for (const column of ['stop', 'target', 'trail'] as const) check(!(order[column][i] <= 0), column, 'a fraction above 0')
  check(!(order.trail[i] >= 1), 'trail', 'a fraction below 1')
  check(!(order.trailAfter[i] < 0), 'trailAfter', 'a fraction of 0 or more')
}
