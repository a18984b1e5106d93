import { formatDate, SECOND } from '../../../core/time.ts'
import type { Block, Receiver } from '../block.ts'
import type { Reading } from '../gather.ts'
import { askedOf, placeOf } from '../place.ts'
import type { PackMarkets, Refusal } from '../ports.ts'
import type { Spilled } from '../spill.ts'
import { type BarPile, BarSpill } from './barSpill.ts'

/** Bars of a day from which on the least time between two of them is believed to be their length. */
const ENOUGH = 20

interface Target {
  readonly pile: BarPile
  readonly id: number
  readonly day: number
  rows: number
  last: number
  step: number
}

/** Puts the bars of members on the piles of their folders, and tells the ledger of every one. Nothing is mended here. */
export class BarGatherer implements Receiver {
  readonly #markets: PackMarkets
  readonly #spill: BarSpill
  readonly #targets: Target[] = []
  readonly #refusals: Refusal[] = []
  readonly #known = new Map<string, number>()
  #touched = new Set<Target>()
  #reading!: Reading
  /** Length of the bars so far, seconds. */
  #length: number | undefined

  constructor(markets: PackMarkets, path: string) {
    this.#markets = markets
    this.#spill = new BarSpill(path)
  }

  begin(reading: Reading): void {
    this.#reading = reading
    this.#touched = new Set()
  }

  /** The member is whole: its bars stay. Answers what is odd about them. */
  keep(): string[] {
    const odd: string[] = []
    for (const target of this.#touched) {
      this.#reading.tally.add('packed', target.day, target.rows)
      const seconds = target.step / SECOND
      if (target.rows >= ENOUGH && seconds !== this.#length) {
        if (this.#length !== undefined) {
          const name = `${target.pile.names[target.id]} on ${formatDate(target.day)}`
          odd.push(
            `${this.#reading.name}: bars of ${name} are ${seconds} s apart, those before ${this.#length} s: pack each length into a lake of its own`,
          )
        }
        this.#length = seconds
      }
      settle(target)
    }
    this.#spill.keep()
    return odd
  }

  takeBack({ reason, detail }: Refusal): void {
    for (const target of this.#touched) {
      this.#reading.tally.add(reason, target.day, target.rows, () => ({ line: 0, text: detail }))
      settle(target)
    }
    this.#spill.takeBack()
  }

  target(name: string, day: number): number {
    const { layout, name: member } = this.#reading
    const key = `${layout.format} ${day} ${askedOf(layout, member, name)}`
    let known = this.#known.get(key)
    if (known === undefined) this.#known.set(key, (known = this.#resolve(name, day)))
    return known
  }

  #resolve(asked: string, day: number): number {
    const place = placeOf(this.#markets, this.#reading.layout, this.#reading.name, asked, day)
    if ('reason' in place) return -this.#refusals.push(place)
    const pile = this.#spill.pile(`bars/${place.folder}`, place.date)
    let id = pile.names.indexOf(place.name)
    if (id < 0) id = pile.names.push(place.name) - 1
    return this.#targets.push({ pile, id, day, rows: 0, last: NaN, step: Infinity }) - 1
  }

  refused(target: number, day: number, line: number, text: () => string): void {
    const { reason, detail } = this.#refusals[-target - 1]
    this.#reading.tally.add(reason, day, 1, () => ({ line, text: `${detail}: ${text()}` }))
  }

  rejected(why: 'unparsable_line' | 'bad_time' | 'zero_price', day: number, line: number, text: () => string): void {
    this.#reading.tally.add(why, day, 1, () => ({ line, text: text() }))
  }

  rows(block: Block, n: number): void {
    for (let i = 0; i < n; i++) {
      const target = this.#targets[block.target[i]]
      if (target.rows++ === 0) this.#touched.add(target)
      const ts = block.ts[i]
      const step = Math.abs(ts - target.last)
      if (step > 0 && step < target.step) target.step = step
      target.last = ts
      const k = this.#spill.next(target.pile)
      const { col } = this.#spill
      col.ts[k] = ts
      col.instrument[k] = target.id
      // Where slots.ts puts the numbers of a bar.
      col.close[k] = block.price[i]
      col.open[k] = block.close[i]
      col.high[k] = block.ask[i]
      col.low[k] = block.bid[i]
      col.volume[k] = block.volume[i]
      col.oi[k] = block.oi[i]
      col.source[k] = this.#reading.index
      col.line[k] = block.line[i]
    }
  }

  close(): Spilled[] {
    return this.#spill.close()
  }
}

function settle(target: Target): void {
  target.rows = 0
  target.last = NaN
  target.step = Infinity
}
