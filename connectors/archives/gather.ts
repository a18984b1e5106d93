import { formatDate } from '../../core/time.ts'
import type { Block, Receiver } from './block.ts'
import type { Layout } from './layout.ts'
import { askedOf, placeOf } from './place.ts'
import type { PackMarkets, Refusal } from './ports.ts'
import { type Folder, type Pile, SPAN, type Spill } from './spill.ts'
import type { Tally } from './tally.ts'
import { PriceWatch } from './watch.ts'

/** Runs of rows shorter than this are copied a value at a time: a call a column costs more. */
const SHORT = 24

interface Target {
  readonly folder: Folder
  readonly id: number
  readonly day: number
  readonly watch: PriceWatch
  /** Of volumes that are quantities: their sum so far. */
  sum: number
  /** Its sum, and its rows, when the member began. */
  sumBefore: number
  rows: number
}

/** What is being read, as the rows need it. */
export interface Reading {
  readonly name: string
  readonly index: number
  readonly layout: Layout
  readonly tally: Tally
}

/** Puts the rows of members on the piles of their folders, and tells the ledger of every one. */
export class Gatherer implements Receiver {
  readonly #markets: PackMarkets
  readonly #spill: Spill
  readonly #targets: Target[] = []
  readonly #refusals: Refusal[] = []
  readonly #known = new Map<string, number>()
  #touched = new Set<Target>()
  #reading!: Reading

  constructor(markets: PackMarkets, spill: Spill) {
    this.#markets = markets
    this.#spill = spill
  }

  begin(reading: Reading): void {
    this.#reading = reading
    this.#touched = new Set()
  }

  /** The member is whole: its rows stay. Answers what is odd about its prices. */
  keep(): string[] {
    const odd: string[] = []
    for (const target of this.#touched) {
      this.#reading.tally.add('packed', target.day, target.rows)
      const remark = target.watch.remark()
      if (remark !== undefined) odd.push(`${this.#reading.name}: ${target.folder.names[target.id]} on ${formatDate(target.day)}: ${remark}`)
      settle(target)
    }
    this.#spill.keep()
    return odd
  }

  /** The member cannot be trusted: what it brought goes, and is counted by the reason given. */
  takeBack({ reason, detail }: Refusal): void {
    for (const target of this.#touched) {
      this.#reading.tally.add(reason, target.day, target.rows, () => ({ line: 0, text: detail }))
      target.sum = target.sumBefore
      settle(target)
    }
    this.#spill.takeBack()
  }

  target(name: string, day: number): number {
    const { layout, name: member } = this.#reading
    const asked = askedOf(layout, member, name)
    const key = `${layout.format} ${day} ${asked}`
    let known = this.#known.get(key)
    if (known === undefined) this.#known.set(key, (known = this.#resolve(name, day)))
    return known
  }

  #resolve(asked: string, day: number): number {
    const place = placeOf(this.#markets, this.#reading.layout, this.#reading.name, asked, day)
    if ('reason' in place) return -this.#refusals.push(place)
    const folder = this.#spill.folder(place.folder, place.date)
    let id = folder.names.indexOf(place.name)
    if (id < 0) id = folder.names.push(place.name) - 1
    return this.#targets.push({ folder, id, day, watch: new PriceWatch(), sum: 0, sumBefore: 0, rows: 0 }) - 1
  }

  refused(target: number, day: number, line: number, text: () => string): void {
    const { reason, detail } = this.#refusals[-target - 1]
    this.#reading.tally.add(reason, day, 1, () => ({ line, text: `${detail}: ${text()}` }))
  }

  rejected(why: 'unparsable_line' | 'bad_time' | 'zero_price', day: number, line: number, text: () => string): void {
    this.#reading.tally.add(why, day, 1, () => ({ line, text: text() }))
  }

  rows(block: Block, n: number): void {
    const { volume, columns } = this.#reading.layout
    const quantity = volume === 'quantity' && columns.includes('volume')
    for (let from = 0; from < n; ) {
      const at = block.target[from]
      let to = from + 1
      while (to < n && block.target[to] === at) to++
      const target = this.#targets[at]
      if (target.rows === 0) this.#touched.add(target)
      target.rows += to - from
      target.watch.look(block, from, to)
      if (quantity) target.sum = sumUp(block.volume, from, to, target.sum)
      else unsign(block.volume, from, to)
      forgetZeros(block.bid, from, to)
      forgetZeros(block.ask, from, to)
      put(block, from, to, target, this.#reading.index)
      from = to
    }
    this.#spill.added(n)
  }
}

function settle(target: Target): void {
  target.sumBefore = target.sum
  target.rows = 0
  target.watch.clear()
}

/** Quantities to what was traded since the day began; a missing one adds nothing. */
function sumUp(volume: Float64Array, from: number, to: number, before: number): number {
  let sum = before
  for (let i = from; i < to; i++) {
    if (volume[i] > 0) sum += volume[i]
    volume[i] = sum
  }
  return sum
}

/** A client that decodes 32 bits as signed makes volumes of 2^31 and more negative. */
function unsign(volume: Float64Array, from: number, to: number): void {
  for (let i = from; i < to; i++) if (volume[i] < 0 && volume[i] >= -(2 ** 31)) volume[i] += 2 ** 32
}

/** Vendors write 0 for a side of the book that is empty. */
function forgetZeros(price: Float64Array, from: number, to: number): void {
  for (let i = from; i < to; i++) if (price[i] === 0) price[i] = NaN
}

const copied = ['ts', 'price', 'volume', 'oi', 'bid', 'ask'] as const

/** Rows of one target, to the piles of their spans. */
function put(block: Block, from: number, to: number, { folder, id }: Target, source: number): void {
  const { ts } = block
  for (let start = from; start < to; ) {
    const span = Math.floor(ts[start] / SPAN)
    const [first, past] = [span * SPAN, (span + 1) * SPAN]
    let end = start + 1
    while (end < to && ts[end] < past && ts[end] >= first) end++
    putRows(block, start, end, folder.pile(span), id, source)
    start = end
  }
}

function putRows(block: Block, from: number, to: number, pile: Pile, id: number, source: number): void {
  const n = to - from
  pile.reserve(pile.n + n)
  const { col } = pile
  if (n < SHORT) {
    for (let i = from, k = pile.n; i < to; i++, k++) {
      col.ts[k] = block.ts[i]
      col.price[k] = block.price[i]
      col.volume[k] = block.volume[i]
      col.oi[k] = block.oi[i]
      col.bid[k] = block.bid[i]
      col.ask[k] = block.ask[i]
      col.instrument[k] = id
    }
  } else {
    for (const name of copied) col[name].set(block[name].subarray(from, to), pile.n)
    col.instrument.fill(id, pile.n, pile.n + n)
  }
  if (pile.withOrigin) {
    col.line.set(block.line.subarray(from, to), pile.n)
    col.source.fill(source, pile.n, pile.n + n)
  }
  pile.n += n
}
