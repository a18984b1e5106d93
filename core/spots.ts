import type { Instruments } from './instruments.ts'

/** Which instrument is the spot that another one is of, as loops ask it. A cache of the dictionary, no state. */
export class Spots {
  /** Instrument id to the id of its underlying's spot, a spot's being its own; valid after `cover`. */
  of = new Int32Array(0)
  readonly #instruments: Instruments
  #covered = 0

  constructor(instruments: Instruments) {
    this.#instruments = instruments
  }

  /** Looks up the spots of instruments not seen before. */
  cover(): void {
    // Grows while it goes: the spot of a contract may have been in nobody's rows.
    for (; this.#covered < this.#instruments.size; this.#covered++) {
      const spot = this.#instruments.id(this.#instruments.contract(this.#covered).underlying)
      if (this.#covered >= this.of.length) this.#grow()
      this.of[this.#covered] = spot
    }
  }

  #grow(): void {
    const grown = new Int32Array(Math.max(64, this.#instruments.size * 2))
    grown.set(this.of)
    this.of = grown
  }
}
