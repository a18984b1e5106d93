import { formatDate } from '../../core/time.ts'
import { type DatedRow, readDatedTable } from '../datedTable.ts'
import type { Expiry, ExpiryKind } from './expiries.ts'

interface Lot {
  readonly kind: ExpiryKind
  readonly expiryFrom: number
  readonly lot: number
  readonly from: number
  readonly existingFrom: number
  readonly known: number
}
interface Freeze {
  readonly quantity: number
  readonly from: number
  readonly known: number
}

/** What stays as it is for years: prices in rupees. */
export interface SymbolTerms {
  /** Kite's name of the index itself. */
  readonly kiteSpot: string
  readonly tick: number
  readonly strikeStep: number
  /** Bounds within which a number is believed to be a strike. */
  readonly strikes: readonly [number, number]
}

const lotColumns = ['symbol', 'kind', 'expiry_from', 'lot', 'from', 'existing_from', 'known', 'source']
const symbolColumns = ['symbol', 'kite_spot', 'tick', 'strike_step', 'strike_min', 'strike_max', 'from', 'known', 'source']

/** Lot sizes, freeze quantities, steps: lots.csv, freeze-quantities.csv and symbols.csv. */
export class NseTerms {
  readonly #lots = new Map<string, Lot[]>()
  readonly #freezes = new Map<string, Freeze[]>()
  readonly symbols = new Map<string, SymbolTerms>()

  /** Throws MARKET_DATA_INVALID. */
  constructor(folder: string) {
    for (const row of readDatedTable(folder, 'lots.csv', lotColumns)) {
      const next = lotOf(row)
      const before = listed(this.#lots, row.text('symbol'))
      if (before.some(({ kind, expiryFrom }) => kind === next.kind && expiryFrom >= next.expiryFrom)) row.refuse('is not later than a row above it')
      before.push(next)
    }
    for (const row of readDatedTable(folder, 'freeze-quantities.csv', ['symbol', 'quantity', 'from', 'known', 'source'])) {
      const before = listed(this.#freezes, row.text('symbol'))
      const next = { quantity: row.number('quantity'), from: row.day('from'), known: row.day('known') }
      if (before.some(({ from }) => from >= next.from)) row.refuse('is not later than a row above it')
      before.push(next)
    }
    for (const row of readDatedTable(folder, 'symbols.csv', symbolColumns)) this.#readSymbol(row)
  }

  /**
   * The lot of contracts with that expiry on the trade date `date`, as far as was known at the end of the day `at`. None
   * where no row covers it.
   */
  lotOf(symbol: string, { day, kind }: Expiry, date: number, at: number = Infinity): number | undefined {
    const quarterly = kind === 'monthly' && /-(03|06|09|12)-/.test(formatDate(day))
    return this.#lots
      .get(symbol)
      ?.findLast(
        (row) =>
          row.kind === kind && row.expiryFrom <= day && row.known <= at && (quarterly ? Math.max(row.from, row.existingFrom) : row.from) <= date,
      )?.lot
  }

  freezeOf(symbol: string, date: number, at: number = Infinity): number | undefined {
    return this.#freezes.get(symbol)?.findLast((row) => row.from <= date && row.known <= at)?.quantity
  }

  #readSymbol(row: DatedRow): void {
    const strikes = [row.number('strike_min'), row.number('strike_max')] as const
    if (strikes[0] >= strikes[1]) row.refuse('strike_max is not above strike_min')
    if (this.symbols.has(row.text('symbol'))) row.refuse(`${row.text('symbol')} is there twice`)
    row.known()
    row.day('from')
    this.symbols.set(row.text('symbol'), {
      kiteSpot: row.text('kite_spot'),
      tick: row.number('tick'),
      strikeStep: row.number('strike_step'),
      strikes,
    })
  }
}

function lotOf(row: DatedRow): Lot {
  const kind = (['weekly', 'monthly'] as const)[row.oneOf('kind', ['weekly', 'monthly'])]
  const lot = row.number('lot')
  if (!Number.isInteger(lot) || lot === 0) row.refuse(`lot ${lot} is not a whole number above 0`)
  return {
    kind,
    lot,
    expiryFrom: row.day('expiry_from'),
    from: row.day('from'),
    existingFrom: row.dayOr('existing_from', -Infinity),
    known: row.day('known'),
  }
}

function listed<T>(map: Map<string, T[]>, key: string): T[] {
  const found = map.get(key) ?? []
  map.set(key, found)
  return found
}
