import type { Command } from 'commander'
import { TickloomError } from '../core/errors.ts'
import { IST } from '../core/time.ts'
import { type CommonFlags, count, date, list, repeated, type Strikes, strikes, verb, whole } from './flags.ts'
import type { LookaheadOptions, LookaheadReport } from './lookaheadRun.ts'
import { table } from './tables.ts'

interface LookaheadFlags extends CommonFlags, Omit<LookaheadOptions, 'params'> {
  readonly param: string[]
  readonly strikes?: Strikes
}

/** `tickloom lookahead`: does anything a topology says of the past depend on what came later? */
export function lookaheadVerb(): Command {
  return verb('lookahead', 'Replay days cut off at random instants, and fail if anything said of the time before a cut changes.', [
    'tickloom lookahead --topology volume-burst --lake ./lake',
    'tickloom lookahead --topology ./my-strategy.ts --lake ./lake --from 2025-01-06 --to 2025-01-10 --cuts 20 --seed 3',
  ])
    .requiredOption('--topology <name|file>', 'a folder of topologies/, or a file that exports a topology')
    .requiredOption('--lake <dir>', 'folder of the lake')
    .option('--from <date>', 'first trading day, YYYY-MM-DD', date)
    .option('--to <date>', 'last trading day, YYYY-MM-DD', date)
    .option('--symbols <list>', 'underlyings, such as NIFTY,BANKNIFTY', list)
    .option('--strikes <list|range>', 'strikes, 24000,24100 or 23000..25000', strikes)
    .option('--param <name=value>', 'set a parameter (repeatable)', repeated, [])
    .option('--preset <name>', 'a named set of parameters of the topology')
    .option('--cuts <n>', 'how often each day is cut: half at random instants, half as soon as a random row of an output is known', count, 6)
    .option('--seed <n>', 'start of the random numbers', whole, 7)
    .option('--quiet', 'print nothing but failures')
    .action(async ({ param, json, ...flags }: LookaheadFlags) => {
      const { searchLookahead } = await import('./lookaheadRun.ts')
      const report = await searchLookahead({ ...flags, params: param })
      if (json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
      else if (report.ahead !== undefined || !flags.quiet) process.stdout.write(`${reportText(report)}\n`)
      if (report.ahead === undefined) return
      const { output, step, cut } = report.ahead
      throw new TickloomError(
        'LOOK_AHEAD',
        `"${output}" says something of the time before ${cut} that it could not know then; the first such step is "${step}"`,
        {
          output,
          step,
          cut,
        },
      )
    })
}

function reportText({ topology, partitions, cuts, seconds, ahead }: LookaheadReport): string {
  if (ahead === undefined) return `${topology}: ${cuts} cuts in ${partitions} days, nothing said before a cut changed (${seconds.toFixed(1)} s)`
  const side = (name: string, rows: readonly Readonly<Record<string, string | number>>[]): string[][] =>
    rows.length === 0
      ? [[name, 'no row']]
      : rows.slice(0, 5).map((row) => [
          name,
          Object.entries(row)
            .map(([column, value]) => `${column} ${value}`)
            .join('  '),
        ])
  return [
    `${topology}: cut at ${ahead.cut} ${IST.name}, a row of "${ahead.output}" counts as known ${ahead.known} s after its ts`,
    table(['what was there', 'rows of that second'], [...side('the whole day', ahead.whole), ...side('nothing after the cut', ahead.truncated)]),
  ].join('\n')
}
