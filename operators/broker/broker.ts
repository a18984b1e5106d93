import type { Batch } from '../../core/batch.ts'
import type { OptionContract, OptionMarket } from '../../core/optionMarket.ts'
import type { RowBuffer } from '../../core/rowBuffer.ts'
import type { Counter, Step } from '../../core/step.ts'
import { SECOND } from '../../core/time.ts'
import {
  type ClosedTrade,
  type Equity,
  type Fill,
  fateNumber,
  fillSourceNumber,
  Order,
  type OrderFate,
  purposeNumber,
  sideNumber,
} from '../../core/trading.ts'
import { Accounts } from './accounts.ts'
import { Bells } from './bells.ts'
import { type Meeting, meet, sizeOf, slicesOf, type Terms } from './execution.ts'
import { watch } from './exits.ts'
import { type Execution, Ledger, totalOf } from './ledger.ts'
import { acceptOrders, dueOf } from './orders.ts'
import { appendRow, levelsOf, Position, type RowOf, removeRow, rowAt } from './positions.ts'
import { firstNotBefore, type Price, PriceRows } from './priceRows.ts'
import { ClosingPrices, intrinsic } from './settlement.ts'

export interface BrokerTerms {
  readonly market: OptionMarket
  /** Seconds. */
  readonly maxAge: number
  /** Ticks. */
  readonly slippage: number
  readonly brokerage: number
  /** Seconds before the bell; NaN: never. */
  readonly squareOff: number
  readonly equityEvery: number
}

export type Told = {
  readonly orders: Batch<OrderFate>
  readonly fills: Batch<Fill>
  readonly trades: Batch<ClosedTrade>
  readonly equity: Batch<Equity>
}

/**
 * Walks from instant to instant at which anything can happen: a bell, an order that is due, a second while something is
 * open. All else it does not look at. At one instant: bells, orders that cannot be filled, exits, entries, what is watched,
 * equity.
 */
export class Broker {
  readonly #step: Step
  readonly #terms: BrokerTerms
  readonly #bells: Bells
  readonly #waiting: RowBuffer<Order>
  readonly #positions: RowBuffer<Position>
  readonly #accounts: Accounts
  readonly #closing: ClosingPrices
  readonly #rows = new PriceRows()
  readonly #ledger: Ledger
  readonly #waited: Counter
  readonly #carried: Counter
  readonly #unsettled: Counter

  constructor(step: Step, terms: BrokerTerms) {
    this.#step = step
    this.#terms = terms
    this.#bells = new Bells(terms.market.calendar)
    this.#waiting = step.rows('waiting', { version: 1, schema: Order })
    this.#positions = step.rows('positions', { version: 1, schema: Position })
    this.#accounts = new Accounts(step, this.#positions, terms.equityEvery * SECOND, terms.market.calendar.zone)
    this.#closing = new ClosingPrices(step, this.#bells)
    this.#ledger = new Ledger(step)
    this.#waited = step.counter('exit_waited')
    this.#carried = step.counter('exit_at_carried_price')
    this.#unsettled = step.counter('settled_without_spot')
  }

  take(prices: Batch<Price>, orders: Batch<Order>): Told {
    const { watermark } = prices
    this.#ledger.clear()
    this.#accounts.rows.clear()
    if (orders.n > 0) acceptOrders(orders, this.#waiting, this.#step.instruments)
    this.#rows.begin(prices, this.#step.instruments.size)
    this.#closing.begin()
    if (this.#waiting.n > 0 || this.#accounts.table.size > 0) this.#walk(watermark)
    this.#closing.advance(this.#rows, prices.n)
    const { orders: fates, fills, trades } = this.#ledger
    return {
      orders: fates.view(watermark),
      fills: fills.view(watermark),
      trades: trades.view(watermark),
      equity: this.#accounts.rows.view(watermark),
    }
  }

  /** Of the second `watermark` itself rows may still come, so only what needs none is done there. */
  #walk(watermark: number): void {
    for (;;) {
      const t = this.#next()
      if (!(t <= watermark) || t === Infinity) return
      this.#ring(t)
      this.#refuse(t)
      if (t === watermark) return
      this.#rows.seek(t)
      this.#exit(t)
      this.#enter(t)
      watch(t, this.#positions, this.#rows, this.#accounts, this.#terms.squareOff)
      this.#accounts.write(t)
    }
  }

  #next(): number {
    const due = this.#waiting.n > 0 ? dueOf(this.#waiting.col.ts[0]) : Infinity
    const second = this.#positions.n > 0 ? this.#rows.nextTs : Infinity
    return Math.min(due, second, this.#accounts.firstBell)
  }

  /** Refuses what is due and can never be filled. */
  #refuse(t: number): void {
    for (let i = 0; i < this.#waiting.n && dueOf(this.#waiting.col.ts[i]) <= t; ) {
      const fate = this.#fateWithoutPrice(this.#waiting.col.instrument[i], dueOf(this.#waiting.col.ts[i]))
      if (fate === fateNumber.filled) {
        i++
        continue
      }
      this.#ledger.refuse(dueOf(this.#waiting.col.ts[i]), rowAt(this.#waiting, i), fate)
      removeRow(this.#waiting, i)
    }
  }

  #fateWithoutPrice(instrument: number, due: number): number {
    const contract = this.#step.instruments.contract(instrument)
    const { market } = this.#terms
    if (contract.kind !== 'option') return fateNumber.not_tradable
    const day = this.#bells.dayOf(due)
    if (day > market.expires(contract, day)) return fateNumber.expired
    return this.#bells.isOpen(due, market.calendar.segmentOf(contract)) ? fateNumber.filled : fateNumber.no_price
  }

  #enter(t: number): void {
    while (this.#waiting.n > 0 && dueOf(this.#waiting.col.ts[0]) <= t) {
      const order = rowAt(this.#waiting, 0)
      removeRow(this.#waiting, 0)
      const met = this.#meet(order.instrument, order.side === sideNumber.buy)
      if (met.fate === fateNumber.filled) this.#open(t, order, met)
      else this.#ledger.refuse(dueOf(order.ts), order, met.fate)
    }
  }

  #meet(instrument: number, isBuy: boolean): Meeting {
    return meet(this.#rows, this.#rows.find(instrument), isBuy, this.#termsOf(this.#option(instrument).underlying))
  }

  #open(t: number, order: RowOf<Order>, { price, source }: Meeting): void {
    const { market, brokerage } = this.#terms
    const contract = this.#option(order.instrument)
    const day = this.#bells.dayOf(t)
    const { quantity, slices } = sizeOf(market, contract, order.lots, day)
    const fees = market.fees({
      day,
      side: order.side === sideNumber.buy ? 'buy' : 'sell',
      price,
      quantity,
      orders: slices,
      brokerage,
      settlement: false,
    })
    const isLong = order.side === sideNumber.buy
    const account = this.#step.instruments.id(contract.underlying)
    const { slot, number } = this.#accounts.enter(account, this.#bells.of(day, market.calendar.segmentOf(contract)))
    const position: RowOf<Position> = {
      instrument: order.instrument,
      account,
      position: number,
      anchor: order.anchor,
      long: isLong ? 1 : 0,
      lots: order.lots,
      quantity,
      entered: t,
      entry: price,
      fees: totalOf(fees),
      ...levelsOf(price, isLong, order),
      trail: order.trail,
      until: order.until,
      best: price,
      worst: price,
      last: price,
      exit: -1,
      placed: NaN,
    }
    appendRow(this.#positions, position)
    this.#ledger.fill(position, order.ts, { ts: t, purpose: purposeNumber.entry, source, price, slices, fees })
    this.#accounts.book(slot, t, (isLong ? -1 : 1) * price * quantity, totalOf(fees))
  }

  /** Fills the exits that are asked for, where there is a price. */
  #exit(t: number): void {
    for (let k = 0; k < this.#positions.n; ) {
      const { exit, instrument, long } = this.#positions.col
      if (exit[k] < 0) {
        k++
        continue
      }
      const met = this.#meet(instrument[k], long[k] === 0)
      if (met.fate === fateNumber.filled) this.#end(k, t, met)
      else {
        this.#waited.add(1)
        k++
      }
    }
  }

  /** Ends position k: for its expiry, for what was asked, or because the session ends. */
  #end(k: number, t: number, { price, source }: Pick<Meeting, 'price' | 'source'>, isExpiry = false): void {
    const position = rowAt(this.#positions, k)
    removeRow(this.#positions, k)
    const { market, brokerage } = this.#terms
    const isAsked = !isExpiry && position.exit >= 0
    const purpose = isExpiry ? purposeNumber.expiry : isAsked ? position.exit : purposeNumber.session_end
    const { underlying } = this.#option(position.instrument)
    const day = this.#bells.dayOf(t)
    const slices = isExpiry ? 0 : slicesOf(position.lots, position.quantity / position.lots, market.freeze(underlying, day))
    const side = position.long === 1 ? 'sell' : 'buy'
    const fees = market.fees({ day, side, price, quantity: position.quantity, orders: slices, brokerage, settlement: isExpiry })
    const execution: Execution = { ts: t, purpose, source, price, slices, fees }
    this.#ledger.fill(position, isAsked ? position.placed : t, execution)
    const slot = this.#accounts.table.slotOf[position.account]
    this.#accounts.book(slot, t, (side === 'sell' ? 1 : -1) * price * position.quantity, totalOf(fees))
    this.#accounts.leave(slot, this.#ledger.close(position, execution))
  }

  /** Ends the day of the accounts whose bell it is. */
  #ring(t: number): void {
    if (!(this.#accounts.firstBell <= t)) return
    const { table } = this.#accounts
    for (let slot = 0; slot < table.size; slot++) {
      if (!(table.col.bell[slot] <= t)) continue
      const bell = table.col.bell[slot]
      const account = table.keys[slot]
      this.#closing.advance(this.#rows, firstNotBefore(this.#rows.batch.col.ts, bell, 0, this.#rows.batch.n))
      const next = this.#endDay(account, bell)
      this.#accounts.writeOne(bell, slot)
      this.#accounts.endDay(slot, next)
    }
  }

  /** Settles, ends or carries what an account has open at its bell; returns the next bell. */
  #endDay(account: number, bell: number): number {
    const day = this.#bells.dayOf(bell - SECOND)
    let next = Infinity
    for (let k = 0; k < this.#positions.n; ) {
      const { instrument, last } = this.#positions.col
      if (this.#positions.col.account[k] !== account) {
        k++
        continue
      }
      const contract = this.#option(instrument[k])
      const segment = this.#terms.market.calendar.segmentOf(contract)
      const nextDay = this.#bells.nextDay(day, segment)
      if (this.#terms.market.expires(contract, day) < nextDay) this.#settle(k, bell, day, contract)
      else if (Number.isNaN(this.#terms.squareOff)) {
        next = Math.min(next, this.#bells.of(nextDay, segment))
        k++
      } else {
        this.#carried.add(1)
        this.#end(k, bell, { price: last[k], source: fillSourceNumber.carried })
      }
    }
    return next
  }

  #settle(k: number, bell: number, day: number, contract: OptionContract): void {
    const spot = this.#closing.of(this.#positions.col.account[k], day)
    const isKnown = !Number.isNaN(spot)
    if (!isKnown) this.#unsettled.add(1)
    const price = isKnown ? intrinsic(contract.type, contract.strike, spot) : this.#positions.col.last[k]
    this.#end(k, bell, { price, source: isKnown ? fillSourceNumber.settlement : fillSourceNumber.carried }, true)
  }

  #termsOf(underlying: string): Terms {
    const tick = this.#terms.market.tick(underlying)
    return { maxAge: this.#terms.maxAge, slippage: this.#terms.slippage * tick, tick }
  }

  /** The contract of an order that was not refused. */
  #option(instrument: number): OptionContract {
    return this.#step.instruments.contract(instrument) as OptionContract
  }
}
