import { availableParallelism } from 'node:os'
import { type Command, Option } from 'commander'
import type { VerifyReport } from '../connectors/parquet/verify/lake.ts'
import { onShutdown } from '../runtime/shutdown.ts'
import { EndWith } from './exit.ts'
import { exitCodes } from './fail.ts'
import { type CommonFlags, count, verb } from './flags.ts'
import { calendarOf, type MarketName, marketNames } from './lakeMarket.ts'
import { showPacking } from './packProgress.ts'
import { shownBytes, shownNumber, table } from './tables.ts'

interface VerifyFlags extends CommonFlags {
  readonly lake: string
  readonly workers: number
  readonly market?: MarketName
  readonly quiet?: boolean
}

/** Faults that the table shows; --json has all. */
const SHOWN = 50

/** `tickloom verify`: reads a whole lake again, and says what is wrong with it. */
export function verifyVerb(): Command {
  return verb('verify', 'Read a whole lake again and compare it with what its manifest says.', [
    'tickloom verify --lake ./lake',
    'tickloom verify --lake ./lake --workers 4 --json',
  ])
    .requiredOption('--lake <dir>', 'folder of the lake')
    .option('--workers <n>', 'files that are read at once', count, availableParallelism())
    .addOption(new Option('--market <name>', 'whose days the dates are; by default the names of the symbols tell').choices(marketNames))
    .option('--quiet', 'print nothing but what is wrong')
    .action(async (flags: VerifyFlags) => {
      const report = await verified(flags)
      const whole = report.faults.length === 0
      if (flags.json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
      else if (!whole || !flags.quiet) process.stdout.write(`${verifyTables(report)}\n`)
      if (!whole) throw new EndWith(exitCodes.failed)
    })
}

async function verified({ lake, workers, market, quiet, json }: VerifyFlags): Promise<VerifyReport> {
  const { verifyLake } = await import('../connectors/parquet/verify/lake.ts')
  const shutdown = onShutdown()
  const progress = showPacking(quiet === true || json === true)
  try {
    return await verifyLake(lake, {
      workers,
      zoneOf: (contract) => calendarOf(contract, market).zone,
      signal: shutdown.signal,
      onProgress: progress.at,
    })
  } finally {
    progress.stop()
    shutdown.release()
  }
}

function verifyTables({ lake, files, rows, bytes, withoutChecksum, faults, notes, seconds }: VerifyReport): string {
  const parts = [
    `${shownNumber(rows)} rows in ${shownNumber(files)} file${files === 1 ? '' : 's'} of ${lake}: ${shownBytes(bytes)} in ${seconds.toFixed(1)} s`,
  ]
  if (withoutChecksum > 0)
    parts.push(`no checksum recorded for ${shownNumber(withoutChecksum)} files: their rows were checked, not that they are the ones written`)
  parts.push(...notes.map((note) => `note: ${note}`))
  if (faults.length === 0) return [...parts, 'Nothing is wrong.'].join('\n')
  parts.push(
    table(
      ['file', 'what', 'expected', 'found'],
      faults.slice(0, SHOWN).map(({ file, what, expected, found }) => [file, what, expected, found]),
    ),
  )
  const more = faults.length > SHOWN ? `, ${SHOWN} of them shown: --json has all` : ''
  return [...parts, `${shownNumber(faults.length)} fault${faults.length === 1 ? '' : 's'}${more}`].join('\n')
}
