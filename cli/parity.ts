import type { Command } from 'commander'
import { TickloomError } from '../core/errors.ts'
import { type CommonFlags, count, date, list, repeated, timeRange, verb } from './flags.ts'
import type { ParityOptions } from './parityDay.ts'
import type { ParityReport } from './parityReport.ts'

/** `tickloom parity`: does the replay of a recorded day give what the live run wrote? */
export function parityVerb(): Command {
  return verb('parity', 'Replay a recorded day and compare every row with what the live run wrote.', [
    'tickloom parity --run live --date 2025-01-06 --lake ./recorded --out ./runs/live',
    'tickloom parity --run live --date 2025-01-06 --lake ./recorded --clickhouse http://localhost:8123 --json',
    'tickloom parity --run live --date 2025-01-06 --lake ./recorded --out ./runs/live --topology ./my-strategy.ts --outputs signals',
  ])
    .requiredOption('--run <id>', 'name of the live run')
    .requiredOption('--date <date>', 'the day, YYYY-MM-DD', date)
    .requiredOption('--lake <dir>', 'folder of the recording')
    .option('--out <dir>', 'folder of the live run: its Parquet and run.json')
    .option('--clickhouse <dir|url>', 'or the database that it wrote into, embedded or a server')
    .option('--database <name>', 'database of the tables', 'tickloom')
    .option('--topology <name|file>', 'the topology, where its name does not find it')
    .option('--time <from..to>', 'compare a part of the day only, wall clock of the market, such as 09:15..12:00', timeRange)
    .option('--param <name=value>', "set a parameter, instead of the run's own (repeatable)", repeated, [])
    .option('--preset <name>', "a named set of parameters, instead of the run's own")
    .option('--outputs <list>', 'compare these outputs only', list)
    .option('--rows <n>', 'recorded rows to show on either side of the first difference', count, 5)
    .action(async (flags: ParityOptions & CommonFlags) => {
      const [{ parity }, { reportText }] = await Promise.all([import('./parityDay.ts'), import('./parityReport.ts')])
      const report = await parity(flags)
      process.stdout.write(`${flags.json ? JSON.stringify(report, undefined, 2) : reportText(report)}\n`)
      if (report.equal) return
      const { output, ts } = report.first as NonNullable<ParityReport['first']>
      throw new TickloomError('RECORDING_DIFFERS', `the replay of ${flags.date} differs from the run ${flags.run}, first in ${output}`, {
        output,
        ts,
      })
    })
}
