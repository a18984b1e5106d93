import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { type CommonFlags, count, date, durationOption, list, type Strikes, strikes, timeRange, verb, wrongFlag } from './flags.ts'
import { optionsOf, watched } from './replay.ts'
import type { ReplaySummary } from './replayOptions.ts'
import { droppedRows, shownBytes, shownNumber, table } from './tables.ts'

const kinds = ['ticks', 'seconds', 'bars'] as const
type Kind = (typeof kinds)[number]

interface ExportFlags extends CommonFlags {
  readonly lake: string
  readonly out: string
  readonly what: Kind
  readonly bar?: number
  readonly lateness: number
  readonly from?: string
  readonly to?: string
  readonly time?: { from: string; to: string }
  readonly symbols?: string[]
  readonly strikes?: Strikes
  readonly workers: number
  readonly epoch: number
  readonly resume?: boolean
  readonly quiet?: boolean
}

export interface ExportSummary extends Pick<ReplaySummary, 'rowsIn' | 'dropped' | 'seconds' | 'partitions' | 'resumed'> {
  readonly what: Kind
  /** Where the files are: `date=D/` below it. */
  readonly folder: string
  readonly rows: number
  /** Of the files that this run wrote. */
  readonly bytes: number
}

/** `tickloom export`: what the operators make of ticks, for other tools. */
export function exportVerb(): Command {
  return verb('export', 'Write cleaned ticks, seconds or bars of a lake as Parquet for other tools.', [
    'tickloom export --lake ./lake --out ./clean --what ticks',
    'tickloom export --lake ./lake --out ./seconds --what seconds --from 2025-01-06 --to 2025-01-10 --symbols NIFTY --workers 2',
    'tickloom export --lake ./lake --out ./minutes --what bars --bar 60',
  ])
    .requiredOption('--lake <dir>', 'folder of the lake')
    .requiredOption('--out <dir>', 'folder to write into; one export a folder')
    .addOption(new Option('--what <kind>', 'cleaned ticks with vol_delta, every second, or bars').choices(kinds).makeOptionMandatory())
    .option('--bar <seconds>', 'length of a bar, by default 60', count)
    .option('--lateness <seconds>', 'how far behind the newest tick a tick may come and still count', Number, 0)
    .option('--from <date>', 'first trading day, YYYY-MM-DD', date)
    .option('--to <date>', 'last trading day, YYYY-MM-DD', date)
    .option('--time <from..to>', 'part of the day, wall clock of the market, such as 09:15..10:00', timeRange)
    .option('--symbols <list>', 'underlyings, such as NIFTY,BANKNIFTY', list)
    .option('--strikes <list|range>', 'strikes, 24000,24100 or 23000..25000', strikes)
    .option('--workers <n>', 'processes to spread the days over', count, 1)
    .addOption(durationOption('--epoch <length>', 'event time of one file, and of what is held in memory', '1h'))
    .option('--resume', 'go on from the last file of an interrupted export')
    .option('--quiet', 'print nothing but failures')
    .action(async (flags: ExportFlags) => {
      const summary = await exported(flags)
      if (flags.json) process.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`)
      else if (!flags.quiet) process.stdout.write(`${exportTables(summary)}\n`)
    })
}

async function exported(flags: ExportFlags): Promise<ExportSummary> {
  const { what, bar, lateness } = flags
  if (bar !== undefined && what !== 'bars') throw wrongFlag('--bar', `--bar is the length of bars, not of ${what}`)
  if (!(lateness >= 0)) throw wrongFlag('--lateness', '--lateness is a number of seconds, 0 or more')
  const param = [`lateness=${lateness}`, ...(what === 'bars' ? [`length=${bar ?? 60}`] : [])]
  const options = { ...optionsOf({ ...flags, topology: what, param, outputs: [what], cache: 'off', cacheSize: 0 }), contractColumns: true }
  const summary = await watched(options, flags)
  const { rowsIn, dropped, seconds, partitions, resumed, outputs, sinks } = summary
  const bytes = sinks.reduce((sum, sink) => sum + sink.bytes, 0)
  return { what, folder: join(flags.out, what), rows: outputs[what] ?? 0, bytes, rowsIn, dropped, seconds, partitions, resumed }
}

function exportTables({ what, folder, rows, bytes, rowsIn, dropped, seconds, partitions }: ExportSummary): string {
  const gone = droppedRows(dropped)
  const days = partitions.length
  return [
    `${shownNumber(rowsIn)} ticks of ${days} day${days === 1 ? '' : 's'} gave ${shownNumber(rows)} ${what === 'ticks' ? 'cleaned ticks' : what} in ${folder}: ${shownBytes(bytes)}, ${seconds.toFixed(1)} s`,
    ...(gone.length > 0 ? [table(['dropped or remarked by', 'reason', 'rows'], gone)] : []),
    `DuckDB: SELECT * FROM '${folder}/**/*.parquet'    Polars: pl.scan_parquet('${folder}')`,
  ].join('\n')
}
