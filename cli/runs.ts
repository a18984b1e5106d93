import type { Command } from 'commander'
import { type CommonFlags, count, verb, wrongFlag } from './flags.ts'

interface RunsFlags extends CommonFlags {
  readonly clickhouse: string
  readonly database?: string
  readonly topology?: string
  readonly last: number
}

/** `tickloom runs`: the runs of a database, or two of them beside each other. */
export function runsVerb(): Command {
  return verb('runs', 'List the runs of a database with what they came to, or compare two of them.', [
    'tickloom runs --clickhouse ./runs/db',
    'tickloom runs --clickhouse ./runs/db --topology atm-volume-burst --last 20 --json',
    'tickloom runs compare stop-10 stop-15 --clickhouse ./runs/db',
  ])
    .argument('[compare]', 'the word compare')
    .argument('[a]', 'a run')
    .argument('[b]', 'another one')
    .requiredOption('--clickhouse <dir|url>', 'database of the runs')
    .option('--database <name>', 'database of the tables')
    .option('--topology <name>', 'runs of this topology only')
    .option('--last <n>', 'how many, the newest first', count, 50)
    .action(async (word: string | undefined, a: string | undefined, b: string | undefined, flags: RunsFlags) => {
      const { clickhouse, database, topology, last, json } = flags
      if (word !== undefined && word !== 'compare') throw wrongFlag('compare', `there is no "runs ${word}"; there is "runs compare A B"`)
      if (word !== undefined && (a === undefined || b === undefined)) throw wrongFlag('compare', 'runs compare wants the names of two runs')
      const { RunsDatabase } = await import('./reportDatabase.ts')
      const db = new RunsDatabase(clickhouse, database)
      try {
        process.stdout.write(
          `${await (a === undefined || b === undefined ? listed(db, { topology, last, json }) : compared(db, a, b, json === true))}\n`,
        )
      } finally {
        await db.close()
      }
    })
}

type Database = InstanceType<typeof import('./reportDatabase.ts').RunsDatabase>

async function listed(db: Database, { topology, last, json }: Pick<RunsFlags, 'topology' | 'last' | 'json'>): Promise<string> {
  const { listRuns, runsTable } = await import('./runsList.ts')
  const runs = await listRuns(db, { topology, last })
  return json ? JSON.stringify({ runs }, undefined, 2) : runsTable(runs)
}

async function compared(db: Database, a: string, b: string, json: boolean): Promise<string> {
  const { compareRuns, comparisonTables } = await import('./runsCompare.ts')
  const comparison = await compareRuns(db, a, b)
  return json ? JSON.stringify(comparison, undefined, 2) : comparisonTables(comparison)
}
