import { type Command, Option } from 'commander'
import { generateDay } from '../connectors/synthetic/market.ts'
import { parseSyntheticOptions, syntheticDays } from '../connectors/synthetic/source.ts'
import { Instruments } from '../core/instruments.ts'
import { formatDate } from '../core/time.ts'
import { type CommonFlags, count, date, positive, verb, whole } from './flags.ts'
import { nseExpiryOf } from './synthExpiry.ts'
import { shownNumber } from './tables.ts'

/** What `tickloom synth` makes. */
export interface SynthOptions {
  readonly out: string
  readonly days: number
  readonly from: string
  /** Strikes around the money, each with a call and a put. */
  readonly strikes: number
  /** Snapshots of an instrument a second, on average. */
  readonly rate: number
  readonly seed: number
  readonly symbol: string
  /** `time`: sorted, as a packed lake is; `arrival`: as a feed delivers, late rows included. */
  readonly order: 'time' | 'arrival'
}

export interface Synthesised {
  readonly out: string
  readonly days: number
  readonly contracts: number
  readonly rows: number
  readonly seconds: number
}

/** `tickloom synth`: a lake to try things on. */
export function synthVerb(): Command {
  return verb('synth', 'Make a lake of synthetic ticks: the same options give the same bytes.', [
    'tickloom synth --out ./lake',
    'tickloom synth --out ./lake --days 5 --from 2025-01-06 --strikes 20 --rate 0.5 --seed 7 --symbol NIFTY',
    'tickloom synth --out ./recorded --days 1 --order arrival',
  ])
    .requiredOption('--out <dir>', 'folder of the lake')
    .option('--days <n>', 'how many weekdays', count, 2)
    .option('--from <date>', 'first day, YYYY-MM-DD', date, '2025-01-06')
    .option('--strikes <n>', 'strikes around the money, each with a call and a put', whole, 10)
    .option('--rate <r>', 'snapshots of an instrument a second, on average', positive, 1)
    .option('--seed <n>', 'start of the random numbers', whole, 7)
    .option('--symbol <name>', 'the underlying', 'NIFTY')
    .addOption(
      new Option('--order <order>', 'time: sorted, as a packed lake is; arrival: as a feed delivers, late rows included')
        .choices(['time', 'arrival'])
        .default('time'),
    )
    .action(async ({ json, ...options }: SynthOptions & CommonFlags) => {
      const made = await synthesise(options)
      if (json) process.stdout.write(`${JSON.stringify(made)}\n`)
      else
        process.stdout.write(
          `${shownNumber(made.rows)} ticks of ${made.contracts} instruments over ${made.days} days in ${made.out}, ${made.seconds.toFixed(1)} s\n`,
        )
    })
}

/** Makes the lake, in place of what was there of these days. Throws OPTION_INVALID, OUTPUT_UNWRITABLE, DISK_FULL. */
export async function synthesise({ out, order, ...wanted }: SynthOptions): Promise<Synthesised> {
  const { writeLakeDay } = await import('../connectors/parquet/lakeWriter.ts')
  const { days, from, strikes, rate, seed, symbol } = wanted
  const options = parseSyntheticOptions({ days, from, strikes, rate, seed, symbol })
  const instruments = new Instruments()
  const start = performance.now()
  let rows = 0
  for (const day of syntheticDays(options)) {
    const { ticks } = generateDay(options, day, instruments, nseExpiryOf)
    rows += ticks.n
    await writeLakeDay({ lake: out, date: formatDate(day), ticks, instruments, order })
  }
  return { out, days, contracts: instruments.size, rows, seconds: (performance.now() - start) / 1000 }
}
