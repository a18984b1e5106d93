import { readdirSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { type FormatName, formats } from '../connectors/archives/formats.ts'
import type { Layout } from '../connectors/archives/layout.ts'
import type { PackSummary } from '../connectors/archives/packing.ts'
import { inLake } from '../connectors/archives/reasons.ts'
import { onShutdown } from '../runtime/shutdown.ts'
import { type CommonFlags, count, verb, wrongFlag } from './flags.ts'
import { showPacking } from './packProgress.ts'
import { shownBytes, shownNumber, table } from './tables.ts'

interface PackFlags extends CommonFlags {
  readonly lake: string
  readonly format?: FormatName
  readonly mapping?: string
  readonly volume?: Layout['volume']
  readonly workers: number
  readonly staging?: string
  readonly clean?: boolean
  readonly quiet?: boolean
}

/** `tickloom pack`: archives of vendors into a lake. */
export function packVerb(): Command {
  return verb('pack', 'Pack archives of vendors into a lake, and account for every row of them.', [
    'tickloom pack GFDLNFO_TICK_04012024.zip --lake ./lake',
    'tickloom pack ./archives --lake ./lake --workers 4 --staging /dev/shm',
    'tickloom pack quotes.csv.gz --lake ./lake --format csv --mapping quotes.yaml',
  ])
    .argument('<input...>', 'archives and files, or folders of them')
    .requiredOption('--lake <dir>', 'folder of the lake')
    .addOption(new Option('--format <name>', 'what the inputs are; by default their content tells').choices(formats))
    .option('--mapping <file>', 'YAML that says what the columns of a plain CSV or Parquet file are')
    .addOption(new Option('--volume <kind>', 'what the column of volumes is, where the format has it wrong').choices(['cumulative', 'quantity']))
    .option('--workers <n>', 'processes', count, availableParallelism())
    .option('--staging <dir>', 'folder for what is on its way, such as a RAM disk; by default in the lake')
    .option('--clean', 'leave out off-session and duplicate rows, which replay does anyway')
    .option('--quiet', 'print nothing but failures')
    .action(async (inputs: string[], flags: PackFlags) => {
      const summary = await packed(inputs, flags)
      const missing = await missingOf(summary)
      if (flags.json) process.stdout.write(`${JSON.stringify({ ...summary, missing }, undefined, 2)}\n`)
      else if (!flags.quiet) process.stdout.write(`${packTables(summary)}\n${missingLines(missing)}`)
    })
}

async function packed(inputs: readonly string[], flags: PackFlags): Promise<PackSummary> {
  if (flags.format === 'csv' && flags.mapping === undefined) throw wrongFlag('--mapping', '--format csv needs a --mapping')
  if (flags.mapping !== undefined && flags.format !== undefined && flags.format !== 'csv')
    throw wrongFlag('--format', `a --mapping is of plain CSV, not of ${flags.format}`)
  const [{ pack }, { processPool }] = await Promise.all([import('../connectors/archives/pack.ts'), import('./packPool.ts')])
  const mapping = flags.mapping === undefined ? undefined : (await import('../connectors/archives/mapping.ts')).readMapping(flags.mapping)
  const { lake, volume, workers, staging } = flags
  const files = inputs.flatMap(filesOf)
  if (files.length === 0) throw wrongFlag('INPUT', `there is no file in ${inputs.join(', ')}`)
  const shutdown = onShutdown('stopping; days that are whole are kept. Once more ends it at once.')
  const progress = showPacking(flags.quiet === true || flags.json === true)
  const pool = processPool(workers)
  const stop = (): void => void pool.close()
  shutdown.signal.addEventListener('abort', stop, { once: true })
  try {
    const options = { inputs: files, lake, format: mapping ? ('csv' as const) : flags.format, mapping, volume, staging, clean: flags.clean === true }
    return await pack(options, pool, { signal: shutdown.signal, onProgress: progress.at })
  } finally {
    progress.stop()
    await pool.close()
    shutdown.release()
  }
}

interface Missing {
  readonly date: string
  readonly symbol: string
  readonly what: string
}

/** What the calendar expects of the days that were packed and they do not have; of all days it is kept in meta/coverage.parquet. */
async function missingOf({ lake, days }: PackSummary): Promise<Missing[]> {
  if (days.length === 0) return []
  const [{ briefCoverage, missingIn, saveCoverage }, { listingOf }] = await Promise.all([
    import('../connectors/parquet/coverage/brief.ts'),
    import('./coverageListing.ts'),
  ])
  const all = briefCoverage(lake, listingOf())
  await saveCoverage(lake, all)
  return all.flatMap((day) => {
    const what = days.includes(day.date) ? missingIn(day) : undefined
    return what === undefined ? [] : [{ date: day.date, symbol: day.symbol, what }]
  })
}

const DAYS_SHOWN = 20

function missingLines(missing: readonly Missing[]): string {
  if (missing.length === 0) return ''
  const lines = missing.slice(0, DAYS_SHOWN).map(({ date, symbol, what }) => `missing: ${date} ${symbol}: ${what}\n`)
  const more = missing.length > DAYS_SHOWN ? `and of ${missing.length - DAYS_SHOWN} more. ` : ''
  return `${lines.join('')}${more}\`tickloom coverage\` shows which, and gaps.\n`
}

/** A folder stands for the files below it, by name. */
function filesOf(input: string): string[] {
  const folder = statSync(input, { throwIfNoEntry: false })?.isDirectory() === true
  if (!folder) return [input]
  return (readdirSync(input, { recursive: true }) as string[])
    .map((name) => join(input, name))
    .filter((path) => statSync(path).isFile())
    .sort()
}

function packTables(s: PackSummary): string {
  const kept = inLake(s.reasons)
  const parts = [
    `${shownNumber(kept)} of ${shownNumber(s.rows)} rows packed into ${s.files} files of ${s.days.length} day${s.days.length === 1 ? '' : 's'} in ${s.lake}: ${shownBytes(s.bytesRead)} read, ${shownBytes(s.bytesWritten)} written, ${s.seconds.toFixed(1)} s, ${shownNumber(Math.round(s.rows / s.seconds))} rows/s`,
  ]
  if (s.skipped > 0) parts.push(`${s.skipped} of ${s.inputs} inputs skipped: packed before, and unchanged`)
  if (s.rows > 0)
    parts.push(
      table(
        ['what became of the rows', 'rows'],
        [...Object.entries(s.reasons).sort((a, b) => b[1] - a[1]), ['in all', Object.values(s.reasons).reduce((sum, n) => sum + n, 0)]],
      ),
    )
  if (Object.keys(s.damaged).length > 0) parts.push(table(['files in the inputs that are', 'files'], Object.entries(s.damaged)))
  for (const warning of s.warnings) parts.push(`warning: ${warning}`)
  if (s.rows > kept) parts.push('`tickloom ledger` shows which lines.')
  return parts.join('\n')
}
