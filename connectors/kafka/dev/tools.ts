import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { TickloomError } from '../../../core/errors.ts'

const oldestJava = 17

/** The Java that runs the services: JAVA_HOME's, else the PATH's. */
export function javaCommand(): string {
  const home = process.env['JAVA_HOME']
  return home ? join(home, 'bin', 'java') : 'java'
}

/** Throws DEV_TOOLS_MISSING unless there is a Java that can run the services. */
export function requireJava(): void {
  const command = javaCommand()
  const said = answerOf(command, ['-version'])
  if (said === undefined) throw missing(`Java ${oldestJava} or later is needed to run a broker, and "${command}" does not run`, 'java')
  const found = /version "(\d+)/.exec(said)?.[1]
  if (found === undefined || Number(found) < oldestJava)
    throw missing(`Java ${oldestJava} or later is needed to run a broker, and "${command}" is ${found ?? 'of no known version'}`, 'java')
}

/** Throws DEV_TOOLS_MISSING unless there is a Maven that can fetch them. */
export function requireMaven(): void {
  if (answerOf('mvn', ['-v']) === undefined) throw missing('Maven is needed to fetch the broker the first time, and "mvn" does not run', 'mvn')
}

function missing(message: string, tool: string): TickloomError {
  return new TickloomError('DEV_TOOLS_MISSING', message, { tool })
}

function answerOf(command: string, args: readonly string[]): string | undefined {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 30_000 })
  return status === 0 ? `${stdout}${stderr}` : undefined
}
