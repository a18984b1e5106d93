import { DAY, dayOf, SECOND, startOfDay, type Zone } from '../core/time.ts'
import { underlyingOf } from './reportCurve.ts'
import type { Trade } from './reportMetrics.ts'
import type { RunTables } from './reportTables.ts'

/** Prices of one instrument on one day: seconds after local midnight, in order, and the price of each. */
export interface PriceLine {
  readonly instrument: string
  /** Days since 1970, local. */
  readonly day: number
  readonly at: readonly number[]
  readonly price: readonly number[]
}

/** Points of all lines together, by which a page stays below some 4 MB. */
const POINTS = 300_000
/** Points of a line at most, and of what is drawn closely around its trades. */
const OF_A_LINE = 2400
/** Seconds drawn closely before an entry and after an exit. */
const AROUND = 180
/** Trades of a day that are drawn closely; more would make the query long. */
const CLOSELY = 120
const PREFERRED = ['watched', 'seconds', 'ticks']
const PRICES = ['close', 'price'] as const

/** The output that has prices by second, and which column: undefined where none has. */
export function priceOutput(tables: Pick<RunTables, 'outputs'>): { readonly output: string; readonly column: string } | undefined {
  const names = [...tables.outputs.keys()].filter((name) => !['trades', 'fills', 'orders', 'equity', 'signals', 'late'].includes(name))
  const rank = (name: string): number => (PREFERRED.includes(name) ? PREFERRED.indexOf(name) : PREFERRED.length)
  for (const output of names.sort((a, b) => rank(a) - rank(b))) {
    const columns = tables.outputs.get(output)
    if (columns?.['ts'] !== 'time' || columns['instrument'] !== 'text') continue
    const column = PRICES.find((name) => columns[name] === 'number')
    if (column !== undefined) return { output, column }
  }
  return undefined
}

/** Seconds of a day in which a trade is open, and a little around: drawn closely. */
interface Window {
  readonly instrument: string
  readonly from: number
  readonly to: number
}

/**
 * The prices of every traded contract and of its underlying, on each day on which it was traded: of every stretch of
 * seconds the first, lowest, highest and last, short stretches where a trade is open and longer ones elsewhere, so that
 * every extreme is there. Undefined where no output has prices.
 */
export async function readPrices(tables: RunTables, trades: readonly Trade[], zone: Zone): Promise<PriceLine[] | undefined> {
  const prices = priceOutput(tables)
  if (prices === undefined) return undefined
  const days = new Map<number, Trade[]>()
  for (const trade of trades) {
    const day = dayOf(trade.ts, zone)
    days.set(day, [...(days.get(day) ?? []), trade])
  }
  const wanted = [...days.values()].reduce((sum, all) => sum + linesOf(all).size, 0)
  const most = Math.max(40, Math.min(OF_A_LINE, Math.floor(POINTS / Math.max(1, wanted))))
  const lines: PriceLine[] = []
  for (const [day, all] of [...days].sort(([a], [b]) => a - b)) lines.push(...(await ofDay(tables, prices, day, all, zone, most)))
  return lines
}

/** The instruments of the day's trades. */
function linesOf(trades: readonly Trade[]): Set<string> {
  return new Set(trades.flatMap(({ instrument }) => [instrument, underlyingOf(instrument)]))
}

async function ofDay(
  tables: RunTables,
  { output, column }: { readonly output: string; readonly column: string },
  day: number,
  trades: readonly Trade[],
  zone: Zone,
  most: number,
): Promise<PriceLine[]> {
  const start = startOfDay(day, zone)
  const windows = trades.slice(0, CLOSELY).flatMap(({ instrument, entered, ts }) => {
    const since = Number.isNaN(entered) ? ts : Math.max(entered, start)
    const [from, to] = [(since - start) / SECOND - AROUND, (ts - start) / SECOND + AROUND]
    return [...new Set([instrument, underlyingOf(instrument)])].map((of) => ({ instrument: of, from, to }))
  })
  const names = [...linesOf(trades)]
  const [instrument, price] = [tables.name('instrument'), tables.name(column)]
  const second = `floor((${tables.micros('ts')} - ${start}) / ${SECOND})`
  const length = lengthSql(instrument, second, windows, most)
  const bucket = `floor(${second} / ${length})`
  // Of equal prices the first, and of equal times the lowest price: one run has one page, whichever thread read it.
  const extremes = [
    `min(${second})`,
    `argMin(${price}, (${tables.micros('ts')}, ${price}))`,
    `argMin(${second}, (${price}, ${second}))`,
    `min(${price})`,
    `argMax(${second}, (${price}, -${second}))`,
    `max(${price})`,
    `max(${second})`,
    `argMax(${price}, (${tables.micros('ts')}, -${price}))`,
  ]
  const rows = await tables.rows({
    output,
    select: [instrument, ...extremes],
    where: `${instrument} IN (${names.map((name) => `'${name.replaceAll("'", "''")}'`).join(', ')}) AND ${price} BETWEEN -1e300 AND 1e300`,
    tail: `GROUP BY ${instrument}, ${length}, ${bucket} ORDER BY ${instrument}, min(${second})`,
    from: start,
    to: start + DAY,
  })
  return names
    .map((name) =>
      lineOf(
        name,
        day,
        rows.filter(([of]) => of === name),
      ),
    )
    .filter(({ at }) => at.length > 0)
}

/** The length of the stretch that a second belongs to: SQL. */
function lengthSql(instrument: string, second: string, windows: readonly Window[], most: number): string {
  // Two thirds of the points are for the trades; a stretch gives four at most.
  const closely = (2 * most) / 3 / 4
  const coarse = Math.max(15, Math.ceil(24_000 / (most / 3 / 4)))
  const cases = windows.map((window) => {
    const together = windows.filter((other) => other.instrument === window.instrument).reduce((sum, { from, to }) => sum + to - from, 0)
    const length = Math.min(coarse, Math.max(1, Math.ceil(together / closely)))
    return `WHEN ${instrument} = '${window.instrument}' AND ${second} >= ${window.from} AND ${second} < ${window.to} THEN ${length}`
  })
  return `(CASE ${cases.join(' ')} ELSE ${coarse} END)`
}

/** Points in the order of time, each once; of a level stretch its ends. */
function lineOf(instrument: string, day: number, rows: readonly (readonly unknown[])[]): PriceLine {
  const points = rows.flatMap((row) => [1, 3, 5, 7].map((i) => [Number(row[i]), Number(row[i + 1])] as const))
  points.sort(([a], [b]) => a - b)
  const kept: (readonly [number, number])[] = []
  for (const point of points) {
    const [last, before] = [kept.at(-1), kept.at(-2)]
    if (last !== undefined && last[0] === point[0]) continue
    if (last !== undefined && before !== undefined && last[1] === point[1] && before[1] === point[1]) kept.pop()
    kept.push(point)
  }
  return { instrument, day, at: kept.map(([t]) => t), price: kept.map(([, p]) => p) }
}
