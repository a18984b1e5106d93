import type { Command } from 'commander'
import { type CommonFlags, verb, wrongFlag } from './flags.ts'
import type { ReportSummary, RunPlace } from './reportRun.ts'
import { shownBytes, shownNumber } from './tables.ts'

interface ReportFlags extends CommonFlags {
  readonly html: string
  readonly out?: string
  readonly clickhouse?: string
  readonly database?: string
  readonly run?: string
  readonly topology?: string
  readonly quiet?: boolean
}

/** `tickloom report`: the report of a run that has ended. */
export function reportVerb(): Command {
  return verb('report', 'Make the report of a finished run: one page, of its trades, fills and equity.', [
    'tickloom report --out ./runs/first --html first.html',
    'tickloom report --clickhouse ./runs/db --run floor-900 --html floor-900.html',
    'tickloom report --out ./runs/mine --topology ./my-strategy.ts --html mine.html',
  ])
    .requiredOption('--html <file>', 'the page to write')
    .option('--out <dir>', 'folder of the run')
    .option('--clickhouse <dir|url>', 'database of the run')
    .option('--database <name>', 'database of the tables')
    .option('--run <id>', 'name of the run in the database')
    .option('--topology <name|file>', 'the topology of the run, where it lies elsewhere by now')
    .option('--quiet', 'print nothing but failures')
    .action(async (flags: ReportFlags) => {
      const place = placeOf(flags)
      const { makeReport } = await import('./reportRun.ts')
      const summary = await makeReport(place, flags.html, flags.topology)
      if (flags.json) process.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`)
      else if (!flags.quiet) process.stdout.write(`${reportLines(summary)}\n`)
    })
}

function placeOf({ out, clickhouse, database, run }: ReportFlags): RunPlace {
  if ((out === undefined) === (clickhouse === undefined))
    throw wrongFlag('--out', 'a report is of a run in a folder, --out, or of one in a database, --clickhouse and --run')
  if (out !== undefined) {
    if (run !== undefined || database !== undefined) throw wrongFlag('--run', '--run and --database go with --clickhouse')
    return { out }
  }
  if (run === undefined) throw wrongFlag('--run', '--clickhouse needs --run; `tickloom runs` lists them')
  return { clickhouse: clickhouse as string, database, run }
}

/** What a report came to, for a person. */
export function reportLines({ html, bytes, trades, days, pnl, drawdown, failedChecks, missing }: ReportSummary): string {
  return [
    `report of ${shownNumber(trades)} trades on ${days} trading day${days === 1 ? '' : 's'}: pnl ${pnl.toFixed(2)}, max drawdown ${drawdown.toFixed(2)}; ${html}, ${shownBytes(bytes)}`,
    ...failedChecks.map((check) => `does not add up: ${check}`),
    ...missing.map((what) => `missing: ${what}`),
  ].join('\n')
}
