import { formatTime, IST, MINUTE } from '../core/time.ts'
import type { Blame } from './parityBlame.ts'
import type { Compared, Difference, ParityRow } from './parityCompare.ts'
import { shownNumber, table } from './tables.ts'

/** What parity found. Times are microseconds. */
export interface ParityReport {
  readonly run: string
  readonly date: string
  readonly topology: string
  readonly equal: boolean
  /** Rows of the day on each side, and how many of them the other side has not. */
  readonly outputs: readonly Omit<Compared, 'first'>[]
  /** The last time recorded on the day. */
  readonly recordedUntil: number
  /** The first row that differs. */
  readonly first?: Difference
  /** The first step whose output differs about that time. */
  readonly blame?: Blame
  /** The first row that differs of that step's output. */
  readonly upstream?: Difference
  /** Recorded rows around it. */
  readonly input?: readonly ParityRow[]
}

/** The report for a person. */
export function reportText(report: ParityReport): string {
  const { run, date, topology, equal, outputs, first, blame, upstream, input = [], recordedUntil } = report
  const counts = table(
    ['output', 'live', 'replay', 'only live', 'only replay'],
    outputs.map((o) => [o.output, o.live, o.replay, o.onlyLive, o.onlyReplay]),
  )
  const rows = outputs.reduce((sum, { live }) => sum + live, 0)
  if (equal || first === undefined || blame === undefined || upstream === undefined)
    return [`equal: run ${run} of ${topology} on ${date}, ${shownNumber(rows)} rows`, counts].join('\n')
  const before = blame.orBefore.length > 0 ? `, or a step before it that writes no output: ${blame.orBefore.join(', ')}` : ''
  const parts = [
    `differs: run ${run} of ${topology} on ${date}`,
    counts,
    `the first row that differs is of ${difference(first)}`,
    `the first step whose output differs is ${blame.step} (${blame.output})${before}`,
  ]
  if (upstream !== first) parts.push(`there the first is of ${difference(upstream)}`)
  if (input.length > 0)
    parts.push(
      `recorded about that time, in the order it came${upstream.instrument === undefined ? '' : `, of ${upstream.instrument}`}:`,
      listed(input),
    )
  else parts.push('the recording has no row of that instrument')
  if (first.live === undefined && first.ts >= recordedUntil - MINUTE)
    parts.push(
      `the recording ends at ${timeText(recordedUntil)}, where a replay closes every window and live had some open: compare what is before with --time`,
    )
  return parts.join('\n')
}

function difference({ output, ts, live, replay, columns }: Difference): string {
  const what =
    live === undefined
      ? 'missing live'
      : replay === undefined
        ? 'missing in replay'
        : columns.length > 0
          ? `other in ${columns.join(', ')}`
          : 'not as often'
  const sides = [...(live === undefined ? [] : [['live', live] as const]), ...(replay === undefined ? [] : [['replay', replay] as const])]
  return `${output} at ${timeText(ts)}: ${what}\n${listed(
    sides.map(([, row]) => row),
    sides.map(([side]) => side),
  )}`
}

function listed(rows: readonly ParityRow[], heads?: readonly string[]): string {
  const columns = Object.keys(rows[0])
  return table(
    [...(heads === undefined ? [] : ['']), ...columns],
    rows.map((row, i) => [...(heads === undefined ? [] : [heads[i]]), ...columns.map((name) => cell(name, row[name]))]),
  )
}

/** Every digit: two numbers that differ in their last bit must not look alike. */
function cell(name: string, value: number | string): string {
  if (typeof value === 'string') return value
  if (Number.isNaN(value)) return ''
  if (name === 'ts') return timeText(value)
  return String(value)
}

function timeText(ts: number): string {
  return formatTime(ts, IST)
}
