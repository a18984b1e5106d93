import { PaceMeter, shortCount, shortDuration } from '../runtime/progress.ts'
import type { SweepOutlook, SweepSummary, SweptSet } from './sweepOptions.ts'
import { shownNumber, table } from './tables.ts'

/** Metrics that are shown beside the one that ranks, where a topology has them. */
const SHOWN = ['signals', 'trades', 'gross', 'fees', 'pnl', 'winRate', 'profitFactor', 'expectancy', 'drawdown', 'sharpe']

/** What is about to be run. */
export function outlookLine({ name, topology, sets, days, jobs, done }: SweepOutlook): string {
  const all = sets * days
  const resumed = done === 0 ? '' : done === all ? '; all of it was done before' : `; ${shownNumber(done)} of ${shownNumber(all)} were done before`
  return `${name}: ${topology}, ${counted(sets, 'set')} of parameters x ${counted(days, 'trading day')} in ${counted(jobs, 'job')}${resumed}`
}

/** What a sweep came to, for a person: its best sets, and where it walked forward what came of that. */
export function sweepTables(summary: SweepSummary, top: number): string {
  const { sets, metrics, parameters, walk, computed, resumed, seconds, rowsIn, out, clickhouse } = summary
  const [by] = metrics
  const names = [...new Set([by, ...SHOWN.filter((name) => name in sets[0].totals)])]
  const row = ({ set, values, totals }: SweptSet, i: number) => [i + 1, set, ...values.map(cell), ...names.map((name) => cell(totals[name]))]
  const each = computed === 0 ? '' : `, ${((seconds / computed) * 1000).toPrecision(3)} ms a set and day`
  const parts = [
    `${counted(sets.length, 'set')} of parameters on ${counted(summary.dates.length, 'trading day')}, ${summary.dates[0]} to ${summary.dates[summary.dates.length - 1]}, by ${by}`,
    table(['', 'set', ...parameters, ...names], sets.slice(0, top).map(row)),
    ...(sets.length > top ? [`${counted(sets.length - top, 'more set')} in ${out}`] : []),
    ...(walk === undefined ? [] : [walkTable(summary)]),
    `${shownNumber(computed)} computed, ${shownNumber(resumed)} from before; ${shortCount(rowsIn)} rows read in ${seconds.toFixed(2)} s${each}`,
    `Results in ${out}${clickhouse === undefined ? '' : `; ClickHouse in ${clickhouse}, table sweeps`}`,
  ]
  return parts.join('\n')
}

function walkTable({ walk, sets, metrics: [by], parameters }: SweepSummary): string {
  if (walk === undefined) return ''
  const valuesOf = new Map(sets.map(({ set, values }) => [set, values]))
  const rows = walk.windows.map(({ train, test, set }) => [
    `${train.from} - ${train.to}`,
    `${test.from} - ${test.to}`,
    test.days,
    set,
    ...(valuesOf.get(set) ?? []).map(cell),
    cell(train.metrics[by]),
    cell(test.metrics[by]),
  ])
  const { days, ...all } = walk.metrics
  return [
    'Walking forward: the best set of the training days, on the days after them',
    table(['trained on', 'tested on', 'days', 'set', ...parameters, `${by} trained`, `${by} tested`], rows),
    `Out of sample, ${counted(days, 'day')}: ${Object.entries(all)
      .filter(([name]) => name === by || SHOWN.includes(name))
      .map(([name, value]) => `${name} ${shown(value)}`)
      .join(', ')}`,
  ].join('\n')
}

/** A dash for what is no number. */
function cell(value: unknown): string | number {
  if (typeof value !== 'number') return String(value)
  return Number.isNaN(value) ? '-' : value === Infinity ? 'inf' : value
}

/** As a cell of a table shows it. */
function shown(value: unknown): string {
  const text = cell(value)
  return typeof text === 'number' ? shownNumber(text) : text
}

function counted(n: number, what: string): string {
  return `${shownNumber(n)} ${what}${n === 1 ? '' : 's'}`
}

/** Seconds between two lines. */
const EVERY = 1

/** Says on a terminal, in place, how far a sweep is and how long it will take; line by line elsewhere. */
export function sweepProgress(quiet: boolean, out: NodeJS.WriteStream = process.stderr): { at(done: number, all: number): void; stop(): void } {
  if (quiet) return { at: () => undefined, stop: () => undefined }
  const meter = new PaceMeter()
  let [shown, open] = [-Infinity, false]
  return {
    at(done, all) {
      const now = performance.now() / 1000
      if (now - shown < (out.isTTY ? EVERY / 5 : EVERY * 3)) return
      shown = now
      const { fraction = 0, rowsPerSecond, secondsLeft } = meter.observe(done, all, now)
      const rate = rowsPerSecond === undefined ? '' : `  ${shortCount(rowsPerSecond)} a second`
      const left = secondsLeft === undefined ? '' : `  ${shortDuration(secondsLeft)} left`
      const line = `${Math.floor(fraction * 100)} %  ${shownNumber(Math.floor(done))} of ${shownNumber(all)} (set, day)${rate}${left}`
      out.write(out.isTTY ? `\r\u001b[K${line}` : `${line}\n`)
      open = out.isTTY === true
    },
    stop() {
      if (open) out.write('\r\u001b[K')
    },
  }
}
