import { Command, CommanderError } from 'commander'
import { EndWith } from './exit.ts'
import { describeFailure, exitCodeOf } from './fail.ts'
import { version } from './version.ts'

/** The command `tickloom` with these verbs. */
export function commandLine(verbs: readonly Command[]): Command {
  const root = new Command('tickloom')
    .description('Ticks through operator graphs: one topology, live and replayed.')
    .version(version)
    .addHelpText('after', '\nEvery verb has examples under its own --help. Exit codes: 0 ok, 1 the work failed, 2 wrong usage, 130 interrupted.')
  for (const command of verbs) root.addCommand(command)
  for (const command of [root, ...root.commands]) command.exitOverride().configureOutput({ outputError: () => undefined })
  return root
}

/** Runs it and answers with its exit code; failures are printed to stderr, never thrown. */
export async function runCommandLine(root: Command, args: readonly string[]): Promise<number> {
  try {
    await root.parseAsync(args, { from: 'user' })
    return 0
  } catch (thrown) {
    if (thrown instanceof EndWith) return thrown.code
    // Help and the version were already printed; what is left of them is the exit code.
    const answered = thrown instanceof CommanderError && (thrown.exitCode === 0 || thrown.code === 'commander.help')
    if (!answered) process.stderr.write(`${describeFailure(thrown, { json: args.includes('--json'), verbose: args.includes('--verbose') })}\n`)
    return exitCodeOf(thrown)
  }
}
