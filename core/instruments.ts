import { TickloomError } from './errors.ts'
import { parseDate } from './time.ts'

export type OptionType = 'CE' | 'PE'

/** A contract as the exchange names it; never guessed from the trade date. */
export type Contract =
  | { readonly kind: 'spot'; readonly underlying: string }
  | { readonly kind: 'future'; readonly underlying: string; readonly expiry: string }
  | { readonly kind: 'option'; readonly underlying: string; readonly expiry: string; readonly strike: number; readonly type: OptionType }

/**
 *     spot     NIFTY
 *     future   NIFTY:2025-01-30:FUT
 *     option   NIFTY:2025-01-09:24000:CE
 */
export function nameOf(c: Contract): string {
  if (c.kind === 'spot') return c.underlying
  if (c.kind === 'future') return `${c.underlying}:${c.expiry}:FUT`
  return `${c.underlying}:${c.expiry}:${c.strike}:${c.type}`
}

/** The contract a canonical name stands for. Throws INSTRUMENT_INVALID for any other text. */
export function contractOf(name: string): Contract {
  const part = name.split(':')
  const dated = part[0] !== '' && part.length > 1 && !Number.isNaN(parseDate(part[1]))
  if (part.length === 1 && part[0] !== '') return { kind: 'spot', underlying: name }
  if (part.length === 3 && dated && part[2] === 'FUT') return { kind: 'future', underlying: part[0], expiry: part[1] }
  const strike = Number(part[2])
  if (part.length === 4 && dated && strike > 0 && Number.isFinite(strike) && String(strike) === part[2] && (part[3] === 'CE' || part[3] === 'PE')) {
    return { kind: 'option', underlying: part[0], expiry: part[1], strike, type: part[3] }
  }
  throw new TickloomError('INSTRUMENT_INVALID', `"${name}" is not an instrument's name`, { name })
}

/** The dictionary of one process: instruments as dense int32 ids. Ids are local, so whatever is saved is saved by name. */
export class Instruments {
  readonly #ids = new Map<string, number>()
  readonly #names: string[] = []
  readonly #contracts: Contract[] = []

  get size(): number {
    return this.#names.length
  }

  id(name: string): number {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    this.#contracts.push(contractOf(name))
    this.#ids.set(name, this.#names.length)
    return this.#names.push(name) - 1
  }

  name(id: number): string {
    return this.#names[id]
  }
  contract(id: number): Contract {
    return this.#contracts[id]
  }
}
