import type { ParameterLine } from '../core/parameters.ts'
import { SECOND } from '../core/time.ts'
import { ClosedTrade } from '../core/trading.ts'
import { escaped, htmlPage } from './page.ts'
import { thinned, underlyingOf, underwater } from './reportCurve.ts'
import { feeParts, type Report } from './reportData.ts'
import { metricsOf, tilesOf } from './reportFigures.ts'
import { REPORT_SCRIPT } from './reportPageScript.ts'
import { REPORT_STYLE } from './reportPageStyle.ts'
import { TRADES_SCRIPT } from './reportPageTrades.ts'
import type { PriceLine } from './reportPrices.ts'
import type { RunRows } from './reportRows.ts'
import { flat, type RunIdentity } from './reportTables.ts'

/** Everything that a page shows. */
export interface ReportContent {
  readonly identity: RunIdentity
  readonly rows: RunRows
  readonly report: Report
  readonly prices: readonly PriceLine[] | undefined
  /** Of the lake when the page was made; undefined where it is not there. */
  readonly fingerprint: string | undefined
  /** The topology's, with units and defaults; undefined where it could not be loaded. */
  readonly parameters: readonly ParameterLine[] | undefined
  readonly made: Date
}

/** Points of the curve that a page draws. */
const CURVE_POINTS = 4000
/** Signals of a contract and day that a page marks: those that were taken, then the first. */
const SIGNALS = 200

/** The report as one HTML file. */
export function reportPage(content: ReportContent): string {
  const { identity, rows, report } = content
  const span =
    report.days.length === 0 ? 'no days' : report.days.length === 1 ? report.days[0] : `${report.days[0]} to ${report.days[report.days.length - 1]}`
  const days = `${report.days.length} trading day${report.days.length === 1 ? '' : 's'}`
  const body = `<header>
<h1>${escaped(identity.topology)}</h1>
<div class="soft">Backtest report of run ${escaped(identity.run)}: ${escaped(span)}, ${days}, ${rows.trades.length.toLocaleString('en')} trades. Times are ${escaped(report.zone.name)}.</div>
</header>
${BODY}`
  return htmlPage({
    title: `${identity.run}: report`,
    body,
    style: REPORT_STYLE,
    data: pageData(content),
    script: REPORT_SCRIPT + TRADES_SCRIPT,
  })
}

const BODY = `<section id="tiles" aria-label="Summary"></section>
<div id="warnings"></div>
<h2>Equity and drawdown</h2>
<section class="card"><div id="equity" role="img" aria-label="Equity and drawdown"></div></section>
<h2>Trades on the price</h2>
<section class="card">
<div class="controls"><label>day<select id="day"></select></label><label>contract<select id="contract"></select></label><label class="wide">trade<select id="trade"></select></label>
<div class="buttons"><button id="previous" type="button" aria-label="Previous trade">&#8592;</button><button id="next" type="button" aria-label="Next trade">&#8594;</button><button id="whole" type="button">whole day</button></div></div>
<div id="price" role="img" aria-label="Price of the contract with its trades"></div>
<div id="picked" class="soft"></div>
</section>
<h2>Where it comes from</h2>
<div id="groups"></div>
<h2>Figures</h2>
<div id="figures"></div>
<h2>Trades</h2>
<section class="card">
<div class="controls"><label class="wide">filter<input id="filter" type="search" placeholder="contract, date, exit reason ..." autocomplete="off"></label><label>exit<select id="reason"></select></label>
<label>result<select id="result"><option value="">all</option><option value="won">won</option><option value="lost">lost</option></select></label>
<div class="buttons"><button id="csv" type="button">CSV</button></div></div>
<div id="count" class="soft"></div>
<div class="scroll" id="table"></div>
</section>
<h2>The run</h2>
<div id="run"></div>`

function pageData({ identity, rows, report, prices, fingerprint, parameters, made }: ReportContent) {
  const { curve, groups, zone } = report
  const drawn = thinned({ ts: [curve.ts[0] ?? NaN, ...curve.ts], value: [0, ...curve.value] }, CURVE_POINTS)
  const columns = Object.keys(ClosedTrade)
  return {
    zone: { name: zone.name, offset: zone.offset },
    currency: report.currency,
    tiles: tilesOf(report),
    figures: metricsOf(report, rows),
    curve: { ts: drawn.ts, value: drawn.value, under: underwater(drawn), marked: report.marked },
    drawdown: report.drawdown,
    groups,
    columns,
    times: Object.entries(ClosedTrade).flatMap(([name, kind]) => (kind === 'time' ? [name] : [])),
    trades: rows.trades.map((trade) => columns.map((name) => trade[name as keyof typeof trade])),
    distances: rows.trades.map(({ distance }) => distance),
    lines: (prices ?? []).map(({ instrument, day, at, price }) => ({ instrument, day, at: deltas(at), price })),
    hasPrices: prices !== undefined,
    signals: marksOf(rows),
    levels: levelsOf(identity, parameters),
    fees: rows.fills === undefined ? [] : feeParts(rows.fills),
    orders: rows.orders ?? [],
    checks: report.checks,
    missing: missingOf(report, rows, prices, parameters),
    identity: identityLines(identity, fingerprint, made),
    parameters: parameterLines(identity, parameters),
  }
}

/** Whole numbers by what each adds to the one before, which is half the text. */
function deltas(at: readonly number[]): number[] {
  return at.map((t, i) => (i === 0 ? t : t - at[i - 1]))
}

function marksOf({ signals = [], trades }: RunRows) {
  const DAY = 86_400 * SECOND
  const byLine = new Map<string, RunRows['signals'] & object>()
  const days = new Set(trades.map(({ ts, instrument }) => `${instrument} ${Math.floor(ts / DAY)}`))
  for (const signal of signals) {
    const key = `${signal.instrument} ${Math.floor(signal.ts / DAY)}`
    if (days.has(key)) byLine.set(key, [...(byLine.get(key) ?? []), signal])
  }
  return [...byLine.values()].flatMap((all) => {
    const first = [...all].sort((a, b) => Number(b.taken) - Number(a.taken) || a.ts - b.ts).slice(0, SIGNALS)
    return first.map(({ ts, instrument, price, ratio, taken }) => [
      ts,
      instrument,
      price,
      Number.isNaN(ratio) ? null : Number(ratio.toPrecision(4)),
      taken ? 1 : 0,
    ])
  })
}

/**
 * Where stops and targets lie, as parts of the entry's price, if the run has one for all of its trades and the topology
 * says that this is what its parameter means.
 */
function levelsOf({ parameters }: RunIdentity, lines: readonly ParameterLine[] | undefined): { stop: number | null; target: number | null } {
  const of = (path: string): number | null => {
    const value = parameters[path]
    const known = lines?.some((line) => line.path === path && line.unit === 'of the entry')
    return known && typeof value === 'number' && value > 0 ? value : null
  }
  return { stop: of('stop'), target: of('target') }
}

function missingOf(
  report: Report,
  rows: RunRows,
  prices: readonly PriceLine[] | undefined,
  parameters: readonly ParameterLine[] | undefined,
): string[] {
  const unpriced = new Set(rows.trades.map(({ instrument }) => underlyingOf(instrument)))
  for (const { instrument } of prices ?? []) unpriced.delete(instrument)
  return [
    ...report.missing,
    ...(prices === undefined
      ? ['no output has prices by second (ts, instrument, close), such as "watched" of atm-volume-burst: the chart shows entries and exits alone']
      : []),
    ...(prices !== undefined && unpriced.size > 0 ? [`no prices of ${[...unpriced].join(', ')}: the chart has no spot beside the contract`] : []),
    ...(parameters === undefined
      ? ['the topology could not be loaded: units and defaults of the parameters, and where stops and targets lay, are unknown']
      : []),
    ...(report.totals.trades > 0 && Number.isNaN(report.exposure.part) ? ['hours of the sessions are unknown: so is the exposure'] : []),
  ]
}

function identityLines(identity: RunIdentity, fingerprint: string | undefined, made: Date): [string, string][] {
  const { run, topology, lake, from, to, symbols, rest, code, started, place } = identity
  const others = Object.entries(rest).filter(([, value]) => value !== null && value !== undefined)
  return [
    ['run', run],
    ['topology', topology],
    ['code', code === undefined ? 'not recorded' : `tickloom ${code}`],
    ['lake', lake],
    ['lake fingerprint', fingerprint === undefined ? 'the lake is not there any more' : `${fingerprint} when this page was made`],
    ['days asked for', from === undefined && to === undefined ? 'all' : `${from ?? 'the first'} to ${to ?? 'the last'}`],
    ['symbols', symbols === undefined ? 'all' : symbols.join(', ')],
    ...others.map(([name, value]): [string, string] => [
      name,
      name === 'epoch' ? `${Number(value) / SECOND} s` : typeof value === 'string' ? value : JSON.stringify(value),
    ]),
    ['rows read from', place],
    ...(started === undefined ? [] : [['started', `${started.toISOString().slice(0, 19)}Z`] as [string, string]]),
    ['page made', `${made.toISOString().slice(0, 19)}Z`],
  ]
}

function parameterLines(
  { parameters }: RunIdentity,
  lines: readonly ParameterLine[] | undefined,
): { name: string; value: string; unit: string; usual: string; description: string }[] {
  const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
  return flat(parameters).map(([path, value]) => {
    const line = lines?.find((one) => one.path === path)
    return {
      name: path,
      value: text(value),
      unit: line?.unit ?? '',
      usual: line?.byDefault === undefined ? '' : text(line.byDefault),
      description: line?.description ?? '',
    }
  })
}
