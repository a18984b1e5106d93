import type { Instruments } from '../core/instruments.ts'
import type { OptionContract } from '../core/optionMarket.ts'
import { DAY } from '../core/time.ts'

/** When a contract stops to exist, as known on a day (days since 1970, UTC): microseconds. */
export type ExpiryTime = (contract: OptionContract, day: number) => number

/**
 * What the names of instruments say of options, as columns by instrument id: read once a name, so that a row costs no
 * object. Computed from the dictionary alone, hence no state.
 */
export class OptionTerms {
  /** +1 a call, -1 a put, 0 no option. */
  sign = new Int8Array(0)
  /** Something whose price options are on: a spot or a future. */
  underlying = new Uint8Array(0)
  strike = new Float64Array(0)
  readonly #instruments: Instruments
  readonly #expiryTime: ExpiryTime
  #known = 0
  #expiry = new Float64Array(0)
  /** Day on which #expiry was asked for. */
  #askedOn = new Float64Array(0)
  #spot = new Int32Array(0)
  #future = new Int32Array(0)
  /** Places in #ids of the names of underlyings and futures, seen or not. */
  readonly #places = new Map<string, number>()
  readonly #ids: number[] = []

  constructor(instruments: Instruments, expiryTime: ExpiryTime) {
    this.#instruments = instruments
    this.#expiryTime = expiryTime
  }

  /** Reads the names that are new to the dictionary. Call it before a batch. */
  cover(): void {
    const size = this.#instruments.size
    if (size > this.sign.length) this.#grow(Math.max(size, Math.ceil(this.sign.length * 1.5), 64))
    for (; this.#known < size; this.#known++) this.#read(this.#known)
  }

  /** The id of the option's underlying on the spot market; -1 while there was none. */
  spot(id: number): number {
    return this.#ids[this.#spot[id]]
  }

  /** The id of the future of the option's expiry; -1 while there was none. */
  future(id: number): number {
    return this.#ids[this.#future[id]]
  }

  /** When the option expires, as known on the day of `ts`. */
  expiry(id: number, ts: number): number {
    const day = Math.floor(ts / DAY)
    if (day !== this.#askedOn[id]) {
      this.#askedOn[id] = day
      this.#expiry[id] = this.#expiryTime(this.#instruments.contract(id) as OptionContract, day)
    }
    return this.#expiry[id]
  }

  #read(id: number): void {
    const contract = this.#instruments.contract(id)
    if (contract.kind !== 'option') {
      this.underlying[id] = 1
      this.#ids[this.#place(contract.kind === 'spot' ? contract.underlying : `${contract.underlying}:${contract.expiry}`)] = id
      return
    }
    this.sign[id] = contract.type === 'CE' ? 1 : -1
    this.strike[id] = contract.strike
    this.#askedOn[id] = Number.NaN
    this.#spot[id] = this.#place(contract.underlying)
    this.#future[id] = this.#place(`${contract.underlying}:${contract.expiry}`)
  }

  #place(name: string): number {
    const known = this.#places.get(name)
    if (known !== undefined) return known
    this.#places.set(name, this.#ids.length)
    return this.#ids.push(-1) - 1
  }

  #grow(size: number): void {
    this.sign = grown(this.sign, new Int8Array(size))
    this.underlying = grown(this.underlying, new Uint8Array(size))
    this.strike = grown(this.strike, new Float64Array(size))
    this.#expiry = grown(this.#expiry, new Float64Array(size))
    this.#askedOn = grown(this.#askedOn, new Float64Array(size))
    this.#spot = grown(this.#spot, new Int32Array(size))
    this.#future = grown(this.#future, new Int32Array(size))
  }
}

function grown<T extends Int8Array | Uint8Array | Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from as never)
  return to
}
