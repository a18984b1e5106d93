import { type Command, Option } from 'commander'
import type { LedgerBy, LedgerSum } from '../connectors/archives/ledgerFile.ts'
import { type CommonFlags, verb } from './flags.ts'
import { shownNumber, table } from './tables.ts'

interface LedgerFlags extends CommonFlags {
  readonly lake: string
  readonly by: LedgerBy
}

/** `tickloom ledger`: what became of every row that was packed, or was not. */
export function ledgerVerb(): Command {
  return verb('ledger', 'Show what became of every row of the archives that were packed into a lake.', [
    'tickloom ledger --lake ./lake',
    'tickloom ledger --lake ./lake --by day',
    'tickloom ledger --lake ./lake --by file --json',
  ])
    .requiredOption('--lake <dir>', 'folder of the lake')
    .addOption(new Option('--by <what>', 'how the rows are added up').choices(['reason', 'file', 'day']).default('reason'))
    .action(async ({ lake, by, json }: LedgerFlags) => {
      const { sumLedger } = await import('../connectors/archives/ledgerFile.ts')
      const sums = await sumLedger(lake, by)
      process.stdout.write(json ? `${JSON.stringify(sums, undefined, 2)}\n` : `${ledgerTable(sums, by)}\n`)
    })
}

function ledgerTable(sums: readonly LedgerSum[], by: LedgerBy): string {
  const all = sums.reduce((sum, { rows }) => sum + rows, 0)
  const body = sums.map(({ key, reason, rows, members, sample }) => [
    ...(by === 'reason' ? [] : [key === '' ? '(no date)' : key]),
    reason,
    rows,
    members,
    (sample ?? '').slice(0, 100),
  ])
  const head = [...(by === 'reason' ? [] : [by]), 'reason', 'rows', 'files', 'for example']
  return `${table(head, body)}\n${shownNumber(all)} rows in all`
}
