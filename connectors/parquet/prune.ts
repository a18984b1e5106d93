import { type Contract, contractOf, nameOf, type OptionType } from '../../core/instruments.ts'
import type { Conditions, InstrumentPlan } from './columns.ts'
import type { LakeFile } from './lakeFile.ts'

/** Which ticks are wanted; what is left out is not limited. Times of day are the market's wall clock, the end excluded. */
export interface ReplayFilter {
  /** First and last date, both included. */
  readonly from?: string
  readonly to?: string
  readonly timeFrom?: string
  readonly timeTo?: string
  readonly symbols?: readonly string[]
  /** Spot and futures have no strike and are kept, unless `types` leaves them out. */
  readonly strikes?: readonly number[] | { readonly min: number; readonly max: number }
  readonly expiries?: readonly string[]
  readonly types?: readonly (OptionType | 'FUT' | 'SPOT')[]
  /** Names by date: of that day these contracts alone, and every spot. Dates that are not there are not limited. */
  readonly contracts?: Readonly<Record<string, readonly string[]>>
}

export type Reason = 'date' | 'symbol' | 'expiry' | 'strike' | 'type' | 'pick' | 'time'

/** Why nothing of a file is wanted; undefined when something may be. */
export function wantsFile(file: LakeFile, filter: ReplayFilter, times: { from: number; to: number }): Reason | undefined {
  const { from = '', to = '9999-99-99', symbols } = filter
  if (file.date < from || file.date > to) return 'date'
  if (symbols !== undefined && file.symbol !== undefined && !symbols.includes(file.symbol)) return 'symbol'
  let last: Reason | undefined
  for (const { contract, min, max } of file.shares) {
    const reason = wants(contract, filter, file.date) ?? (max < times.from || min >= times.to ? 'time' : undefined)
    if (reason === undefined) return undefined
    last ??= reason
  }
  return last
}

/** Why a contract is not wanted, of a date where that is limited by dates; undefined when it is. */
export function wants(contract: Contract, { symbols, expiries, types, strikes, contracts }: ReplayFilter, date?: string): Reason | undefined {
  if (symbols !== undefined && !symbols.includes(contract.underlying)) return 'symbol'
  const type = contract.kind === 'option' ? contract.type : contract.kind === 'future' ? 'FUT' : 'SPOT'
  if (types !== undefined && !types.includes(type)) return 'type'
  if (contract.kind === 'spot') return undefined
  if (expiries !== undefined && !expiries.includes(contract.expiry)) return 'expiry'
  if (contract.kind === 'option' && strikes !== undefined && !isIn(strikes, contract.strike)) return 'strike'
  const picked = date === undefined ? undefined : contracts?.[date]
  return picked === undefined || picked.includes(nameOf(contract)) ? undefined : 'pick'
}

/** Whether every file of a day is in the order of time, so that no row of it can be late: by date. */
export function inOrder(files: readonly LakeFile[]): (date: string) => boolean {
  const others = new Set(files.filter(({ order }) => order !== 'time').map(({ date }) => date))
  return (date) => !others.has(date)
}

/** What the reader of one file has to ask for, and which of its contracts that keeps. */
export function contractFilter(
  file: LakeFile,
  filter: ReplayFilter,
  instrument: InstrumentPlan,
): Pick<Conditions, 'names' | 'columns'> & { kept: ReadonlySet<Contract> } {
  const kept = new Set(file.shares.map(({ contract }) => contract).filter((contract) => wants(contract, filter, file.date) === undefined))
  if (instrument.kind === 'names' && kept.size < file.shares.length) return { names: [...kept].map(nameOf), columns: [], kept }
  if (instrument.kind !== 'code') return { columns: [], kept }
  return { columns: [...codeConditions(filter, instrument.symbol), ...pickConditions(filter.contracts?.[file.date], instrument.symbol)], kept }
}

/** What the picked contracts of the symbol have in common: their expiries, strikes and types, so perhaps some more contracts. */
function pickConditions(names: readonly string[] | undefined, symbol: string): Conditions['columns'] {
  if (names === undefined) return []
  const picked = names
    .map(contractOf)
    .filter((contract) => contract.kind === 'option')
    .filter(({ underlying }) => underlying === symbol)
  const all = <T>(values: readonly T[]): T[] => [...new Set(values)]
  return [
    { column: 'expiry', in: all(picked.map(({ expiry }) => expiry)) },
    { column: 'strike', in: all(picked.map(({ strike }) => strike)) },
    { column: 'opt_type', in: all(picked.map(({ type }) => type)) },
  ]
}

function codeConditions({ symbols, expiries, types, strikes }: ReplayFilter, symbol: string): Conditions['columns'] {
  const all: Conditions['columns'][number][] = []
  if (expiries !== undefined) all.push({ column: 'expiry', in: expiries })
  if (types !== undefined) all.push({ column: 'opt_type', in: types })
  if (strikes !== undefined)
    all.push('min' in strikes ? { column: 'strike', between: [strikes.min, strikes.max] } : { column: 'strike', in: strikes })
  if (symbols !== undefined && !symbols.includes(symbol)) all.push({ column: 'opt_type', in: [] })
  return all
}

function isIn(strikes: NonNullable<ReplayFilter['strikes']>, strike: number): boolean {
  return 'min' in strikes ? strike >= strikes.min && strike <= strikes.max : strikes.includes(strike)
}
