import { Command, CommanderError } from 'commander'
import { cacheVerb } from './cache.ts'
import { calendarVerb } from './calendar.ts'
import { coverageVerb } from './coverage.ts'
import { demoVerb } from './demo.ts'
import { devVerb } from './dev.ts'
import { dlqVerb } from './dlq.ts'
import { EndWith } from './exit.ts'
import { exportVerb } from './export.ts'
import { describeFailure, exitCodeOf } from './fail.ts'
import { feedVerb } from './feed.ts'
import { graphVerb } from './graph.ts'
import { ledgerVerb } from './ledger.ts'
import { liveVerb } from './live.ts'
import { lookaheadVerb } from './lookahead.ts'
import { packVerb } from './pack.ts'
import { parityVerb } from './parity.ts'
import { recordVerb } from './record.ts'
import { replayVerb } from './replay.ts'
import { reportVerb } from './report.ts'
import { runsVerb } from './runs.ts'
import { sqlCommand } from './sql.ts'
import { sweepVerb } from './sweep.ts'
import { sweepWorkerVerb } from './sweepWork.ts'
import { synthVerb } from './synth.ts'
import { topicsVerb } from './topics.ts'
import { trackerVerb } from './tracker.ts'
import { verifyVerb } from './verify.ts'
import { version } from './version.ts'

/** Every verb of the command line. */
export function program(): Command {
  const root = new Command('tickloom')
    .description('Ticks through operator graphs: one topology, live and replayed.')
    .version(version)
    .addHelpText('after', '\nEvery verb has examples under its own --help. Exit codes: 0 ok, 1 the work failed, 2 wrong usage, 130 interrupted.')
  for (const command of [
    synthVerb(),
    packVerb(),
    ledgerVerb(),
    verifyVerb(),
    coverageVerb(),
    replayVerb(),
    reportVerb(),
    runsVerb(),
    sweepVerb(),
    sweepWorkerVerb(),
    exportVerb(),
    cacheVerb(),
    liveVerb(),
    feedVerb(),
    recordVerb(),
    trackerVerb(),
    sqlCommand(),
    graphVerb(),
    parityVerb(),
    lookaheadVerb(),
    calendarVerb(),
    demoVerb(),
    topicsVerb(),
    dlqVerb(),
    devVerb(),
  ])
    root.addCommand(command)
  for (const command of [root, ...root.commands]) command.exitOverride().configureOutput({ outputError: () => undefined })
  return root
}

/** Runs one command line and answers with its exit code; failures are printed to stderr, never thrown. */
export async function run(args: readonly string[]): Promise<number> {
  try {
    await program().parseAsync(args, { from: 'user' })
    return 0
  } catch (thrown) {
    if (thrown instanceof EndWith) return thrown.code
    // Help and the version were already printed; what is left of them is the exit code.
    const answered = thrown instanceof CommanderError && (thrown.exitCode === 0 || thrown.code === 'commander.help')
    if (!answered) process.stderr.write(`${describeFailure(thrown, { json: args.includes('--json'), verbose: args.includes('--verbose') })}\n`)
    return exitCodeOf(thrown)
  }
}
