import { asSmallProcess, paceGarbage } from './trackerMemory.ts'

/** `run` of cli/program.ts for a command line whose verb is `tracker`: no other verb is loaded. */
export async function runTracker(args: readonly string[]): Promise<number> {
  // What is answered at once need not be small.
  if (!args.some((word) => ['plan', '--help', '-h', '--print-config'].includes(word))) asSmallProcess()
  const [{ commandLine, runCommandLine }, { trackerVerb }] = await Promise.all([import('./commandLine.ts'), import('./tracker.ts')])
  const pace = paceGarbage()
  try {
    return await runCommandLine(commandLine([trackerVerb()]), args)
  } finally {
    pace.stop()
  }
}
