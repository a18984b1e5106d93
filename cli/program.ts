import type { Command } from 'commander'
import { cacheVerb } from './cache.ts'
import { calendarVerb } from './calendar.ts'
import { commandLine, runCommandLine } from './commandLine.ts'
import { coverageVerb } from './coverage.ts'
import { demoVerb } from './demo.ts'
import { devVerb } from './dev.ts'
import { dlqVerb } from './dlq.ts'
import { exportVerb } from './export.ts'
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

/** Every verb of the command line. */
export function program(): Command {
  return commandLine([
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
}

/** Runs one command line and answers with its exit code; failures are printed to stderr, never thrown. */
export function run(args: readonly string[]): Promise<number> {
  return runCommandLine(program(), args)
}
