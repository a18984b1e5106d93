import { setFlagsFromString } from 'node:v8'

/** `run` of cli/program.ts for a command line whose verb is `tracker`: no other verb is loaded. */
export async function runTracker(args: readonly string[]): Promise<number> {
  // Before anything is loaded: what is new dies young here, so that a bigger nursery only holds more of what is dead.
  setFlagsFromString('--semi-space-growth-factor=1')
  const [{ commandLine, runCommandLine }, { trackerVerb }] = await Promise.all([import('./commandLine.ts'), import('./tracker.ts')])
  return runCommandLine(commandLine([trackerVerb()]), args)
}
