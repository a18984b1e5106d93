import { literal } from '../connectors/clickhouse/ddl.ts'
import type { Params } from '../core/parameters.ts'
import { closedCurve, drawdownOf } from './reportCurve.ts'
import { type RunLine, type RunsDatabase, runLines } from './reportDatabase.ts'
import { type Trade, totalsOfTrades } from './reportMetrics.ts'
import { flat } from './reportTables.ts'
import { shownNumber, table } from './tables.ts'

/** A run with what its trades came to: the figures of its report (reportMetrics.ts), the drawdown of closed trades. */
export interface ListedRun extends Omit<RunLine, 'identity' | 'rowsIn' | 'rowsOut'> {
  /** Undefined unless the run is done: until then nobody has counted them. */
  readonly rowsIn?: number
  readonly rowsOut?: number
  /** Parameters in which the runs listed of its topology differ from each other. */
  readonly differs: Readonly<Record<string, unknown>>
  /** Undefined where the run has no trades. */
  readonly trades?: number
  readonly pnl?: number
  readonly winRate?: number
  readonly drawdown?: number
}

/** The newest runs of a database. */
export async function listRuns(db: RunsDatabase, { topology, last }: { readonly topology?: string; readonly last: number }): Promise<ListedRun[]> {
  const lines = (await runLines(db, { topology })).slice(0, last)
  const trades = await tradesOf(db, lines)
  return lines.map((line) => {
    const { identity: _identity, rowsIn, rowsOut, ...told } = line
    const rows = line.status === 'done' ? { rowsIn, rowsOut } : {}
    return { ...told, ...rows, differs: differing(line, lines), ...cameTo(trades.get(line.run)) }
  })
}

function cameTo(trades: readonly Trade[] | undefined): Pick<ListedRun, 'trades' | 'pnl' | 'winRate' | 'drawdown'> {
  if (trades === undefined) return {}
  const { trades: n, pnl, winRate } = totalsOfTrades(trades)
  return { trades: n, pnl, winRate, drawdown: drawdownOf(closedCurve(trades)).depth }
}

/** What these figures need of a trade. */
const BARE: Trade = {
  ts: NaN,
  instrument: '',
  position: 0,
  anchor: NaN,
  direction: '',
  entered: NaN,
  entry: NaN,
  exit: NaN,
  lots: NaN,
  quantity: NaN,
  points: NaN,
  gross: NaN,
  fees: NaN,
  pnl: NaN,
  best: NaN,
  worst: NaN,
  reason: '',
  distance: NaN,
}

/** The trades of the runs, in the order in which a report has them. */
async function tradesOf(db: RunsDatabase, lines: readonly RunLine[]): Promise<Map<string, Trade[]>> {
  const found = new Map<string, Trade[]>()
  const columns = await db.rows(
    `SELECT name FROM system.columns WHERE database = ${literal(db.database)} AND table = 'trades' AND name IN ('ts', 'instrument', 'pnl', 'position')`,
  )
  const names = columns.map(([name]) => name as string)
  if (lines.length === 0 || ['ts', 'instrument', 'pnl'].some((name) => !names.includes(name))) return found
  const runs = lines.map(({ run }) => literal(run)).join(', ')
  const order = ['ts', 'instrument', ...(names.includes('position') ? ['position'] : [])].join(', ')
  const rows = await db.rows(
    `SELECT run_id, toFloat64(toUnixTimestamp64Micro(ts)), pnl FROM ${db.table('trades')} WHERE run_id IN (${runs}) ORDER BY run_id, ${order}`,
  )
  for (const [run, ts, pnl] of rows) {
    const trade = { ...BARE, ts: ts as number, pnl: pnl as number }
    const known = found.get(run as string)
    if (known === undefined) found.set(run as string, [trade])
    else known.push(trade)
  }
  return found
}

function differing(line: RunLine, lines: readonly RunLine[]): Record<string, unknown> {
  const others = lines.filter(({ topology }) => topology === line.topology)
  const own = new Map(flat(parametersOf(line)))
  const all = others.map((other) => new Map(flat(parametersOf(other))))
  return Object.fromEntries([...own].filter(([path, value]) => all.some((other) => JSON.stringify(other.get(path)) !== JSON.stringify(value))))
}

function parametersOf({ identity }: RunLine): Params {
  return (identity['parameters'] ?? {}) as Params
}

/** The runs for a person. */
export function runsTable(runs: readonly ListedRun[]): string {
  if (runs.length === 0) return 'no runs'
  const money = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(2))
  return table(
    ['run', 'started', 'topology', 'status', 'differs in', 'rows in', 'rows out', 'trades', 'pnl', 'win rate', 'max drawdown'],
    runs.map(({ run, started, topology, version, status, differs, rowsIn, rowsOut, trades, pnl, winRate, drawdown }) => [
      run,
      started.toISOString().slice(0, 19).replace('T', ' '),
      `${topology}@${version}`,
      status,
      Object.entries(differs)
        .map(([path, value]) => `${path}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
        .join('\n'),
      rowsIn === undefined ? '' : shownNumber(rowsIn),
      rowsOut === undefined ? '' : shownNumber(rowsOut),
      trades === undefined ? '' : shownNumber(trades),
      money(pnl),
      winRate === undefined ? '' : `${(100 * winRate).toFixed(1)} %`,
      money(drawdown),
    ]),
  )
}
