import type { Kind, Schema } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import { ClosedTrade, Equity, Fill, OrderFate } from '../core/trading.ts'
import type { AccountRow } from './reportCurve.ts'
import type { Trade } from './reportMetrics.ts'
import type { ColumnKind, Columns, RunTables } from './reportTables.ts'

/** Fees by what they are for, in the order of the columns of fills; those of fills that have none are in no kind. */
export type FeeKinds = Readonly<Record<string, number>>

/** What fills say beside the trades. */
export interface FillFacts {
  readonly fills: number
  readonly fees: number
  readonly kinds: FeeKinds
  /** Fills by what their price came from. */
  readonly sources: Readonly<Record<string, number>>
}

/** Orders by what they were for and what became of them. */
export interface OrderFacts {
  readonly purpose: string
  readonly fate: string
  readonly orders: number
}

/** A signal on a contract that was traded: what a chart marks. */
export interface SignalMark {
  readonly ts: number
  readonly instrument: string
  readonly price: number
  readonly ratio: number
  readonly taken: boolean
}

/** Everything of a run that a report is made of, but the prices. Trades in the order of their exits. */
export interface RunRows {
  readonly trades: readonly Trade[]
  readonly account: readonly AccountRow[] | undefined
  readonly fills: FillFacts | undefined
  readonly orders: readonly OrderFacts[] | undefined
  readonly signals: readonly SignalMark[] | undefined
  /** What the run has not, in words. */
  readonly missing: readonly string[]
}

/** Columns without which there is no report. */
const NEEDED = ['ts', 'instrument', 'pnl'] as const
export const FEES = ['stt', 'exchange', 'ipft', 'sebi', 'stamp', 'gst', 'brokerage'] as const

/**
 * Throws OPTION_INVALID unless these are outputs that a report can be made of: `trades` with ts, instrument and pnl.
 * `named`: what has them, for the message.
 */
export function requireTrades(outputs: Readonly<Record<string, Schema>>, named: string, option: string): void {
  const trades = outputs['trades']
  if (trades === undefined) {
    const has = Object.keys(outputs).join(', ')
    throw new TickloomError(
      'OPTION_INVALID',
      `a report is made of an output "trades", and ${named} has ${has}; paperBroker's has all a report shows`,
      { option },
    )
  }
  const lacking = NEEDED.filter((name) => trades[name] !== (ClosedTrade as Schema)[name])
  if (lacking.length > 0)
    throw new TickloomError(
      'OPTION_INVALID',
      `"trades" of ${named} lacks what a report needs: ${lacking.map((name) => `${name} (${(ClosedTrade as Schema)[name]})`).join(', ')}`,
      { option },
    )
}

/** Reads what a run left. Throws OPTION_INVALID where `trades` are not what a report can be made of. */
export async function readRunRows(tables: RunTables): Promise<RunRows> {
  const missing: string[] = []
  const there = tables.outputs.get('trades')
  const lacking = there === undefined ? [] : NEEDED.filter((name) => there[name] !== kindOf(ClosedTrade[name]))
  if (lacking.length > 0)
    throw new TickloomError('OPTION_INVALID', `"trades" of run ${tables.identity.run} lacks ${lacking.join(', ')}`, { option: 'report' })
  const distances = await distancesOf(tables, missing)
  const trades = await tradesOf(tables, distances, missing)
  return {
    trades,
    account: await accountOf(tables, missing),
    fills: await fillsOf(tables, missing),
    orders: await ordersOf(tables, missing),
    signals: await signalsOf(tables, trades, missing),
    missing,
  }
}

function kindOf(kind: Kind): ColumnKind {
  if (kind === 'time' || kind === 'bool') return kind
  return kind === 'f64' || kind === 'i32' ? 'number' : 'text'
}

/** How each of the columns is selected; NULL in the place of one that is not there, or of another kind. */
function selected(tables: RunTables, columns: Columns | undefined, schema: Schema): string[] {
  return Object.entries(schema).map(([name, kind]) => {
    if (columns?.[name] !== kindOf(kind)) return 'NULL'
    return kind === 'time' ? tables.micros(name) : tables.name(name)
  })
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : NaN
}
function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

async function tradesOf(tables: RunTables, distances: Distances, missing: string[]): Promise<Trade[]> {
  const columns = tables.outputs.get('trades')
  if (columns === undefined) return []
  const lacking = Object.keys(ClosedTrade).filter((name) => columns[name] !== kindOf((ClosedTrade as Schema)[name]))
  if (lacking.length > 0) missing.push(`trades have no ${lacking.join(', ')}, so what is made of them is left out`)
  const tail = `ORDER BY ${['ts', 'instrument', ...('position' in columns ? ['position'] : [])].map(tables.name).join(', ')}`
  const rows = await tables.rows({ output: 'trades', select: selected(tables, columns, ClosedTrade), tail })
  const names = Object.keys(ClosedTrade)
  return rows.map((row) => {
    const trade = Object.fromEntries(
      names.map((name, i) => [name, kindOf((ClosedTrade as Schema)[name]) === 'text' ? text(row[i]) : number(row[i])]),
    ) as unknown as Trade
    return { ...trade, distance: distances(trade) }
  })
}

type Distances = (trade: Trade) => number

/** Of a trade the distance that the last signal on its contract before its entry had, of the same anchor where both have one. */
async function distancesOf(tables: RunTables, missing: string[]): Promise<Distances> {
  const columns = tables.outputs.get('signals')
  const wanted = { ts: 'time', instrument: 'instrument', anchor: 'time', distance: 'i32' } as const
  if (columns?.['ts'] !== 'time' || columns['instrument'] !== 'text' || columns['distance'] !== 'number') {
    missing.push('no output "signals" says how far from the money its contracts were (ts, instrument, distance): strike distance is unknown')
    return () => NaN
  }
  const traded = `${tables.name('instrument')} IN (${await tradedNames(tables)})`
  const rows = await tables.rows({
    output: 'signals',
    select: selected(tables, columns, wanted),
    where: traded,
    tail: `ORDER BY ${tables.name('ts')}`,
  })
  const byContract = new Map<string, { ts: number; anchor: number; distance: number }[]>()
  for (const [ts, instrument, anchor, distance] of rows) {
    const signal = { ts: number(ts), anchor: number(anchor), distance: number(distance) }
    const known = byContract.get(text(instrument))
    if (known === undefined) byContract.set(text(instrument), [signal])
    else known.push(signal)
  }
  return ({ instrument, entered, anchor }) => {
    const before = (byContract.get(instrument) ?? []).filter(
      (signal) => signal.ts <= entered && (Number.isNaN(anchor) || Number.isNaN(signal.anchor) || signal.anchor === anchor),
    )
    return before.at(-1)?.distance ?? NaN
  }
}

/** The contracts that were traded, as a list of literals. */
async function tradedNames(tables: RunTables): Promise<string> {
  if (!tables.outputs.has('trades')) return "''"
  const name = tables.name('instrument')
  const rows = await tables.rows({ output: 'trades', select: [`DISTINCT ${name}`], tail: `ORDER BY ${name}` })
  return rows.map(([instrument]) => `'${text(instrument).replaceAll("'", "''")}'`).join(', ') || "''"
}

async function accountOf(tables: RunTables, missing: string[]): Promise<AccountRow[] | undefined> {
  const columns = tables.outputs.get('equity')
  const wanted = { ts: Equity.ts, instrument: Equity.instrument, realised: Equity.realised, unrealised: Equity.unrealised }
  if (columns === undefined || Object.entries(wanted).some(([name, kind]) => columns[name] !== kindOf(kind))) {
    missing.push(
      'no output "equity" with ts, instrument, realised, unrealised: equity is that of closed trades, and what open ones stood at between is not in it',
    )
    return undefined
  }
  const tail = `ORDER BY ${tables.name('ts')}, ${tables.name('instrument')}`
  const rows = await tables.rows({ output: 'equity', select: selected(tables, columns, wanted), tail })
  return rows.map(([ts, instrument, realised, unrealised]) => ({
    ts: number(ts),
    instrument: text(instrument),
    realised: number(realised),
    unrealised: number(unrealised),
  }))
}

async function fillsOf(tables: RunTables, missing: string[]): Promise<FillFacts | undefined> {
  const columns = tables.outputs.get('fills')
  if (columns?.['fees'] !== 'number') {
    missing.push('no output "fills" with fees: fees by kind are unknown')
    return undefined
  }
  const kinds = FEES.filter((name) => columns[name] === 'number')
  // Compensated, and without the digits that say in which order the threads added up: one run has one page.
  const sums = ['fees', ...kinds].map((name) => `round(sumKahan(${tables.name(name)}), 9)`)
  const [row] = await tables.rows({ output: 'fills', select: ['count(*)', ...sums] })
  const source = columns['source'] === kindOf(Fill.source) ? tables.name('source') : undefined
  const sources =
    source === undefined ? [] : await tables.rows({ output: 'fills', select: [source, 'count(*)'], tail: `GROUP BY ${source} ORDER BY ${source}` })
  return {
    fills: Number(row?.[0] ?? 0),
    fees: number(row?.[1] ?? 0),
    kinds: Object.fromEntries(kinds.map((name, i) => [name, number(row?.[2 + i] ?? 0)])),
    sources: Object.fromEntries(sources.map(([name, n]) => [text(name), Number(n)])),
  }
}

async function ordersOf(tables: RunTables, missing: string[]): Promise<OrderFacts[] | undefined> {
  const columns = tables.outputs.get('orders')
  const by = ['purpose', 'fate'] as const
  if (columns === undefined || by.some((name) => columns[name] !== kindOf(OrderFate[name]))) {
    missing.push('no output "orders" with purpose and fate: what was asked and not filled is unknown')
    return undefined
  }
  const names = by.map(tables.name)
  const rows = await tables.rows({ output: 'orders', select: [...names, 'count(*)'], tail: `GROUP BY ${names} ORDER BY ${names}` })
  return rows.map(([purpose, fate, n]) => ({ purpose: text(purpose), fate: text(fate), orders: Number(n) }))
}

const Mark = { ts: 'time', instrument: 'instrument', close: 'f64', ratio: 'f64', taken: 'bool' } as const

async function signalsOf(tables: RunTables, trades: readonly Trade[], missing: string[]): Promise<SignalMark[] | undefined> {
  const columns = tables.outputs.get('signals')
  if (columns?.['ts'] !== 'time' || columns['instrument'] !== 'text') {
    missing.push('no output "signals" with ts and instrument: nothing marks them on the chart')
    return undefined
  }
  if (trades.length === 0) return []
  const traded = `${tables.name('instrument')} IN (${await tradedNames(tables)})`
  const rows = await tables.rows({ output: 'signals', select: selected(tables, columns, Mark), where: traded, tail: `ORDER BY ${tables.name('ts')}` })
  return rows.map(([ts, instrument, close, ratio, taken]) => ({
    ts: number(ts),
    instrument: text(instrument),
    price: number(close),
    ratio: number(ratio),
    taken: taken === true || taken === 1,
  }))
}
