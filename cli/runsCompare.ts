import { formatTime, type Zone } from '../core/time.ts'
import { type Report, reportOf } from './reportData.ts'
import { type RunsDatabase, runInDatabase, runLines } from './reportDatabase.ts'
import { type Metric, metricsOf } from './reportFigures.ts'
import type { Trade } from './reportMetrics.ts'
import { type RunRows, readRunRows } from './reportRows.ts'
import { flat, type RunTables } from './reportTables.ts'
import { table } from './tables.ts'

/** Two runs beside each other: [of A, of B], null where there is none. */
export interface Comparison {
  readonly runs: readonly [string, string]
  /** Of one that is not `done`, what it wrote until then is compared. */
  readonly status: readonly [string, string]
  /** What decides the answer and is not the same. */
  readonly differs: Readonly<Record<string, readonly [unknown, unknown]>>
  /** The figures of their reports, by table and name. */
  readonly metrics: Readonly<Record<string, readonly [Metric['value'], Metric['value']]>>
  /** PnL by day, of every day that either was run on. */
  readonly days: Readonly<Record<string, readonly [number | null, number | null]>>
  /** Trades of the same contract, direction and entry: in one run only, and in both with another pnl. */
  readonly onlyA: readonly ComparedTrade[]
  readonly onlyB: readonly ComparedTrade[]
  readonly changed: readonly (ComparedTrade & { readonly pnlB: number; readonly reasonB: string })[]
  /** Trades that are in both with the same pnl. */
  readonly same: number
}

export interface ComparedTrade {
  readonly instrument: string
  readonly direction: string
  /** Wall clock of the market. */
  readonly entered: string
  readonly exited: string
  readonly reason: string
  readonly pnl: number
}

interface Side {
  readonly status: string
  readonly tables: RunTables
  readonly rows: RunRows
  readonly report: Report
}

/** Throws OPTION_INVALID where there is no such run. */
export async function compareRuns(db: RunsDatabase, a: string, b: string): Promise<Comparison> {
  const [A, B] = [await sideOf(db, a), await sideOf(db, b)]
  const { onlyA, onlyB, changed, same } = matched(A.rows.trades, B.rows.trades, A.report.zone)
  return {
    runs: [a, b],
    status: [A.status, B.status],
    differs: differences(A.tables, B.tables),
    metrics: figures(A, B),
    days: days(A.report, B.report),
    onlyA,
    onlyB,
    changed,
    same,
  }
}

async function sideOf(db: RunsDatabase, run: string): Promise<Side> {
  const tables = await runInDatabase(db, run)
  const rows = await readRunRows(tables)
  const [{ status }] = await runLines(db, { run })
  return { status, tables, rows, report: reportOf(rows, tables.partitions) }
}

function differences(a: RunTables, b: RunTables): Record<string, [unknown, unknown]> {
  const told = ({ identity: { run: _run, started: _started, place: _place, file: _file, parameters, rest, ...others } }: RunTables) =>
    new Map<string, unknown>([...Object.entries(others), ...flat(rest), ...flat(parameters)])
  const [A, B] = [told(a), told(b)]
  const differ = [...new Set([...A.keys(), ...B.keys()])].filter((name) => JSON.stringify(A.get(name)) !== JSON.stringify(B.get(name)))
  return Object.fromEntries(differ.map((name) => [name, [A.get(name) ?? null, B.get(name) ?? null]]))
}

function figures(A: Side, B: Side): Record<string, [Metric['value'], Metric['value']]> {
  const of = ({ report, rows }: Side) =>
    new Map(metricsOf(report, rows).flatMap(({ title, metrics }) => metrics.map((one) => [`${title}: ${one.name}`, one.value] as const)))
  const [a, b] = [of(A), of(B)]
  return Object.fromEntries([...new Set([...a.keys(), ...b.keys()])].map((name) => [name, [a.get(name) ?? null, b.get(name) ?? null]]))
}

function days(a: Report, b: Report): Record<string, [number | null, number | null]> {
  const [A, B] = [a, b].map(({ groups }) => new Map(groups.day.map(({ key, pnl }) => [key, pnl])))
  return Object.fromEntries([...new Set([...A.keys(), ...B.keys()])].sort().map((day) => [day, [A.get(day) ?? null, B.get(day) ?? null]]))
}

function matched(a: readonly Trade[], b: readonly Trade[], zone: Zone): Pick<Comparison, 'onlyA' | 'onlyB' | 'changed' | 'same'> {
  const keyOf = ({ instrument, direction, entered, ts }: Trade): string => [instrument, direction, Number.isNaN(entered) ? ts : entered].join(' ')
  const left = new Map<string, Trade[]>()
  for (const trade of b) left.set(keyOf(trade), [...(left.get(keyOf(trade)) ?? []), trade])
  const shown = ({ instrument, direction, entered, ts, reason, pnl }: Trade): ComparedTrade => ({
    instrument,
    direction,
    entered: Number.isNaN(entered) ? '' : formatTime(entered, zone),
    exited: formatTime(ts, zone),
    reason,
    pnl,
  })
  const [onlyA, changed]: [ComparedTrade[], Comparison['changed'][number][]] = [[], []]
  let same = 0
  for (const trade of a) {
    const other = left.get(keyOf(trade))?.shift()
    if (other === undefined) onlyA.push(shown(trade))
    else if (other.pnl === trade.pnl && other.ts === trade.ts) same++
    else changed.push({ ...shown(trade), pnlB: other.pnl, reasonB: other.reason })
  }
  return { onlyA, onlyB: [...left.values()].flat().map(shown), changed, same }
}

const MOST = 20

/** The comparison for a person. */
export function comparisonTables({ runs: [a, b], status, differs, metrics, days, onlyA, onlyB, changed, same }: Comparison): string {
  const text = (value: unknown): string =>
    value === null ? '-' : typeof value === 'number' ? String(Number(value.toFixed(4))) : typeof value === 'string' ? value : JSON.stringify(value)
  const both = (of: Readonly<Record<string, readonly [unknown, unknown]>>, head: string): string =>
    table(
      [head, a, b],
      Object.entries(of).map(([name, [one, other]]) => [name, text(one), text(other)]),
    )
  const trades = (title: string, all: readonly ComparedTrade[], more: (trade: ComparedTrade) => string[] = () => []): string[] =>
    all.length === 0
      ? []
      : [
          `${title}: ${all.length}${all.length > MOST ? `, the first ${MOST} of them` : ''}`,
          table(
            ['contract', 'side', 'entered', 'exited', 'by', 'pnl', ...(more(all[0]).length > 0 ? [`by in ${b}`, `pnl in ${b}`] : [])],
            all.slice(0, MOST).map((one) => [one.instrument, one.direction, one.entered, one.exited, one.reason, one.pnl.toFixed(2), ...more(one)]),
          ),
        ]
  const unfinished = [a, b].flatMap((run, i) => (status[i] === 'done' ? [] : [`run ${run} is ${status[i]}: what it wrote until then is compared`]))
  return [
    ...unfinished,
    Object.keys(differs).length === 0 ? 'nothing that decides the answer differs' : both(differs, 'differs in'),
    both(metrics, 'figure'),
    both(days, 'pnl of'),
    `${same} trades are the same in both`,
    ...trades(`entered in both, ended otherwise`, changed, (one) => {
      const { reasonB, pnlB } = one as Comparison['changed'][number]
      return [reasonB, pnlB.toFixed(2)]
    }),
    ...trades(`only in ${a}`, onlyA),
    ...trades(`only in ${b}`, onlyB),
  ].join('\n')
}
