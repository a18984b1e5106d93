import { type Contract, nameOf, type OptionType } from '../../core/instruments.ts'
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
}

export type Reason = 'date' | 'symbol' | 'expiry' | 'strike' | 'type' | 'time'

/** Why nothing of a file is wanted; undefined when something may be. */
export function wantsFile(file: LakeFile, filter: ReplayFilter, times: { from: number; to: number }): Reason | undefined {
  const { from = '', to = '9999-99-99', symbols } = filter
  if (file.date < from || file.date > to) return 'date'
  if (symbols !== undefined && file.symbol !== undefined && !symbols.includes(file.symbol)) return 'symbol'
  let last: Reason | undefined
  for (const { contract, min, max } of file.shares) {
    const reason = wants(contract, filter) ?? (max < times.from || min >= times.to ? 'time' : undefined)
    if (reason === undefined) return undefined
    last ??= reason
  }
  return last
}

/** Why a contract is not wanted; undefined when it is. */
export function wants(contract: Contract, { symbols, expiries, types, strikes }: ReplayFilter): Reason | undefined {
  if (symbols !== undefined && !symbols.includes(contract.underlying)) return 'symbol'
  const type = contract.kind === 'option' ? contract.type : contract.kind === 'future' ? 'FUT' : 'SPOT'
  if (types !== undefined && !types.includes(type)) return 'type'
  if (contract.kind === 'spot') return undefined
  if (expiries !== undefined && !expiries.includes(contract.expiry)) return 'expiry'
  if (contract.kind === 'future' || strikes === undefined) return undefined
  return isIn(strikes, contract.strike) ? undefined : 'strike'
}

/** What the reader of one file has to ask for, and which of its contracts that keeps. */
export function contractFilter(
  file: LakeFile,
  filter: ReplayFilter,
  instrument: InstrumentPlan,
): Pick<Conditions, 'names' | 'columns'> & { kept: ReadonlySet<Contract> } {
  const kept = new Set(file.shares.map(({ contract }) => contract).filter((contract) => wants(contract, filter) === undefined))
  if (instrument.kind === 'names' && kept.size < file.shares.length) return { names: [...kept].map(nameOf), columns: [], kept }
  if (instrument.kind !== 'code') return { columns: [], kept }
  return { columns: codeConditions(filter, instrument.symbol), kept }
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
