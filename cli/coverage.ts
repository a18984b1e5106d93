import { type Command, Option } from 'commander'
import type { CoverageReport, DayCoverage } from '../connectors/parquet/coverage/coverage.ts'
import { formatTime } from '../core/time.ts'
import { showProgress } from '../runtime/progress.ts'
import { onShutdown } from '../runtime/shutdown.ts'
import { EndWith } from './exit.ts'
import { exitCodes } from './fail.ts'
import { type CommonFlags, count, date, list, type Strikes, strikes, verb, whole, wrongFlag } from './flags.ts'
import { calendarOf, type MarketName, marketNames } from './lakeMarket.ts'
import { shownNumber, table } from './tables.ts'

interface CoverageFlags extends CommonFlags {
  readonly lake: string
  readonly from?: string
  readonly to?: string
  readonly symbols?: string[]
  readonly strikes?: Strikes
  readonly gap: number
  readonly near: number
  readonly longest: number
  readonly market?: MarketName
  readonly strict?: boolean
  readonly quiet?: boolean
}

/** `tickloom coverage`: what a lake should have, and does not. */
export function coverageVerb(): Command {
  return verb('coverage', 'Show by day and underlying which contracts have no rows, and which have gaps.', [
    'tickloom coverage --lake ./lake',
    'tickloom coverage --lake ./lake --from 2025-01-06 --to 2025-01-10 --symbols NIFTY --gap 300',
    'tickloom coverage --lake ./lake --strikes 23500..24500 --gap 120 --strict --json',
  ])
    .requiredOption('--lake <dir>', 'folder of the lake')
    .option('--from <date>', 'first trading day, YYYY-MM-DD', date)
    .option('--to <date>', 'last trading day, YYYY-MM-DD', date)
    .option('--symbols <list>', 'underlyings, such as NIFTY,BANKNIFTY', list)
    .option('--strikes <list|range>', 'strikes, 24000,24100 or 23000..25000', strikes)
    .option('--gap <seconds>', 'seconds of a session without a row that are no gap yet', count, 60)
    .option('--near <n>', 'strikes on each side of where the underlying was that count as near the money', whole, 10)
    .option('--longest <n>', 'how many of the longest gaps of each day and underlying to list', whole, 5)
    .addOption(new Option('--market <name>', 'whose hours and expiries; by default the names of the symbols tell').choices(marketNames))
    .option('--strict', 'end with 1 when anything is missing')
    .option('--quiet', 'print no progress')
    .action(async (flags: CoverageFlags) => {
      if (flags.from !== undefined && flags.to !== undefined && flags.from > flags.to)
        throw wrongFlag('--to', `--to ${flags.to} lies before --from ${flags.from}`)
      const report = await covered(flags)
      process.stdout.write(`${flags.json ? JSON.stringify(report, undefined, 2) : coverageTables(report, flags)}\n`)
      if (flags.strict && !report.whole) throw new EndWith(exitCodes.failed)
    })
}

async function covered({ lake, from, to, symbols, strikes, gap, near, longest, market, quiet, json }: CoverageFlags): Promise<CoverageReport> {
  const [{ coverage }, { listingOf }] = await Promise.all([import('../connectors/parquet/coverage/coverage.ts'), import('./coverageListing.ts')])
  const shutdown = onShutdown()
  const progress = showProgress({ quiet: quiet === true || json === true })
  try {
    return await coverage(lake, {
      from,
      to,
      symbols,
      strikes,
      gap,
      near,
      listed: longest,
      listing: listingOf(market),
      calendarOf: (contract) => calendarOf(contract, market),
      signal: shutdown.signal,
      onProgress: progress.at,
    })
  } finally {
    progress.stop()
    shutdown.release()
  }
}

function coverageTables({ lake, days, daysWithoutRows, rows, gap, seconds }: CoverageReport, flags: CoverageFlags): string {
  const clock = (day: DayCoverage, ts: number): string => formatTime(ts, calendarOf({ underlying: day.symbol }, flags.market).zone).slice(11, 19)
  const parts = [
    table(
      ['day', 'underlying', 'rows', 'expiries', 'strikes of the grid', 'near the money', 'without rows', 'with gaps', 'gaps', 'longest'],
      days.map((day) => [...countsOf(day), ...gapsShown(day)]),
    ),
  ]
  const missing = days.flatMap((day) => missingOf(day, clock))
  for (const { symbol, date: day } of daysWithoutRows) missing.push([day, symbol, 'the day', 'a trading day without a row'])
  missing.sort((a, b) => (`${a[0]} ${a[1]}` < `${b[0]} ${b[1]}` ? -1 : 1))
  if (missing.length > 0) parts.push(table(['day', 'underlying', 'missing', 'which'], missing))
  const gaps = days.flatMap((day) =>
    day.longest.map(({ instrument, from, to }) => [day.date, instrument, clock(day, from), clock(day, to), (to - from) / 1e6]),
  )
  if (gaps.length > 0) parts.push(table(['day', 'longest gaps', 'from', 'to', 'seconds'], gaps))
  parts.push(`${shownNumber(rows)} rows of ${lake} read in ${seconds.toFixed(1)} s; a gap is more than ${gap} s of a session without a row`)
  return parts.join('\n')
}

function countsOf({ date: day, symbol, rows, trades, expiries }: DayCoverage): (string | number)[] {
  const sum = (of: (one: DayCoverage['expiries'][number]) => number): number => expiries.reduce((n, one) => n + of(one), 0)
  const wanted = expiries.filter(({ expected }) => expected).length
  const near = expiries.some((one) => one.near !== undefined)
  return [
    day,
    symbol,
    rows,
    trades ? `${expiries.filter(({ seen }) => seen > 0).length} of ${wanted}` : 'closed',
    `${shownNumber(sum(({ strikes: s }) => s?.seen ?? 0))} of ${shownNumber(sum(({ strikes: s }) => s?.grid ?? 0))}`,
    near ? `${sum((one) => one.near?.seen ?? 0)} of ${sum((one) => one.near?.grid ?? 0)}` : '',
    sum(({ withoutRows }) => withoutRows.length),
  ]
}

function gapsShown({ contractsWithGaps, gaps, longest }: DayCoverage): (string | number)[] {
  return [contractsWithGaps, gaps, longest.length === 0 ? '' : `${(longest[0].to - longest[0].from) / 1e6} s`]
}

/** What a day has nothing of, a line each. */
function missingOf(day: DayCoverage, clock: (day: DayCoverage, ts: number) => string): string[][] {
  const lines: string[][] = []
  const line = (what: string, which: string): void => void lines.push([day.date, day.symbol, what, which])
  if (!day.trades) return []
  if (day.underlying === false) line('the underlying', `${day.symbol} has rows on other days`)
  for (const { from, to } of day.silences) line('every contract', `${clock(day, from)} to ${clock(day, to)}, ${(to - from) / 1e6} s`)
  for (const { expiry, kind, seen, withoutRows } of day.expiries) {
    if (seen === 0) line('an expiry', `${expiry}, ${kind}`)
    else if (kind === 'not in the calendar') line('(an odd expiry)', `${expiry} has rows and is not in the calendar`)
    if (withoutRows.length > 0) line('contracts', `${expiry}: ${shortNames(withoutRows)}`)
  }
  return lines
}

const NAMES = 8

/** 24000 CE, 24050 CE PE, ...: the first few, and how many more. */
export function shortNames(contracts: readonly string[]): string {
  const shown = contracts.slice(0, NAMES).map((name) => name.split(':').slice(2).join(' '))
  return `${shown.join(', ')}${contracts.length > NAMES ? ` and ${contracts.length - NAMES} more` : ''}`
}
